"""`cognito_user_pool` without AWS: models, refusals, and the exact calls of each plan."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito_pool import apply_pool, read_pool
from ansible.module_utils.artificien.cognito_pool_plan import desired_pool, plan_pool
from ansible.module_utils.artificien.reconcile import Model, Plan, ReconcileError

from library.cognito_user_pool import ARGUMENT_SPEC, ATTRIBUTE, plan_user_pool

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "shop-users"
ID = "us-east-1_AbCdEfGhI"
ARN = f"arn:aws:cognito-idp:us-east-1:111122223333:userpool/{ID}"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:"
ROLE = "arn:aws:iam::111122223333:role/sms"
IDENTITY = "arn:aws:ses:us-east-1:111122223333:identity/shop@example.com"
KEY = "arn:aws:kms:us-east-1:111122223333:key/1234abcd"
CODE = "Your code is {####}"
POLICY: Model = {
    "minimum_length": 8,
    "require_lowercase": True,
    "require_uppercase": True,
    "require_numbers": True,
    "require_symbols": True,
    "temporary_password_validity_days": 7,
}
API_POLICY = {
    "MinimumLength": 8,
    "RequireLowercase": True,
    "RequireUppercase": True,
    "RequireNumbers": True,
    "RequireSymbols": True,
    "TemporaryPasswordValidityDays": 7,
}
# All that UpdateUserPool sets, as DescribeUserPool answers; half of it has no option.
SETTINGS: dict[str, Any] = {
    "Policies": {
        "PasswordPolicy": API_POLICY,
        "SignInPolicy": {"AllowedFirstAuthFactors": ["PASSWORD", "WEB_AUTHN"]},
    },
    "DeletionProtection": "INACTIVE",
    "LambdaConfig": {
        "PostConfirmation": f"{FUNCTION}welcome",
        "CustomEmailSender": {"LambdaVersion": "V1_0", "LambdaArn": f"{FUNCTION}mail"},
        "KMSKeyID": KEY,
    },
    "AutoVerifiedAttributes": ["email"],
    "VerificationMessageTemplate": {
        "SmsMessage": "Code: {####}",
        "EmailMessage": CODE,
        "EmailSubject": "Your code",
        "DefaultEmailOption": "CONFIRM_WITH_CODE",
    },
    "SmsAuthenticationMessage": "Sign in: {####}",
    "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
    "MfaConfiguration": "OPTIONAL",
    "DeviceConfiguration": {"ChallengeRequiredOnNewDevice": True},
    "EmailConfiguration": {"EmailSendingAccount": "DEVELOPER", "SourceArn": IDENTITY},
    "SmsConfiguration": {"SnsCallerArn": ROLE, "ExternalId": "shop"},
    "UserPoolTags": {"owner": "shop"},
    "AdminCreateUserConfig": {
        "AllowAdminCreateUserOnly": False,
        "InviteMessageTemplate": {"EmailMessage": "{username} {####}", "SMSMessage": "{####}"},
    },
    "UserPoolAddOns": {
        "AdvancedSecurityMode": "AUDIT",
        "AdvancedSecurityAdditionalFlows": {"CustomAuthMode": "AUDIT"},
    },
    "AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]},
    "UserPoolTier": "PLUS",
    "KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": KEY},
    "IssuerConfiguration": {"Type": "ORIGINAL"},
}
READ_ONLY: dict[str, Any] = {
    "Id": ID,
    "Name": NAME,
    "Arn": ARN,
    "Domain": "shop",
    "EstimatedNumberOfUsers": 3,
    "UsernameConfiguration": {"CaseSensitive": False},
    "AliasAttributes": ["preferred_username", "email"],
    "SchemaAttributes": [
        {
            "Name": "email",
            "AttributeDataType": "String",
            "Required": True,
            "Mutable": False,
            "DeveloperOnlyAttribute": False,
            "StringAttributeConstraints": {"MinLength": "0", "MaxLength": "2048"},
        },
    ],
}
MFA: dict[str, Any] = {
    "MfaConfiguration": "OPTIONAL",
    "SmsMfaConfiguration": {"SmsConfiguration": {"SnsCallerArn": ROLE}},
    "SoftwareTokenMfaConfiguration": {"Enabled": True},
    "WebAuthnConfiguration": {"UserVerification": "required"},
}


def pool(**fields: Any) -> dict[str, Any]:
    """Return a pool as DescribeUserPool answers, with `fields` changed."""
    return copy.deepcopy(READ_ONLY | SETTINGS | fields)


def params(**given: Any) -> dict[str, Any]:
    """Return the module's options as Ansible passes them, with those in `given`."""
    unset = {option: spec.get("default") for option, spec in ARGUMENT_SPEC.items()}
    for option, value in given.items():
        if options := ARGUMENT_SPEC[option].get("options"):
            given[option] = (
                [dict.fromkeys(ATTRIBUTE) | entry for entry in value]
                if option == "schema"
                else dict.fromkeys(options) | value
            )
    return unset | {"name": NAME} | given


def add_pool(
    stubber: Stubber, mfa: dict[str, Any] | None = None, *, found: bool = True, **fields: Any
) -> None:
    """Make the account answer with the pool, or none."""
    pools = [{"Id": ID, "Name": NAME}] if found else []
    stubber.add_response("list_user_pools", {"UserPools": pools}, {"MaxResults": 60})
    if found:
        add_description(stubber, **fields)
        stubber.add_response("get_user_pool_mfa_config", mfa or MFA, {"UserPoolId": ID})


def add_description(stubber: Stubber, **fields: Any) -> None:
    """Make AWS describe the pool once."""
    stubber.add_response("describe_user_pool", {"UserPool": pool(**fields)}, {"UserPoolId": ID})


def planned(stubbed: Stubbed, /, existing: dict[str, Any], **given: Any) -> Plan:
    """Return the plan of the options `given` for the pool with `existing` fields changed."""
    client, stubber = stubbed("cognito-idp")
    add_pool(stubber, **existing)
    return plan_user_pool(client, params(**given))


def request(**fields: Any) -> dict[str, Any]:
    """Return the full UpdateUserPool request with `fields` changed."""
    return copy.deepcopy(SETTINGS | {"UserPoolId": ID, "PoolName": NAME} | fields)


def new_pool(**given: Any) -> Plan:
    """Return the plan of a pool that is not there yet."""
    return plan_pool(NAME, None, desired_pool(params(**given)), purge_tags=True)


def test_a_pool_is_read_in_the_words_of_the_options(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-idp")
    add_pool(stubber, UserPoolTags={"owner": "shop", "aws:cloudformation:stack-name": "theirs"})
    assert read_pool(client, NAME) == {
        "id": ID,
        "arn": ARN,
        "domain": "shop",
        "custom_domain": None,
        "username_case_sensitive": False,
        "alias_attributes": ["email", "preferred_username"],
        "username_attributes": [],
        "schema": {
            "email": {
                "type": "string",
                "required": True,
                "mutable": False,
                "min_length": 0,
                "max_length": 2048,
            }
        },
        "auto_verified_attributes": ["email"],
        "attributes_require_verification_before_update": ["email"],
        "password_policy": POLICY,
        "mfa": "optional",
        "totp": True,
        "other_mfa_factors": ["sms"],
        "tier": "PLUS",
        "threat_protection": "audit",
        "self_sign_up": True,
        "account_recovery": ["verified_email"],
        "verification_email": {"subject": "Your code", "body": CODE},
        "invitation_email": {"body": "{username} {####}"},
        "email_sending": "ses",
        "email_source_arn": IDENTITY,
        "email_from": "",
        "email_reply_to": "",
        "email_configuration_set": "",
        "deletion_protection": False,
        "lambda_triggers": {"post_confirmation": f"{FUNCTION}welcome"},
        "tags": {"owner": "shop"},
    }


def test_a_bare_pool_has_what_cognito_means_by_leaving_out(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("list_user_pools", {"UserPools": [{"Id": ID, "Name": NAME}]})
    bare = {"Id": ID, "Name": NAME, "Arn": ARN, "EmailVerificationMessage": CODE}
    stubber.add_response("describe_user_pool", {"UserPool": bare})
    stubber.add_response(
        "get_user_pool_mfa_config", {"SoftwareTokenMfaConfiguration": {"Enabled": True}}
    )
    read = read_pool(client, NAME)
    assert read
    assert read["username_case_sensitive"] is True
    assert (read["mfa"], read["totp"], read["other_mfa_factors"]) == ("off", False, [])
    assert (read["threat_protection"], read["self_sign_up"]) == ("off", True)
    assert (read["email_sending"], read["account_recovery"]) == ("cognito", [])
    assert read["verification_email"] == {"body": CODE}
    assert read["lambda_triggers"] == read["schema"] == read["tags"] == {}


@pytest.mark.parametrize("deleted_meanwhile", [True, False])
def test_no_pool_is_not_an_error(stubbed: Stubbed, deleted_meanwhile: bool) -> None:
    client, stubber = stubbed("cognito-idp")
    if deleted_meanwhile:
        stubber.add_response("list_user_pools", {"UserPools": [{"Id": ID, "Name": NAME}]})
        stubber.add_client_error("describe_user_pool", "ResourceNotFoundException")
    else:
        add_pool(stubber, found=False)
    assert read_pool(client, NAME) is None


@pytest.mark.parametrize(
    "given",
    [
        {},
        {
            "username_case_sensitive": False,
            "alias_attributes": ["email", "preferred_username", "email"],
            "schema": [{"name": "email", "type": "string", "mutable": False}],
            "password_policy": {"minimum_length": 8},
            "mfa": "optional",
            "verification_email": {"body": CODE},
            "email_from": "",
            "lambda_triggers": {"post_confirmation": f"{FUNCTION}welcome"},
            "tags": {"owner": "shop"},
        },
    ],
)
def test_what_is_so_already_changes_nothing(stubbed: Stubbed, given: dict[str, Any]) -> None:
    plan = planned(stubbed, {}, **given)
    assert plan.before
    assert plan.action == "none"


def test_a_mail_without_subject_and_body_leaves_links_alone(stubbed: Stubbed) -> None:
    links = {"DefaultEmailOption": "CONFIRM_WITH_LINK", "EmailMessageByLink": "{##Click##}"}
    plan = planned(stubbed, {"VerificationMessageTemplate": links}, verification_email={})
    assert plan.before
    assert plan.before["verification_email"] is None
    assert plan.action == "none"


@pytest.mark.parametrize(
    ("existing", "given", "changed"),
    [
        (
            {},
            {"password_policy": {"minimum_length": 14, "password_history_size": 3}},
            {
                "Policies": SETTINGS["Policies"]
                | {"PasswordPolicy": API_POLICY | {"MinimumLength": 14, "PasswordHistorySize": 3}}
            },
        ),
        (
            {},
            {"self_sign_up": False},
            {
                "AdminCreateUserConfig": SETTINGS["AdminCreateUserConfig"]
                | {"AllowAdminCreateUserOnly": True}
            },
        ),
        (
            {},
            {"invitation_email": {"subject": "Come in"}},
            {
                "AdminCreateUserConfig": {
                    "AllowAdminCreateUserOnly": False,
                    "InviteMessageTemplate": {
                        "EmailSubject": "Come in",
                        "EmailMessage": "{username} {####}",
                        "SMSMessage": "{####}",
                    },
                }
            },
        ),
        (
            {},
            {"account_recovery": ["verified_phone_number", "verified_email"]},
            {
                "AccountRecoverySetting": {
                    "RecoveryMechanisms": [
                        {"Priority": 1, "Name": "verified_phone_number"},
                        {"Priority": 2, "Name": "verified_email"},
                    ]
                }
            },
        ),
        (
            {},
            {
                "auto_verified_attributes": [],
                "attributes_require_verification_before_update": [],
            },
            {
                "AutoVerifiedAttributes": [],
                "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": []},
            },
        ),
        (
            {},
            {"threat_protection": "off", "tier": "LITE"},
            {"UserPoolAddOns": {"AdvancedSecurityMode": "OFF"}, "UserPoolTier": "LITE"},
        ),
        (
            {},
            {"threat_protection": "enforced"},
            {
                "UserPoolAddOns": {
                    "AdvancedSecurityMode": "ENFORCED",
                    "AdvancedSecurityAdditionalFlows": {"CustomAuthMode": "AUDIT"},
                }
            },
        ),
        (
            {},
            {"email_sending": "cognito", "email_source_arn": "", "email_reply_to": "a@b.example"},
            {
                "EmailConfiguration": {
                    "EmailSendingAccount": "COGNITO_DEFAULT",
                    "ReplyToEmailAddress": "a@b.example",
                }
            },
        ),
        (
            {},
            {"lambda_triggers": {"pre_sign_up": f"{FUNCTION}check"}},
            {
                "LambdaConfig": {
                    "PreSignUp": f"{FUNCTION}check",
                    "CustomEmailSender": SETTINGS["LambdaConfig"]["CustomEmailSender"],
                    "KMSKeyID": KEY,
                }
            },
        ),
        (
            {
                "LambdaConfig": {
                    "PreTokenGeneration": f"{FUNCTION}old",
                    "PreTokenGenerationConfig": {
                        "LambdaVersion": "V2_0",
                        "LambdaArn": f"{FUNCTION}old",
                    },
                }
            },
            {"lambda_triggers": {"pre_token_generation": f"{FUNCTION}new"}},
            {
                "LambdaConfig": {
                    "PreTokenGeneration": f"{FUNCTION}new",
                    "PreTokenGenerationConfig": {
                        "LambdaVersion": "V2_0",
                        "LambdaArn": f"{FUNCTION}new",
                    },
                }
            },
        ),
        (
            {
                "LambdaConfig": {
                    "PreTokenGenerationConfig": {
                        "LambdaVersion": "V2_0",
                        "LambdaArn": f"{FUNCTION}old",
                    },
                }
            },
            {"lambda_triggers": {}},
            {"LambdaConfig": {}},
        ),
        (
            {
                "VerificationMessageTemplate": {
                    "EmailMessage": "unused {####}",
                    "EmailMessageByLink": "{##Click##}",
                    "DefaultEmailOption": "CONFIRM_WITH_LINK",
                }
            },
            {"verification_email": {"subject": "Your code", "body": CODE}},
            {
                "VerificationMessageTemplate": {
                    "EmailSubject": "Your code",
                    "EmailMessage": CODE,
                    "DefaultEmailOption": "CONFIRM_WITH_CODE",
                }
            },
        ),
    ],
)
def test_an_update_sends_all_that_aws_would_reset(
    stubbed: Stubbed, existing: dict[str, Any], given: dict[str, Any], changed: dict[str, Any]
) -> None:
    plan = planned(stubbed, existing, **given)
    client, stubber = stubbed("cognito-idp")
    add_description(stubber, **existing)
    stubber.add_response("update_user_pool", {}, request(**changed))
    apply_pool(client, plan)


@pytest.mark.parametrize(
    ("described", "sent"),
    [
        # Both validities, both places of a message, or both kinds of mail are refused.
        (
            {
                "AdminCreateUserConfig": {
                    "AllowAdminCreateUserOnly": True,
                    "UnusedAccountValidityDays": 7,
                },
                "EmailVerificationMessage": CODE,
                "EmailVerificationSubject": "Your code",
                "SmsVerificationMessage": "Code: {####}",
            },
            {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}},
        ),
        (
            {
                "VerificationMessageTemplate": {
                    "EmailMessage": CODE,
                    "EmailMessageByLink": "{##Click##}",
                    "DefaultEmailOption": "CONFIRM_WITH_LINK",
                }
            },
            {
                "VerificationMessageTemplate": {
                    "EmailMessageByLink": "{##Click##}",
                    "DefaultEmailOption": "CONFIRM_WITH_LINK",
                }
            },
        ),
        # An old pool has its messages in their former place, and the former validity.
        (
            {
                "VerificationMessageTemplate": {"DefaultEmailOption": "CONFIRM_WITH_CODE"},
                "EmailVerificationMessage": CODE,
                "SmsVerificationMessage": "Code: {####}",
                "Policies": {"PasswordPolicy": {"MinimumLength": 8}},
                "AdminCreateUserConfig": {"UnusedAccountValidityDays": 3},
            },
            {
                "VerificationMessageTemplate": {
                    "EmailMessage": CODE,
                    "SmsMessage": "Code: {####}",
                    "DefaultEmailOption": "CONFIRM_WITH_CODE",
                },
                "Policies": {"PasswordPolicy": {"MinimumLength": 8}},
                "AdminCreateUserConfig": {"UnusedAccountValidityDays": 3},
            },
        ),
        # AWS keeps this one by itself.
        ({"DcrConfiguration": {"EnableStatus": "Enabled"}}, {}),
        ({"UserPoolTags": {"owner": "shop", "aws:stack": "theirs"}}, {}),
    ],
)
def test_an_update_leaves_out_what_aws_refuses(
    stubbed: Stubbed, described: dict[str, Any], sent: dict[str, Any]
) -> None:
    plan = planned(stubbed, described, deletion_protection=True)
    client, stubber = stubbed("cognito-idp")
    add_description(stubber, **described)
    stubber.add_response("update_user_pool", {}, request(DeletionProtection="ACTIVE", **sent))
    apply_pool(client, plan)


def test_an_empty_structure_is_not_sent_back(stubbed: Stubbed) -> None:
    plan = planned(stubbed, {"DeviceConfiguration": {}}, deletion_protection=True)
    client, stubber = stubbed("cognito-idp")
    add_description(stubber, DeviceConfiguration={})
    sent = request(DeletionProtection="ACTIVE")
    # Even an empty one would switch the remembering of devices on.
    del sent["DeviceConfiguration"]
    stubber.add_response("update_user_pool", {}, sent)
    apply_pool(client, plan)


@pytest.mark.parametrize("code", ["ConcurrentModificationException", "TooManyRequestsException"])
def test_a_busy_pool_is_described_and_updated_again(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    plan = planned(stubbed, {}, deletion_protection=True)
    client, stubber = stubbed("cognito-idp")
    add_description(stubber)
    stubber.add_client_error("update_user_pool", code)
    add_description(stubber, MfaConfiguration="ON")
    changed = request(DeletionProtection="ACTIVE", MfaConfiguration="ON")
    stubber.add_response("update_user_pool", {}, changed)
    apply_pool(client, plan)


def test_a_pool_is_not_waited_for_without_end(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ansible.module_utils.artificien.cognito_pool.BUSY_SECONDS", 0)
    plan = planned(stubbed, {}, deletion_protection=True)
    client, stubber = stubbed("cognito-idp")
    add_description(stubber)
    stubber.add_client_error("update_user_pool", "ConcurrentModificationException")
    with pytest.raises(AwsError, match=f"Waited 0 s for user pool {NAME} to take a change"):
        apply_pool(client, plan)


def test_a_refused_update_is_not_repeated(stubbed: Stubbed) -> None:
    plan = planned(stubbed, {}, deletion_protection=True)
    client, stubber = stubbed("cognito-idp")
    add_description(stubber)
    stubber.add_client_error("update_user_pool", "InvalidParameterException", "no")
    with pytest.raises(AwsError, match=f"update user pool {NAME}: InvalidParameterException: no"):
        apply_pool(client, plan)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"mfa": "on"}, MFA | {"MfaConfiguration": "ON"}),
        (
            {"totp": False},
            MFA | {"SoftwareTokenMfaConfiguration": {"Enabled": False}},
        ),
        (
            {"mfa": "off"},
            {
                "MfaConfiguration": "OFF",
                "WebAuthnConfiguration": {"UserVerification": "required"},
            },
        ),
    ],
)
def test_mfa_keeps_the_factors_without_an_option(
    stubbed: Stubbed, given: dict[str, Any], sent: dict[str, Any]
) -> None:
    plan = planned(stubbed, {}, **given)
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("get_user_pool_mfa_config", MFA, {"UserPoolId": ID})
    stubber.add_response("set_user_pool_mfa_config", {}, sent | {"UserPoolId": ID})
    apply_pool(client, plan)


def test_tags_alone_touch_no_setting(stubbed: Stubbed) -> None:
    plan = planned(stubbed, {"UserPoolTags": {"a": "1", "b": "2"}}, tags={"b": "3", "c": "4"})
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("untag_resource", {}, {"ResourceArn": ARN, "TagKeys": ["a"]})
    stubber.add_response("tag_resource", {}, {"ResourceArn": ARN, "Tags": {"b": "3", "c": "4"}})
    apply_pool(client, plan)


def test_tags_are_kept_or_purged(stubbed: Stubbed) -> None:
    kept = planned(stubbed, {}, tags={"team": "web"}, purge_tags=False)
    assert (kept.after or {})["tags"] == {"owner": "shop", "team": "web"}
    purged = planned(stubbed, {}, tags={"team": "web"})
    assert (purged.after or {})["tags"] == {"team": "web"}
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("untag_resource", {}, {"ResourceArn": ARN, "TagKeys": ["owner"]})
    stubber.add_response("tag_resource", {}, {"ResourceArn": ARN, "Tags": {"team": "web"}})
    apply_pool(client, purged)


def test_custom_attributes_are_added_in_calls_of_25(stubbed: Stubbed) -> None:
    names = [f"custom:a{number:02}" for number in range(26)]
    schema = [{"name": name, "type": "number", "min_value": 1} for name in names]
    plan = planned(stubbed, {}, schema=[*schema, {"name": "email", "required": True}])
    assert (plan.after or {})["schema"].keys() == {"email", *names}
    client, stubber = stubbed("cognito-idp")
    attributes = [
        {
            "Name": name.removeprefix("custom:"),
            "AttributeDataType": "Number",
            "Required": False,
            "Mutable": True,
            "NumberAttributeConstraints": {"MinValue": "1"},
        }
        for name in names
    ]
    for some in (attributes[:25], attributes[25:]):
        sent = {"UserPoolId": ID, "CustomAttributes": some}
        stubber.add_response("add_custom_attributes", {}, sent)
    apply_pool(client, plan)


def test_a_pool_is_created_whole_and_gets_its_mfa_after(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    plan = new_pool(
        username_case_sensitive=False,
        alias_attributes=["email"],
        schema=[
            {"name": "email", "required": True, "mutable": False},
            {"name": "custom:plan", "type": "string", "min_length": 1, "max_length": 20},
        ],
        auto_verified_attributes=["email"],
        password_policy={"minimum_length": 12},
        mfa="optional",
        totp=True,
        self_sign_up=False,
        verification_email={"subject": "Your code", "body": CODE},
        email_from="",
        lambda_triggers={},
        deletion_protection=True,
        tags={"owner": "shop"},
    )
    client, stubber = stubbed("cognito-idp")
    stubber.add_response(
        "create_user_pool",
        {"UserPool": {"Id": ID}},
        {
            "PoolName": NAME,
            "UsernameConfiguration": {"CaseSensitive": False},
            "AliasAttributes": ["email"],
            "Schema": [
                {
                    "Name": "plan",
                    "AttributeDataType": "String",
                    "Required": False,
                    "Mutable": True,
                    "StringAttributeConstraints": {"MinLength": "1", "MaxLength": "20"},
                },
                {"Name": "email", "Required": True, "Mutable": False},
            ],
            "AutoVerifiedAttributes": ["email"],
            "Policies": {"PasswordPolicy": API_POLICY | {"MinimumLength": 12}},
            "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
            "VerificationMessageTemplate": {
                "EmailSubject": "Your code",
                "EmailMessage": CODE,
                "DefaultEmailOption": "CONFIRM_WITH_CODE",
            },
            "DeletionProtection": "ACTIVE",
            "UserPoolTags": {"owner": "shop"},
        },
    )
    for found in ([], [{"Id": ID, "Name": NAME}]):
        stubber.add_response("list_user_pools", {"UserPools": found})
    stubber.add_response("get_user_pool_mfa_config", {"MfaConfiguration": "OFF"})
    stubber.add_response(
        "set_user_pool_mfa_config",
        {},
        {
            "UserPoolId": ID,
            "MfaConfiguration": "OPTIONAL",
            "SoftwareTokenMfaConfiguration": {"Enabled": True},
        },
    )
    apply_pool(client, plan)


def test_a_new_pool_needs_no_more_than_a_name(stubbed: Stubbed) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_response("create_user_pool", {"UserPool": {"Id": ID}}, {"PoolName": NAME})
    stubber.add_response("list_user_pools", {"UserPools": [{"Id": ID, "Name": NAME}]})
    apply_pool(client, new_pool(mfa="off"))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"username_case_sensitive": True}, "username_case_sensitive is False and cannot"),
        ({"alias_attributes": ["email"]}, r"alias_attributes is \['email', 'preferred_username'\]"),
        ({"username_attributes": ["email"]}, r"username_attributes is \[\] and cannot"),
        (
            {"schema": [{"name": "email", "mutable": True}]},
            "schema has email with mutable False, which cannot be changed to True in place. Keep",
        ),
        (
            {"schema": [{"name": "email", "max_value": 3}]},
            "schema has email with max_value None",
        ),
    ],
)
def test_what_only_a_new_pool_could_have_is_refused(
    stubbed: Stubbed, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: {message}"):
        planned(stubbed, {}, **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"schema": [{"name": "plan"}]}, "'plan', which is no standard .* write custom:plan"),
        ({"schema": [{"name": "custom:plan"}]}, "custom:plan without a type; give its type"),
        (
            {"schema": [{"name": "custom:plan", "type": "string", "required": True}]},
            "schema requires custom:plan, .* leave required out",
        ),
        ({"schema": [{"name": "email"}, {"name": "email"}]}, "schema has email twice; leave one"),
        (
            {"verification_email": {"body": "Your code is "}},
            r"body of verification_email lacks {####}; .* In a playbook that is {{ '{####}' }}",
        ),
        ({"invitation_email": {"body": "{####}"}}, "body of invitation_email lacks {username};"),
        ({"account_recovery": []}, r"account_recovery is \[\]; give verified_email"),
        ({"account_recovery": ["admin_only", "verified_email"]}, "or admin_only alone"),
        (
            {"threat_protection": "audit"},
            "threat_protection is audit but tier is ESSENTIALS; set tier: PLUS",
        ),
        (
            {"password_policy": {"password_history_size": 3}, "tier": "LITE"},
            "password_history_size is 3 but tier is LITE; set tier: ESSENTIALS",
        ),
        ({"mfa": "on"}, "mfa is on but the pool has no second factor; set totp: true"),
        ({"totp": True}, "totp is true but mfa is off; set mfa to optional or on"),
        ({"mfa": "off", "totp": True}, "totp is true but mfa is off"),
        (
            {"alias_attributes": ["email"], "username_attributes": ["email"]},
            "alias_attributes and username_attributes exclude each other",
        ),
        (
            {"attributes_require_verification_before_update": ["email"]},
            "has email, which auto_verified_attributes lacks; add it there too",
        ),
        ({"email_sending": "ses"}, "email_source_arn is missing; give the ARN"),
    ],
)
def test_what_cognito_would_refuse_is_refused_before(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ReconcileError, match=f"{NAME}: .*{message}"):
        new_pool(**given)


def test_protection_stands_in_the_way_of_a_lower_tier(stubbed: Stubbed) -> None:
    with pytest.raises(ReconcileError, match="threat_protection is audit but tier is ESSENTIALS"):
        planned(stubbed, {}, tier="ESSENTIALS")


def test_a_factor_without_an_option_is_a_second_factor(stubbed: Stubbed) -> None:
    assert (planned(stubbed, {}, totp=False).after or {})["mfa"] == "optional"
    email_only = {"MfaConfiguration": "OFF", "WebAuthnConfiguration": {}}
    with pytest.raises(ReconcileError, match="mfa is on but the pool has no second factor"):
        planned(stubbed, {"mfa": email_only}, mfa="on")


def test_a_pool_is_deleted_after_its_domains(
    stubbed: Stubbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    client, stubber = stubbed("cognito-idp")
    add_pool(stubber, CustomDomain="login.example.com")
    stubber.add_response("list_users", {"Users": []}, {"UserPoolId": ID, "Limit": 1})
    plan = plan_user_pool(client, params(state="absent"))
    assert plan.action == "delete"
    for domain in ("shop", "login.example.com"):
        sent = {"UserPoolId": ID, "Domain": domain}
        stubber.add_response("delete_user_pool_domain", {}, sent)
    stubber.add_client_error(
        "delete_user_pool",
        "InvalidParameterException",
        "User pool cannot be deleted. It has a domain configured that should be deleted first.",
    )
    stubber.add_response("delete_user_pool", {}, {"UserPoolId": ID})
    apply_pool(client, plan)


@pytest.mark.parametrize(
    ("existing", "page", "given", "action"),
    [
        ({}, {"Users": [{"Username": "ada"}]}, {}, "none"),
        ({}, {"Users": [], "PaginationToken": "more"}, {}, "none"),
        ({}, {"Users": []}, {}, "delete"),
        ({}, None, {"delete_users": True}, "delete"),
        ({"DeletionProtection": "ACTIVE"}, None, {}, "none"),
        ({"DeletionProtection": "ACTIVE"}, None, {"delete_users": True}, "none"),
        ({"found": False}, None, {}, "none"),
    ],
)
def test_users_and_protection_keep_a_pool(
    stubbed: Stubbed,
    existing: dict[str, Any],
    page: dict[str, Any] | None,
    given: dict[str, Any],
    action: str,
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_pool(stubber, **existing)
    if page:
        stubber.add_response("list_users", page, {"UserPoolId": ID, "Limit": 1})
    plan = plan_user_pool(client, params(state="absent", **given))
    assert plan.action == action
    assert (plan.after is not None) == (action == "none" and existing.get("found", True))


@pytest.mark.parametrize("state", ["present", "absent"])
def test_two_pools_of_one_name_are_refused(stubbed: Stubbed, state: str) -> None:
    client, stubber = stubbed("cognito-idp")
    twins = [{"Id": f"us-east-1_{letter}", "Name": NAME} for letter in "ab"]
    stubber.add_response("list_user_pools", {"UserPools": twins})
    with pytest.raises(ReconcileError, match="2 user pools have this name"):
        plan_user_pool(client, params(state=state))
