"""Web: load balancer, target groups, listeners."""
