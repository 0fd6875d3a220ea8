"""awsdeploy creates a complete production web application on AWS and deletes it again."""

__version__ = "0.1.0"
DISTRIBUTION = "awsdeploy-stack"
"""The name that pip knows this program by: `awsdeploy` on PyPI is another project."""
