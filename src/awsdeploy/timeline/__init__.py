"""Times of runs: the record in a file beside the state, the critical path, Chrome's trace, HTML."""
