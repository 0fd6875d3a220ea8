"""The stack as Terraform files: each kind of resource as Terraform writes it, and the folder they go to."""
