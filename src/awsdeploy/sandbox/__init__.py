"""Simulated AWS: moto behind HTTP on loopback, made as strict and as slow as AWS.

Nothing outside this package and the `--sandbox` option knows of it. `control` starts and controls the
background process and imports no moto; everything else runs inside that process.
"""
