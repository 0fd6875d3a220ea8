"""Commands, one file each. No command imports another."""
