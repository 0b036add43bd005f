"""How to use the platform."""
