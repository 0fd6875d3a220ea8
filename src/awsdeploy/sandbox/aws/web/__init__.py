"""Corrections of moto: Elastic Load Balancing."""
