"""Corrections of moto: RDS."""
