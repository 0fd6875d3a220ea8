"""Corrections of moto: S3."""
