"""Identity: IAM roles, policies, identity providers."""
