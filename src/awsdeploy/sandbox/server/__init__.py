"""Server of the sandbox: from an HTTP request to a call, its checks, and its answer."""
