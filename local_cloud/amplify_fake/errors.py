"""What the fake refuses."""


class RefusalError(Exception):
    """A request that is refused: the code of the error, and a message.

    The status is that of the service model, if it has this error.
    """

    def __init__(self, code: str, message: str, status: int = 404) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


def bad_request(message: str) -> RefusalError:
    """Return the error for a request that makes no sense."""
    return RefusalError("BadRequestException", message)


def not_found(what: str) -> RefusalError:
    """Return the error for something that is not there."""
    return RefusalError("NotFoundException", f"{what} not found.")
