"""Corrections of moto: EC2, Auto Scaling, Systems Manager."""
