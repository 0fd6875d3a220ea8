"""Progress of a run: events shown as a live board, as lines or as JSON lines, and the time that is left."""
