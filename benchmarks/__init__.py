"""What awsdeploy costs in time, calls and memory: `make bench` prints every figure."""
