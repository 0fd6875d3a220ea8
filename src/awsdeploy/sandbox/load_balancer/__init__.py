"""Load balancer of the sandbox: a process that answers for the simulated ones."""
