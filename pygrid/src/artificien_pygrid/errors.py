"""The errors that clients get to see, by kind.

``text`` is what a client reads; it keeps the wording of the PyGrid protocol where clients or
people may know it by heart. Which status code a kind gets is the business of the transport.
"""

# ruff: noqa: N818 - the names say what happened

from typing import ClassVar


class NodeError(Exception):
    """A request that cannot be served, for a reason its sender may know.

    Args:
        text: What the client reads; the kind's usual text when absent.
    """

    default_text: ClassVar[str] = "The request cannot be served."

    def __init__(self, text: str | None = None) -> None:
        self.text = self.default_text if text is None else text
        super().__init__(self.text)


class NotFound(NodeError):
    """Something that a request names does not exist (or not for this worker)."""


class ProcessNotFound(NotFound):
    """No model of this name and version is hosted."""

    default_text = "Not found any process related with this cycle and worker ID."


class WorkerNotFound(NotFound):
    """The worker id is unknown, expired, or belongs to another model."""

    default_text = "Worker ID not found!"


class ModelNotFound(NotFound):
    """The model id, or the checkpoint of a model, does not exist."""

    default_text = "Model ID not found!"


class PlanNotFound(NotFound):
    """The plan id does not exist, or is no plan that workers may read."""

    default_text = "Plan ID not found!"


class ProtocolNotFound(NotFound):
    """The protocol id does not exist."""

    default_text = "Protocol ID not found!"


class CycleNotFound(NotFound):
    """The worker takes part in no open cycle of the model."""

    default_text = "Cycle not found!"


class InvalidRequestKey(NodeError):
    """The request key is not the one given to this worker for the open cycle."""

    default_text = "Invalid request key!"


class InvalidRequest(NodeError):
    """A field of a request is missing, of the wrong type, or out of range."""


class HostingRefused(InvalidRequest):
    """What was sent for hosting is not valid."""


class ProcessExists(HostingRefused):
    """The name and version are taken."""

    default_text = "FL Process already exists."


class ReportRefused(NodeError):
    """A report that is late, repeated, foreign, or whose diff is not valid."""


class AuthenticationRequired(NodeError):
    """The model asks for a token and none was sent."""

    default_text = "Authentication is required, please pass an 'auth_token'."


class InvalidToken(NodeError):
    """The token does not pass the model's secret or public key."""

    default_text = "The 'auth_token' you sent is invalid."


class TokenRefused(NodeError):
    """The model's third party did not accept the token."""

    default_text = "The 'auth_token' you sent did not pass 3rd party validation."


class NotPermitted(NodeError):
    """Hosting, retrieval or the status without the right token or network."""

    default_text = "A valid bearer token is required."


class TooManyRequests(NodeError):
    """A client exceeded a rate limit."""

    default_text = "Too many requests, please try again later."


class TooLarge(NodeError):
    """A message or blob exceeds the configured limit."""

    default_text = "The message is too large."


class Unavailable(NodeError):
    """The database does not answer; the same request may succeed later."""

    default_text = "The node cannot reach its database at the moment, please try again later."
