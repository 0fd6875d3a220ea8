"""Tests of the picture of a stack."""
