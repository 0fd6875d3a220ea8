"""Corrections of moto: images and Data Lifecycle Manager."""
