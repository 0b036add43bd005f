"""From the diffs of a cycle to the next checkpoint."""
