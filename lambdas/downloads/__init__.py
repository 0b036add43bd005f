"""Redirects the links of finished models to their files."""
