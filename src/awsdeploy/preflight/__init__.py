"""Preflight: what would stop a run, found by reading before the first write; everything at once, each with its
remedy.
"""
