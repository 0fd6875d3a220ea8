"""Programs that run on the EC2 machines: what makes a fresh one ready, and what releases on it."""
