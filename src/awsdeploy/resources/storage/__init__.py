"""Storage: S3 buckets, their settings and objects."""
