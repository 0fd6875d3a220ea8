"""Corrections of moto: VPC, subnets, NAT, security groups."""
