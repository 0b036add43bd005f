"""Cognito user pools: the module's words, those of the API, and the way between; no calls."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.aws import own_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ansible.module_utils.artificien.reconcile import Model, Plan
    from mypy_boto3_cognito_idp.type_defs import (
        GetUserPoolMfaConfigResponseTypeDef,
        UserPoolTypeTypeDef,
    )

CUSTOM = "custom:"
LINK = "CONFIRM_WITH_LINK"
# UpdateUserPool keeps the first when it is not sent; the others are the former places of what
# VerificationMessageTemplate holds.
NOT_SENT = {
    "DcrConfiguration",
    "SmsVerificationMessage",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
}
FORMER_MESSAGES = {
    "SmsMessage": "SmsVerificationMessage",
    "EmailMessage": "EmailVerificationMessage",
    "EmailSubject": "EmailVerificationSubject",
}
ATTRIBUTE_TYPES = {
    "string": "String",
    "number": "Number",
    "datetime": "DateTime",
    "boolean": "Boolean",
}
CONSTRAINTS = {
    "min_length": ("StringAttributeConstraints", "MinLength"),
    "max_length": ("StringAttributeConstraints", "MaxLength"),
    "min_value": ("NumberAttributeConstraints", "MinValue"),
    "max_value": ("NumberAttributeConstraints", "MaxValue"),
}
TRIGGERS = {
    "pre_sign_up": "PreSignUp",
    "custom_message": "CustomMessage",
    "post_confirmation": "PostConfirmation",
    "pre_authentication": "PreAuthentication",
    "post_authentication": "PostAuthentication",
    "define_auth_challenge": "DefineAuthChallenge",
    "create_auth_challenge": "CreateAuthChallenge",
    "verify_auth_challenge_response": "VerifyAuthChallengeResponse",
    "pre_token_generation": "PreTokenGeneration",
    "user_migration": "UserMigration",
}
OTHER_FACTORS = {"SmsMfaConfiguration": "sms", "EmailMfaConfiguration": "email"}


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Place:
    """Where the API keeps an option, what it means by leaving it out, and how it spells it."""

    path: tuple[str, ...]
    default: Any
    to_word: Callable[[Any], Any] = _same
    to_api: Callable[[Any], Any] = _same


PLACES = {
    "username_case_sensitive": Place(("UsernameConfiguration", "CaseSensitive"), True),
    "alias_attributes": Place(("AliasAttributes",), [], sorted),
    "username_attributes": Place(("UsernameAttributes",), [], sorted),
    "auto_verified_attributes": Place(("AutoVerifiedAttributes",), [], sorted),
    "attributes_require_verification_before_update": Place(
        ("UserAttributeUpdateSettings", "AttributesRequireVerificationBeforeUpdate"), [], sorted
    ),
    "tier": Place(("UserPoolTier",), "ESSENTIALS"),
    "threat_protection": Place(
        ("UserPoolAddOns", "AdvancedSecurityMode"), "OFF", str.lower, str.upper
    ),
    "self_sign_up": Place(
        ("AdminCreateUserConfig", "AllowAdminCreateUserOnly"),
        False,
        lambda admin_only: not admin_only,
        lambda self_sign_up: not self_sign_up,
    ),
    "account_recovery": Place(
        ("AccountRecoverySetting", "RecoveryMechanisms"),
        [],
        lambda found: [way["Name"] for way in sorted(found, key=lambda way: way["Priority"])],
        lambda names: [{"Priority": n, "Name": name} for n, name in enumerate(names, start=1)],
    ),
    "email_sending": Place(
        ("EmailConfiguration", "EmailSendingAccount"),
        "COGNITO_DEFAULT",
        lambda account: "ses" if account == "DEVELOPER" else "cognito",
        lambda word: "DEVELOPER" if word == "ses" else "COGNITO_DEFAULT",
    ),
    "email_source_arn": Place(("EmailConfiguration", "SourceArn"), ""),
    "email_from": Place(("EmailConfiguration", "From"), ""),
    "email_reply_to": Place(("EmailConfiguration", "ReplyToEmailAddress"), ""),
    "email_configuration_set": Place(("EmailConfiguration", "ConfigurationSet"), ""),
    "deletion_protection": Place(
        ("DeletionProtection",),
        "INACTIVE",
        lambda state: state == "ACTIVE",
        lambda on: "ACTIVE" if on else "INACTIVE",
    ),
    "tags": Place(("UserPoolTags",), {}, own_tags),
}
# Options with options of their own: the API's structure, and its name of each.
GROUPS = {
    "password_policy": (
        ("Policies", "PasswordPolicy"),
        {
            "minimum_length": "MinimumLength",
            "require_lowercase": "RequireLowercase",
            "require_uppercase": "RequireUppercase",
            "require_numbers": "RequireNumbers",
            "require_symbols": "RequireSymbols",
            # pragma: allowlist nextline secret
            "temporary_password_validity_days": "TemporaryPasswordValidityDays",
            # pragma: allowlist nextline secret
            "password_history_size": "PasswordHistorySize",
        },
    ),
    "verification_email": (
        ("VerificationMessageTemplate",),
        {"subject": "EmailSubject", "body": "EmailMessage"},
    ),
    "invitation_email": (
        ("AdminCreateUserConfig", "InviteMessageTemplate"),
        {"subject": "EmailSubject", "body": "EmailMessage"},
    ),
}
UNORDERED = [option for option, place in PLACES.items() if place.to_word is sorted]
# What UpdateUserPool changes.
UPDATED = {*PLACES, *GROUPS, "lambda_triggers"} - {
    "username_case_sensitive",
    "alias_attributes",
    "username_attributes",
    "tags",
}


def to_model(pool: UserPoolTypeTypeDef, mfa: GetUserPoolMfaConfigResponseTypeDef) -> Model:
    """Return a described pool and its MFA configuration in the module's words."""
    described: dict[str, Any] = copy.deepcopy(dict(pool))
    described["VerificationMessageTemplate"] = _messages(pool)
    model: Model = {
        "id": described["Id"],
        "arn": described["Arn"],
        "domain": described.get("Domain"),
        "custom_domain": described.get("CustomDomain"),
        "schema": {
            attribute["Name"]: _attribute_words(attribute)
            for attribute in described.get("SchemaAttributes", [])
        },
    }
    for option, place in PLACES.items():
        model[option] = place.to_word(_at(described, place.path, place.default))
    for option, (path, keys) in GROUPS.items():
        group = _at(described, path, {})
        model[option] = {word: group[key] for word, key in keys.items() if key in group}
    if described["VerificationMessageTemplate"].get("DefaultEmailOption") == LINK:
        model["verification_email"] = None
    triggers = described.get("LambdaConfig", {})
    versioned = triggers.get("PreTokenGenerationConfig")
    if versioned:
        triggers["PreTokenGeneration"] = versioned["LambdaArn"]
    model["lambda_triggers"] = {
        word: triggers[key] for word, key in TRIGGERS.items() if triggers.get(key)
    }
    mode = mfa.get("MfaConfiguration", "OFF").lower()
    totp = mfa.get("SoftwareTokenMfaConfiguration", {}).get("Enabled", False)
    model["mfa"] = mode
    model["totp"] = totp and mode != "off"
    model["other_mfa_factors"] = sorted(word for key, word in OTHER_FACTORS.items() if key in mfa)
    return model


def create_request(name: str, after: Model) -> dict[str, Any]:
    """Return the CreateUserPool request of a new pool; its MFA is set afterwards."""
    request: dict[str, Any] = {"PoolName": name}
    _write(request, after)
    _resolve_conflicts(request)
    if after.get("schema"):
        request["Schema"] = [to_attribute(*item) for item in sorted(after["schema"].items())]
    return {key: value for key, value in request.items() if value not in ([], {})}


def update_request(known: Collection[str], pool: UserPoolTypeTypeDef, plan: Plan) -> dict[str, Any]:
    """Return the UpdateUserPool request that changes what `plan` does, and nothing else.

    UpdateUserPool resets what is not sent, so everything goes in that the described `pool` has and
    the request knows by one of the names `known`.
    """
    request: dict[str, Any] = {
        key: copy.deepcopy(value)
        for key, value in pool.items()
        if key in known and key not in NOT_SENT and value not in (None, "", {})
    }
    if messages := _messages(pool):
        request["VerificationMessageTemplate"] = messages
    request["UserPoolTags"] = own_tags(pool.get("UserPoolTags", {}))
    after = plan.after or {}
    _write(request, {field: after[field] for field in after if plan.changes(field)})
    _resolve_conflicts(request)
    return request | {"UserPoolId": pool["Id"], "PoolName": pool["Name"]}


def mfa_request(current: GetUserPoolMfaConfigResponseTypeDef, after: Model) -> dict[str, Any]:
    """Return the SetUserPoolMfaConfig request that keeps the present factors but TOTP.

    AWS refuses to name a factor where MFA is off; passkeys are none.
    """
    off = after["mfa"] == "off"
    kept = {"WebAuthnConfiguration"} if off else {"WebAuthnConfiguration", *OTHER_FACTORS}
    request: dict[str, Any] = {key: value for key, value in current.items() if key in kept}
    if not off:
        request["SoftwareTokenMfaConfiguration"] = {"Enabled": after.get("totp", False)}
    return request | {"MfaConfiguration": after["mfa"].upper()}


def to_attribute(name: str, words: Model) -> dict[str, Any]:
    """Return an attribute as the requests take it: they put the prefix before a custom name."""
    attribute: dict[str, Any] = {
        "Name": name.removeprefix(CUSTOM),
        "Required": words["required"],
        "Mutable": words["mutable"],
    }
    if "type" in words:
        attribute["AttributeDataType"] = ATTRIBUTE_TYPES[words["type"]]
    for word, (constraints, key) in CONSTRAINTS.items():
        if word in words:
            attribute.setdefault(constraints, {})[key] = str(words[word])
    return attribute


def _attribute_words(attribute: Any) -> Model:
    words: Model = {
        "type": attribute["AttributeDataType"].lower(),
        "required": attribute.get("Required", False),
        "mutable": attribute.get("Mutable", True),
    }
    for word, path in CONSTRAINTS.items():
        value = _at(attribute, path, None)
        if value is not None:
            words[word] = int(value)
    return words


def _messages(pool: UserPoolTypeTypeDef) -> dict[str, Any]:
    """Return the verification messages, whichever place an old pool has them in."""
    described: dict[str, Any] = dict(pool)
    former = {key: described.get(place) for key, place in FORMER_MESSAGES.items()}
    given = {**former, **described.get("VerificationMessageTemplate", {})}
    return {key: value for key, value in given.items() if value}


def _at(source: Mapping[str, Any], path: tuple[str, ...], default: Any) -> Any:
    *parents, last = path
    for key in parents:
        source = source.get(key) or {}
    return source.get(last, default)


def _write(request: dict[str, Any], fields: Model) -> None:
    """Write `fields` of a model into a request, beside what it holds already."""
    for option, value in fields.items():
        if option in PLACES:
            *parents, last = PLACES[option].path
            _structure(request, parents)[last] = PLACES[option].to_api(value)
        elif option in GROUPS and value:
            path, keys = GROUPS[option]
            _structure(request, path).update({keys[word]: value[word] for word in value})
    if fields.get("verification_email"):
        request["VerificationMessageTemplate"]["DefaultEmailOption"] = "CONFIRM_WITH_CODE"
    if "lambda_triggers" in fields:
        request["LambdaConfig"] = _triggers(
            request.get("LambdaConfig", {}), fields["lambda_triggers"]
        )


def _structure(request: dict[str, Any], path: Collection[str]) -> dict[str, Any]:
    for key in path:
        request = request.setdefault(key, {})
    return request


def _triggers(present: dict[str, Any], wanted: dict[str, str]) -> dict[str, Any]:
    kept = {key: value for key, value in present.items() if key not in TRIGGERS.values()}
    # Both forms of this trigger have to name the same function.
    versioned = kept.pop("PreTokenGenerationConfig", None)
    if versioned and "pre_token_generation" in wanted:
        kept["PreTokenGenerationConfig"] = versioned | {"LambdaArn": wanted["pre_token_generation"]}
    return kept | {TRIGGERS[word]: arn for word, arn in wanted.items()}


def _resolve_conflicts(request: dict[str, Any]) -> None:
    """Take out what AWS refuses beside something else."""
    policy = _at(request, ("Policies", "PasswordPolicy"), {})
    if "TemporaryPasswordValidityDays" in policy:
        request.get("AdminCreateUserConfig", {}).pop("UnusedAccountValidityDays", None)
    messages = request.get("VerificationMessageTemplate", {})
    by_link = messages.get("DefaultEmailOption") == LINK
    messages.pop("EmailMessage" if by_link else "EmailMessageByLink", None)
    if _at(request, PLACES["threat_protection"].path, "OFF") == "OFF":
        request.get("UserPoolAddOns", {}).pop("AdvancedSecurityAdditionalFlows", None)
    email = request.get("EmailConfiguration", {})
    for key in [key for key, value in email.items() if value == ""]:
        del email[key]
