"""State on this computer and in AWS: the record of a stack, the lock of this computer, the lock of the stack."""
