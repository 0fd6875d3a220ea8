"""Plan, up and destroy over the graph of resources. Emits events, prints nothing, names no kind."""
