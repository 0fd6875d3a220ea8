"""Compute: EC2 instances, launch templates, Auto Scaling groups and what machines fetch."""
