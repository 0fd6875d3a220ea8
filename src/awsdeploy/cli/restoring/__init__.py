"""Subcommands of `restore`."""
