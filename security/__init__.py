"""Checks by tools that nobody here wrote: of the locked packages, and of a stack that stands in the sandbox."""
