"""Backup: snapshots of the database, images of machines, lifecycle policies."""
