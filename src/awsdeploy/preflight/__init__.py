"""Checks before the first write. They only read, and report all problems at once, each with its remedy."""
