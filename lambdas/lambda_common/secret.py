"""A secret of Secrets Manager, read when it is needed."""

import hmac
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_secretsmanager import SecretsManagerClient

_KEPT_SECONDS = 300
# So soon nothing is read again, however many wrong guesses arrive.
_SETTLED_SECONDS = 10


class Secret:
    """A secret by its name or ARN, kept for five minutes and read anew where it is refused."""

    def __init__(
        self,
        client: "SecretsManagerClient",
        secret_id: str,
        clock: "Callable[[], float]" = time.monotonic,
    ):
        self._client, self._secret_id, self._clock = client, secret_id, clock
        self._value: str | None = None
        self._read_at = 0.0

    def value(self) -> str:
        """Return the secret."""
        if self._value is None or self._clock() - self._read_at >= _KEPT_SECONDS:
            return self._read()
        return self._value

    def changed(self) -> bool:
        """Whether the secret is another than what `value` last returned, as after a rotation."""
        before = self._value
        if before is not None and self._clock() - self._read_at < _SETTLED_SECONDS:
            return False
        return self._read() != before

    def matches(self, given: str) -> bool:
        """Whether `given` is the secret, in a time that does not tell how nearly."""
        return _equal(given, self.value()) or (self.changed() and _equal(given, self.value()))

    def _read(self) -> str:
        self._value = self._client.get_secret_value(SecretId=self._secret_id)["SecretString"]
        self._read_at = self._clock()
        return self._value


def _equal(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), secret.encode())
