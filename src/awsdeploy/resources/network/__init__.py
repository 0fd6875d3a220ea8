"""Network: VPC, subnets, routes, security groups."""
