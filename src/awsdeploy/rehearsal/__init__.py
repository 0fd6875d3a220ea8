"""A stack's whole life on real AWS, recorded without any value, and what two such recordings differ in."""
