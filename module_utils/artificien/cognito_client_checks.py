"""What of a Cognito client AWS would refuse, or take and leave without effect."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ansible.module_utils.artificien.reconcile import Model, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Iterable

_RANGES = {
    "access_token_validity_minutes": (5, 1440),
    "id_token_validity_minutes": (5, 1440),
    "refresh_token_validity_days": (1, 3650),
    "auth_session_validity_minutes": (3, 15),
}
_MAX_RETRY_GRACE_SECONDS = 60
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check_unique(clients: list[dict[str, Any]]) -> None:
    """Refuse a list in which two clients share a name or the place of their secrets."""
    for field in ("name", "secret_name"):
        values = Counter(client[field] for client in clients if client[field] is not None)
        for value, count in values.items():
            if count > 1:
                raise ReconcileError(
                    f"{value}: {count} entries of clients have this {field}; give each its own."
                )


def check_options(client: dict[str, Any]) -> None:
    """Refuse an entry of the module's `clients` option that cannot be meant.

    Raises:
        ReconcileError: with the option, its value and the remedy.
    """
    name = client["name"]
    _check_secret(client)
    if client["auth_flows"] == []:
        raise ReconcileError(
            f"{name}: auth_flows is empty, for which Cognito would put flows of its own. Name at "
            "least one, or leave the option out."
        )
    for field, (least, most) in _RANGES.items():
        _check_range(name, field, client[field], least, most)
    rotation = client["refresh_token_rotation"] or {"retry_grace_period_seconds": 0}
    seconds = rotation["retry_grace_period_seconds"]
    _check_range(name, "retry_grace_period_seconds", seconds, 0, _MAX_RETRY_GRACE_SECONDS)
    for field in ("callback_urls", "logout_urls"):
        _check_urls(name, field, client[field] or [])
    if client["default_redirect_url"]:
        _check_urls(name, "default_redirect_url", [client["default_redirect_url"]])
    if client["oauth_flows"] == []:
        _check_oauth_off(client)


def _check_secret(client: dict[str, Any]) -> None:
    if bool(client["generate_secret"]) == bool(client["secret_name"]):
        return
    raise ReconcileError(
        f"{client['name']}: generate_secret is {client['generate_secret']} and secret_name is "
        f"{client['secret_name']!r}. Give both, so that the secret is stored, or neither for a "
        "client without a secret."
    )


def _check_range(name: str, field: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise ReconcileError(f"{name}: {field} is {value}; give {least} to {most}.")


def _check_urls(name: str, field: str, urls: Iterable[str]) -> None:
    for url in urls:
        parts = urlsplit(url)
        safe = parts.scheme not in {"", "http"} or (
            parts.scheme == "http" and parts.hostname in _LOOPBACK
        )
        if not safe or "#" in url or (parts.scheme == "https" and not parts.hostname):
            raise ReconcileError(
                f"{name}: {field} has {url!r}. Give an absolute URL without fragment (#) that "
                "begins with https:// or an app's own scheme; http:// only for localhost."
            )


def _check_oauth_off(client: dict[str, Any]) -> None:
    for field in ("oauth_scopes", "callback_urls", "logout_urls", "default_redirect_url"):
        if client[field]:
            raise ReconcileError(
                f"{client['name']}: {field} is {client[field]!r}, but oauth_flows is empty, which "
                f"switches OAuth off. Name a flow in oauth_flows, or leave {field} out."
            )


def check_model(name: str, client: Model) -> None:
    """Refuse a client as it would be whose settings contradict each other.

    Raises:
        ReconcileError: with the settings and the remedy.
    """
    flows = client.get("oauth_flows") or []
    if flows and not client.get("oauth_scopes"):
        raise ReconcileError(
            f"{name}: oauth_flows is {flows}, but there are no oauth_scopes. Name at least one, "
            "such as openid."
        )
    if "client_credentials" in flows and not (
        flows == ["client_credentials"] and client.get("generate_secret")
    ):
        raise ReconcileError(
            f"{name}: oauth_flows is {flows}. client_credentials works only as the single flow of "
            "a client with generate_secret; make a client of its own for it."
        )
    urls = client.get("callback_urls") or []
    if {"code", "implicit"} & set(flows) and not urls:
        raise ReconcileError(
            f"{name}: oauth_flows is {flows}, which leads users back to the application, but "
            "there are no callback_urls. Name at least one."
        )
    default = client.get("default_redirect_url")
    if default and default not in urls:
        raise ReconcileError(
            f"{name}: default_redirect_url is {default!r}, which is none of callback_urls "
            f"({', '.join(urls)}). Add it there, or choose one of them."
        )
    rotation = client.get("refresh_token_rotation") or {"enabled": False}
    if rotation["enabled"] and "refresh_token" in client.get("auth_flows", []):
        raise ReconcileError(
            f"{name}: refresh_token_rotation and the refresh_token flow exclude each other. Take "
            "refresh_token out of auth_flows, or set enabled to false."
        )
