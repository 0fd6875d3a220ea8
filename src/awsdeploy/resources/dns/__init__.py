"""DNS: hosted zones, records, certificates."""
