"""Public DNS and web addresses, as anybody on the internet sees them."""
