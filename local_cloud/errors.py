"""The one exception that people see."""


class LocalCloudError(Exception):
    """Something a person can mend; the message says what is wrong and what to do."""
