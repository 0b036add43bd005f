"""What data scientists need of the platform in a notebook."""
