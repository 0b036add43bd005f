"""Cognito user pools: what is wanted, and whether Cognito can have it so; no calls."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.artificien.cognito_pool_words import CUSTOM, GROUPS, PLACES, UNORDERED
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError, make_plan

CREATE_ONLY = ["username_case_sensitive", "alias_attributes", "username_attributes"]
# What Cognito gives a pool that is created without a policy.
DEFAULT_PASSWORD_POLICY = {
    "minimum_length": 8,
    "require_lowercase": True,
    "require_uppercase": True,
    "require_numbers": True,
    "require_symbols": True,
    "temporary_password_validity_days": 7,
}
RECOVERIES = [
    ["admin_only"],
    ["verified_email"],
    ["verified_phone_number"],
    ["verified_email", "verified_phone_number"],
]
STANDARD_ATTRIBUTES = {
    *("address", "birthdate", "email", "email_verified", "family_name", "gender", "given_name"),
    *("locale", "middle_name", "name", "nickname", "phone_number", "phone_number_verified"),
    *("picture", "preferred_username", "profile", "updated_at", "website", "zoneinfo"),
}


def desired_pool(params: dict[str, Any]) -> Model:
    """Turn the module's options into a model.

    Raises:
        ReconcileError: an option is one that Cognito refuses, or does not have.
    """
    name = params["name"]
    model = {option: params[option] for option in (*PLACES, "mfa", "totp")}
    for option in UNORDERED:
        if model[option] is not None:
            model[option] = sorted(set(model[option]))
    for option in GROUPS:
        model[option] = _given(params[option] or {}) or None
    triggers = params["lambda_triggers"]
    model["lambda_triggers"] = None if triggers is None else _given(triggers)
    model["schema"] = None if params["schema"] is None else _desired_schema(name, params["schema"])
    _check_message(name, "verification_email", model["verification_email"], ["{####}"])
    _check_message(name, "invitation_email", model["invitation_email"], ["{username}", "{####}"])
    ways = model["account_recovery"]
    if ways is not None and sorted(ways) not in RECOVERIES:
        raise ReconcileError(
            f"{name}: account_recovery is {ways!r}; give verified_email, verified_phone_number or "
            "both in the order in which they are tried, or admin_only alone."
        )
    return model


def _given(options: dict[str, Any]) -> Model:
    return {word: value for word, value in options.items() if value is not None}


def _check_message(name: str, option: str, message: Model | None, needed: list[str]) -> None:
    body = (message or {}).get("body")
    missing = [word for word in needed if body is not None and word not in body]
    if missing:
        raise ReconcileError(
            f"{name}: the body of {option} lacks {' and '.join(missing)}; write it where Cognito "
            "is to put the value. In a playbook that is {{ '{####}' }}, since {####} is a comment "
            "of Jinja and vanishes."
        )


def _desired_schema(name: str, attributes: list[dict[str, Any]]) -> Model:
    schema: Model = {}
    for attribute in attributes:
        title = attribute["name"]
        custom = title.startswith(CUSTOM)
        if not custom and title not in STANDARD_ATTRIBUTES:
            raise ReconcileError(
                f"{name}: schema has {title!r}, which is no standard attribute; write "
                f"{CUSTOM}{title} for one of your own."
            )
        if title in schema:
            raise ReconcileError(f"{name}: schema has {title} twice; leave one of them out.")
        if custom and attribute["required"]:
            raise ReconcileError(
                f"{name}: schema requires {title}, but Cognito requires standard attributes only; "
                "leave required out, and let the application ask for it."
            )
        if custom and attribute["type"] is None:
            raise ReconcileError(f"{name}: schema has {title} without a type; give its type.")
        schema[title] = _given(attribute)
        del schema[title]["name"]
    return schema


def plan_pool(name: str, current: Model | None, desired: Model, *, purge_tags: bool) -> Plan:
    """Plan a pool: messages, password policy and schema keep what the options do not name.

    Raises:
        ReconcileError: only a new pool could be so, or Cognito refuses the options together.
    """
    wanted = desired | {"schema": _plan_schema(name, current, desired["schema"])}
    if current is None and desired["password_policy"] is not None:
        wanted["password_policy"] = DEFAULT_PASSWORD_POLICY | desired["password_policy"]
    if desired["mfa"] == "off" and desired["totp"] is None:
        wanted["totp"] = False
    merged = [*GROUPS] if purge_tags else [*GROUPS, "tags"]
    plan = make_plan(name, current, wanted, create_only=CREATE_ONLY, merged=merged)
    if plan.changed:
        _check_together(name, plan.after or {})
    return plan


def _plan_schema(name: str, current: Model | None, wanted: Model | None) -> Model | None:
    if wanted is None:
        return None
    present = current["schema"] if current else {}
    schema = dict(present)
    for title, words in wanted.items():
        if title not in present:
            schema[title] = {"required": False, "mutable": True} | words
            continue
        for word, value in words.items():
            if present[title].get(word) != value:
                raise ReconcileError(
                    f"{name}: schema has {title} with {word} {present[title].get(word)!r}, which "
                    f"cannot be changed to {value!r} in place. Keep the present value, give a "
                    "custom attribute another name, or move the users to a new pool."
                )
    return schema


def _check_together(name: str, after: Model) -> None:
    tier = after.get("tier", PLACES["tier"].default)
    protection = after.get("threat_protection", "off")
    if protection != "off" and tier != "PLUS":
        raise ReconcileError(
            f"{name}: threat_protection is {protection} but tier is {tier}; set tier: PLUS, which "
            "AWS charges for by user, or threat_protection: off."
        )
    history = (after.get("password_policy") or {}).get("password_history_size")
    if history and tier == "LITE":
        raise ReconcileError(
            f"{name}: password_history_size is {history} but tier is LITE; set tier: ESSENTIALS, "
            "or password_history_size: 0."
        )
    mfa, totp = after.get("mfa", "off"), after.get("totp", False)
    if totp and mfa == "off":
        raise ReconcileError(
            f"{name}: totp is true but mfa is off; set mfa to optional or on, or totp: false."
        )
    if mfa != "off" and not totp and not after.get("other_mfa_factors"):
        raise ReconcileError(
            f"{name}: mfa is {mfa} but the pool has no second factor; set totp: true, or mfa: off."
        )
    if after.get("alias_attributes") and after.get("username_attributes"):
        raise ReconcileError(
            f"{name}: alias_attributes and username_attributes exclude each other; use aliases to "
            "sign in by a name or one of them, username attributes to do without a name."
        )
    verified = set(after.get("auto_verified_attributes") or [])
    first = set(after.get("attributes_require_verification_before_update") or []) - verified
    if first:
        raise ReconcileError(
            f"{name}: attributes_require_verification_before_update has {', '.join(sorted(first))}"
            ", which auto_verified_attributes lacks; add it there too, or leave it out here."
        )
    if after.get("email_sending") == "ses" and not after.get("email_source_arn"):
        raise ReconcileError(
            f"{name}: email_sending is ses but email_source_arn is missing; give the ARN of a "
            "verified SES identity."
        )
