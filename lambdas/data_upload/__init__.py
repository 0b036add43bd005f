"""Writes the sample CSV of every dataset in the marketplace."""
