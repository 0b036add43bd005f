"""What detect-secrets takes for a secret, by the plugins that know a secret by its form."""

from __future__ import annotations

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

# Not the guesses by entropy, which take every hash and id for a secret.
PLUGINS = [
    {"name": name}
    for name in (
        "AWSKeyDetector",
        "BasicAuthDetector",
        "GitHubTokenDetector",
        "GitLabTokenDetector",
        "JwtTokenDetector",
        "KeywordDetector",
        "NpmDetector",
        "PrivateKeyDetector",
        "PypiTokenDetector",
        "SlackDetector",
        "StripeDetector",
    )
]


def secrets_in(text: str) -> list[str]:
    """Return the kinds of secrets that a text holds."""
    with transient_settings({"plugins_used": PLUGINS}):
        return [secret.type for line in text.splitlines() for secret in scan_line(line)]
