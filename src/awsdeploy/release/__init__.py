"""Putting a version of the application on the machines, and what one wants to know and change about it there."""
