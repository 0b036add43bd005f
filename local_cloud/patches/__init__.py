"""Where the emulator differs from AWS in a way that matters here, and how that is mended.

One module for each subject, with one function ``patch``. The emulator's internals may move with
any release: each patch checks what it finds and refuses anything else.
"""

from collections.abc import Callable
from importlib import import_module

from local_cloud.patches import (
    amplify,
    authorization,
    browser_sessions,
    client_secrets,
    confirmation,
    decisions,
    dynamodb_conditions,
    elastic_ips,
    groups,
    guests,
    host_containers,
    hosted_ui,
    iam,
    instance_attributes,
    instance_metadata,
    launch_template_tags,
    metric_namespaces,
    names,
    network_parts,
    policy_versions,
    principal_tags,
    refresh_grants,
    role_trust,
    ssm_parameters,
    streams,
    user_info,
)

_IAM = "ministack.core.iam_evaluator"
_LAMBDA = "ministack.services.lambda_svc"
_COGNITO = "ministack.services.cognito"
_APP = "ministack.app"
_EC2 = "ministack.services.ec2"

PATCHES: tuple[tuple[Callable[..., None], tuple[str, ...]], ...] = (
    # First: other modules of the emulator take its functions when they are imported.
    (iam.patch, (_IAM,)),
    (decisions.patch, (_IAM,)),
    (amplify.patch, (_IAM, "ministack.core.router", "ministack.core.responses")),
    (streams.patch, (_LAMBDA,)),
    (names.patch, (_COGNITO,)),
    (groups.patch, (_COGNITO,)),
    (guests.patch, (_COGNITO,)),
    (client_secrets.patch, (_COGNITO,)),
    (refresh_grants.patch, (_COGNITO,)),
    (user_info.patch, (_COGNITO,)),
    (confirmation.patch, (_COGNITO, _LAMBDA, _IAM)),
    (browser_sessions.patch, (_COGNITO,)),
    (hosted_ui.patch, (_COGNITO, _APP)),
    (role_trust.patch, (_COGNITO, "ministack.services.iam", _IAM)),
    (principal_tags.patch, ("ministack.services.sts", _COGNITO)),
    (
        dynamodb_conditions.patch,
        ("ministack.core.iam_actions", "ministack.services.dynamodb"),
    ),
    (metric_namespaces.patch, ("ministack.core.iam_actions",)),
    (
        authorization.patch,
        ("ministack.core.iam_actions", "ministack.services.tagging", _EC2),
    ),
    (policy_versions.patch, ("ministack.services.iam",)),
    (ssm_parameters.patch, ("ministack.core.iam_actions", _IAM)),
    (host_containers.patch, (_EC2,)),
    (elastic_ips.patch, (_EC2,)),
    (network_parts.patch, (_EC2,)),
    (launch_template_tags.patch, (_EC2,)),
    (instance_attributes.patch, (_EC2,)),
    (
        instance_metadata.patch,
        ("ministack.services.imds", _EC2, "ministack.services.iam", "ministack.services.sts", _IAM),
    ),
)
"""Each patch, and the modules of the emulator that it mends or needs."""


def apply_all() -> None:
    """Mend the emulator in this process.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    for patch, modules in PATCHES:
        patch(*(import_module(name) for name in modules))
