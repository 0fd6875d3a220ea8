"""Text and JSON of results, for the commands that print them."""
