"""AWS as a client sees it: the only use of boto3, retries, error codes with their remedies, and list prices."""
