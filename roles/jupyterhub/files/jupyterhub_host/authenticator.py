"""Logging in by Cognito, and being put out again.

People have what their groups in the user pool give them. The hub asks the pool again for
everybody who is active, and for everybody whose server runs: who was deleted, disabled or taken
out of the groups is refused from then on, and their server is stopped.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from jupyterhub.roles import assign_default_roles
from jupyterhub.user import User
from oauthenticator.generic import GenericOAuthenticator
from tornado import web
from tornado.httpclient import HTTPClientError
from tornado.ioloop import PeriodicCallback
from traitlets import Int, Unicode

from . import tokens

# What lets a server read the tokens of its owner.
TOKENS_SCOPE = "custom:cognito-tokens:read"
_TOO_MANY_REQUESTS = 429
_SERVER_ERRORS = 500

# JupyterHub 6.1 reads it of every request, and sets it only for those that come with a token; a
# page whose refresh is refused would be answered with 500.
if not hasattr(BaseHandler, "_token_authenticated"):
    BaseHandler._token_authenticated = False


class RefusedError(Exception):
    """The user pool gives no tokens any more.

    Args:
        reason: What it said.
        ended: Whether that is about the user, not about the hub.
    """

    def __init__(self, reason: str, *, ended: bool) -> None:
        super().__init__(reason)
        self.ended = ended


def refusal_of(error: Exception) -> RefusedError | None:
    """What a failed refresh means; ``None`` if only that the pool was not reached."""
    if isinstance(error, web.HTTPError) and error.status_code < _SERVER_ERRORS:
        # The pool answered 200, and described an error.
        return RefusedError(str(error.log_message), ended=False)
    if not isinstance(error, HTTPClientError):
        return None
    if error.code >= _SERVER_ERRORS or error.code == _TOO_MANY_REQUESTS:
        return None
    body = error.response.body if error.response else b""
    try:
        reason = str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        reason = f"HTTP {error.code}"
    return RefusedError(reason, ended=reason == "invalid_grant")


class TokensHandler(APIHandler):  # type: ignore[misc] # it has no types
    """``/hub/api/cognito-tokens``: the tokens of whoever's server asks."""

    _accept_cookie_auth = False

    async def get(self) -> None:
        """Answer with tokens that are good for some minutes."""
        user = self.current_user
        if not isinstance(user, User) or not self.get_scope_filter(TOKENS_SCOPE)(user, "user"):
            raise web.HTTPError(403, "Only a user's own server gets their tokens.")
        kept = await user.get_auth_state()
        if kept and not tokens.lasts(kept, time.time()):
            if await self.refresh_auth(user, force=True) is None:
                raise web.HTTPError(403, "The user pool refuses further tokens. Log in again.")
            kept = await user.get_auth_state()
        if not kept:
            raise web.HTTPError(403, "The hub has no tokens of this user. Log in again.")
        if not tokens.lasts(kept, time.time(), 0):
            raise web.HTTPError(503, "The user pool cannot be reached. Try again later.")
        self.set_header("Cache-Control", "no-store")
        self.finish(json.dumps(tokens.handed_out(kept)))


class CognitoAuthenticator(GenericOAuthenticator):  # type: ignore[misc] # it has no types
    """Lets in who is in the right groups of a Cognito user pool, and for as long as they are."""

    reserved_name = Unicode(config=True, help="Name of the user of the probe, which nobody has.")
    review_seconds = Int(90, config=True, help="How often owners of running servers are reviewed.")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        # One question at a time for each user, however many requests wait for its answer.
        self._asked: dict[str, asyncio.Future[Any]] = {}

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """The claims of the access token: the pool's page of user data knows no groups."""
        return tokens.claims_of(token_info["access_token"])

    def build_auth_state_dict(
        self, token_info: dict[str, Any], user_info: dict[str, Any]
    ) -> dict[str, Any]:
        """What is stored of a log-in."""
        return tokens.kept_of(token_info, user_info)

    async def update_auth_model(self, auth_model: dict[str, Any]) -> dict[str, Any]:
        """Have the groups alone decide who administers the hub, also if none may."""
        groups = set(auth_model["auth_state"]["groups"])
        return auth_model | {"admin": bool(groups & self.admin_groups)}

    async def get_user_groups(self, auth_state: dict[str, Any]) -> set[str]:
        """The groups of the newest access token."""
        return set(auth_state["groups"])

    async def check_allowed(self, username: str, auth_model: dict[str, Any] | None) -> bool:
        """Whether somebody may log in, and stay.

        Args:
            username: Their name.
            auth_model: What the pool said; ``None`` for users that the configuration names.
        """
        if username == self.reserved_name:
            return auth_model is None
        return bool(await super().check_allowed(username, auth_model))

    async def refresh_user(
        self, user: User, handler: BaseHandler | None = None, **_: Any
    ) -> dict[str, Any] | bool:
        """Ask the pool whether a user still exists, and in which groups.

        Returns:
            What it said; ``True`` if it cannot be asked at the moment; ``False`` if the user has
            to log in again.
        """
        if user.name == self.reserved_name:
            return True
        if user.name not in self._asked:
            asked = asyncio.ensure_future(self._ask(user, handler))
            self._asked[user.name] = asked
            asked.add_done_callback(lambda _: self._asked.pop(user.name))
        said: dict[str, Any] | bool = await asyncio.shield(self._asked[user.name])
        return said

    async def _ask(self, user: User, handler: BaseHandler | None) -> dict[str, Any] | bool:
        kept = await user.get_auth_state()
        if not kept:
            await self._stop(user)
            return False
        try:
            model = await self._renewed(user.name, kept, handler)
        except RefusedError as refusal:
            self.log.warning("%s is out: %s.", user.name, refusal)
            if refusal.ended:
                await user.save_auth_state(None)
                await self._stop(user)
            return False
        return True if model is None else model

    async def _renewed(
        self, name: str, kept: Mapping[str, Any], handler: BaseHandler | None
    ) -> dict[str, Any] | None:
        """What the pool says of a user now; ``None`` if it cannot be asked.

        Raises:
            RefusedError: The user may not stay.
        """
        question = self.build_refresh_token_request_params(kept["refresh_token"])
        try:
            answer = await self.get_token_info(handler, question)
        except Exception as error:
            refusal = refusal_of(error)
            if refusal is None:
                self.log.warning("The user pool cannot be asked about %s: %s", name, error)
                return None
            raise refusal from None
        # A pool that does not rotate refresh tokens sends none.
        answer.setdefault("refresh_token", kept["refresh_token"])
        model: dict[str, Any] = await self._token_to_auth_model(answer)
        if model["name"] != name:
            raise RefusedError(f"the pool answered for {model['name']}", ended=False)
        if not await self.check_allowed(name, model):
            raise RefusedError("no member of the groups any more", ended=True)
        return model

    async def _stop(self, user: User) -> None:
        """Stop all servers of somebody who is out."""
        for name, spawner in list(user.spawners.items()):
            if not spawner.active or spawner.pending:
                continue
            self.log.warning("Stopping the server of %s.", user.name)
            # Before anything is awaited, so that nobody else stops or starts it.
            spawner._stop_pending = True
            await self.app.proxy.delete_user(user, name)
            await user.stop(name)

    def get_handlers(self, app: Any) -> list[Any]:
        """The hub's pages of logging in and out, and the one of tokens."""
        self.app = app
        PeriodicCallback(self.review, self.review_seconds * 1000).start()
        return [*super().get_handlers(app), (r"/api/cognito-tokens", TokensHandler)]

    async def review(self) -> None:
        """Ask about everybody whose server runs and who was not asked about of late."""
        for user in list(self.app.users.values()):
            if not any(spawner.ready for spawner in user.spawners.values()):
                continue
            # A little less than the time between reviews, which are not exact.
            if time.monotonic() - (user._auth_refreshed or 0) < self.review_seconds * 0.9:
                continue
            try:
                await self._review(user)
            except Exception:
                self.log.exception("The review of %s failed.", user.name)

    async def _review(self, user: User) -> None:
        model = await self.refresh_user(user)
        if isinstance(model, dict):
            user.admin = model["admin"]
            assign_default_roles(self.app.db, entity=user)
            user.sync_groups(model["groups"])
            await user.save_auth_state(model["auth_state"])
        if model:
            user._auth_refreshed = time.monotonic()
