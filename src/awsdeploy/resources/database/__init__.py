"""Database: the RDS instance and its groups."""
