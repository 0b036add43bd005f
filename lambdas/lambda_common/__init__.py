"""What every function needs, placed in its package beside its own folder."""
