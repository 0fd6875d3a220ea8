"""Machines of the sandbox: folders, processes, tools and databases that really run here."""
