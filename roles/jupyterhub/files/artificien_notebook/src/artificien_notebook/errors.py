"""What went wrong, in words for people."""


class NotebookError(Exception):
    """Something that was asked for cannot be had; the text says why."""
