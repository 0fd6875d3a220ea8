"""Corrections of moto: IAM."""
