"""What the modules in `library/` share."""
