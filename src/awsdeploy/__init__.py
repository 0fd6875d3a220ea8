"""awsdeploy stands up a whole production web application on AWS, and takes it down again."""

__version__ = "0.1.0"
DISTRIBUTION = "awsdeploy-stack"
"""The name that pip knows this program by: `awsdeploy` on PyPI is another project."""
