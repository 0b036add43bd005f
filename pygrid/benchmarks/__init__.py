"""Measurements of the node: ``python -m benchmarks``."""
