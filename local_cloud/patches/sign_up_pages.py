"""The pages of the hosted UI that the emulator lacks."""

from collections.abc import Mapping, Sequence
from html import escape
from urllib.parse import urlencode

OAUTH_FIELDS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "code_challenge",
    "code_challenge_method",
    "nonce",
)
"""What an application sends along with a person, and gets back when the person has signed in."""


def sign_up_link(oauth: Mapping[str, str]) -> str:
    """Return the line under the sign-in form that leads to the sign-up page."""
    address = f"/signup?{urlencode(oauth)}"
    return f'<p class="footer">Need an account? <a href="{escape(address)}">Sign up</a></p>'


def sign_in_link(oauth: Mapping[str, str]) -> str:
    """Return the line that leads back to the sign-in page."""
    address = f"/oauth2/authorize?{urlencode(oauth)}"
    return f'<p class="footer">Have an account? <a href="{escape(address)}">Sign in</a></p>'


def sign_up_body(
    oauth: Mapping[str, str], fields: Sequence[str], given: Mapping[str, str], error: str
) -> str:
    """Return the form that asks for these fields and a password."""
    return (
        _message("error", error)
        + '<form method="POST" action="/signup">\n'
        + "".join(_hidden(name, value) for name, value in oauth.items())
        + "".join(_text(name, given.get(name, "")) for name in fields)
        + '<label for="password">Password</label>\n'
        '<input type="password" id="password" name="password" autocomplete="new-password"'
        " required>\n"
        '<button type="submit">Sign up</button>\n</form>\n' + sign_in_link(oauth)
    )


def confirm_body(oauth: Mapping[str, str], session: str, error: str, notice: str) -> str:
    """Return the form that asks for the code."""
    return (
        _message("error", error)
        + _message("notice", notice)
        + '<form method="POST" action="/confirmUser">\n'
        + _hidden("session", session)
        + '<label for="code">Verification code</label>\n'
        '<input type="text" id="code" name="code" inputmode="numeric"'
        ' autocomplete="one-time-code" autofocus>\n'
        '<button type="submit" name="action" value="confirm">Confirm account</button>\n'
        '<button type="submit" name="action" value="resend">Send a new code</button>\n'
        "</form>\n" + sign_in_link(oauth)
    )


def _message(kind: str, text: str) -> str:
    return f'<div class="{kind}">{escape(text)}</div>\n' if text else ""


def _hidden(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">\n'


def _text(name: str, value: str) -> str:
    label = name.removeprefix("custom:").replace("_", " ").capitalize()
    return (
        f'<label for="{escape(name)}">{escape(label)}</label>\n'
        f'<input type="text" id="{escape(name)}" name="{escape(name)}" value="{escape(value)}"'
        " required>\n"
    )
