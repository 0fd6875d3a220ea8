"""Releases: a version of the application on the machines, its variables and its state."""
