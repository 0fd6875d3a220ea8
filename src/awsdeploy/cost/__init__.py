"""Costs of a stack: the estimate, the inventory that is billed, and what AWS has billed."""
