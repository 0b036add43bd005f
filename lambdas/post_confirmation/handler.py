"""Entry point of the function: Cognito's trigger, or a direct call.

Events and answers are described in the README beside this file. Neither e-mail addresses nor user
names nor keys are logged, and the errors of the trigger, which Cognito shows to the person who
signs up, hold none of them and no name of a resource.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

from lambda_common.logs import LOGGER, configure_logging

from post_confirmation.logic import Account, Outcome, UserStore, create_row, find_missing
from post_confirmation.settings import Settings
from post_confirmation.store import Store

type Event = Mapping[str, Any]

SETTINGS = Settings.from_environment(os.environ)
configure_logging(SETTINGS.log_level)
STORE: UserStore = Store.connect(SETTINGS)


class ConfirmationError(Exception):
    """An account is confirmed but has no row of its own; the text is for the person."""


def lambda_handler(event: Event, context: Any) -> Event:
    """Handle one invocation. Raises `ValueError` for an event of an unknown form."""
    request_id = context.aws_request_id
    match event:
        case {
            "triggerSource": "PostConfirmation_ConfirmSignUp",
            "userName": str(username),
            "request": {"userAttributes": {"sub": str(sub)} as attributes},
        }:
            _confirm(username, attributes.get("email", ""), sub, request_id)
            return event
        case {"triggerSource": "PostConfirmation_ConfirmForgotPassword"}:
            return event
        case {"find_missing": True, "user_pool_id": str(user_pool_id)} if user_pool_id:
            return _find_missing(user_pool_id, request_id)
        case {"create": [*entries]}:
            return _create([_account(entry) for entry in entries], request_id)
    raise ValueError(
        "unknown event: send one of Cognito's trigger PostConfirmation,"
        ' {"find_missing": true, "user_pool_id": "<id>"} or {"create": [<account>, ...]}'
    )


def _confirm(username: str, email: str, sub: str, request_id: str) -> None:
    fields = {"request_id": request_id, "sub": sub, "outcome": "error"}
    if not email:
        LOGGER.error("account has no e-mail address", extra={"fields": fields})
        raise ConfirmationError(
            "The account is confirmed but cannot be used, for it has no e-mail address."
        )
    try:
        outcome = _logged(Account(username, email, sub), request_id)
    except Exception as error:
        LOGGER.exception("row was not written", extra={"fields": fields})
        raise ConfirmationError(
            "The account is confirmed but could not be set up. The operators have been told."
        ) from error
    if outcome == Outcome.CONFLICTING:
        raise ConfirmationError(
            "The account is confirmed but cannot be used, for its e-mail address belonged to"
            " another account. The operators have been told."
        )


def _create(accounts: list[Account], request_id: str) -> Event:
    counts = dict.fromkeys(Outcome, 0)
    for account in accounts:
        counts[_logged(account, request_id)] += 1
    return {outcome.value: count for outcome, count in counts.items()}


def _find_missing(user_pool_id: str, request_id: str) -> Event:
    report = find_missing(user_pool_id, STORE)
    fields = {
        "request_id": request_id,
        "checked": report.checked,
        "missing": len(report.missing),
        "conflicting": len(report.conflicting),
    }
    LOGGER.info("accounts checked", extra={"fields": fields})
    for account in report.conflicting:
        _log_outcome(account, Outcome.CONFLICTING, request_id)
    return {
        "missing": [
            {"username": account.username, "email": account.email, "sub": account.sub}
            for account in report.missing
        ],
        "conflicting": len(report.conflicting),
        "checked": report.checked,
        "more": report.more,
    }


def _account(entry: object) -> Account:
    match entry:
        case {"username": str(username), "email": str(email), "sub": str(sub)} if (
            username and email and sub
        ):
            return Account(username, email, sub)
    raise ValueError("create has an entry that is no account: give username, email and sub of each")


def _logged(account: Account, request_id: str) -> Outcome:
    outcome = create_row(account, STORE)
    _log_outcome(account, outcome, request_id)
    return outcome


def _log_outcome(account: Account, outcome: Outcome, request_id: str) -> None:
    fields = {"request_id": request_id, "sub": account.sub, "outcome": outcome.value}
    level = logging.ERROR if outcome == Outcome.CONFLICTING else logging.INFO
    LOGGER.log(level, "account handled", extra={"fields": fields})
