"""Stacks in a VPC, or with a database, that exist already and are not theirs."""
