"""Corrections of moto: Route 53 and ACM."""
