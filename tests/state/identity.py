"""IAM, user pools and identity pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.state.canonical import Found
from tests.state.services import or_none, pages, service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cloud import Cloud


def roles(cloud: Cloud) -> Iterator[Found]:
    """Yield the roles with their policies."""
    iam = service(cloud, "iam")
    for name in [role["RoleName"] for role in pages(iam, "list_roles", "Roles")]:
        role = iam.get_role(RoleName=name)["Role"]
        inline = pages(iam, "list_role_policies", "PolicyNames", RoleName=name)
        content = role | {
            "RoleLastUsed": None,
            "Tags": iam.list_role_tags(RoleName=name)["Tags"],
            "attached": pages(
                iam, "list_attached_role_policies", "AttachedPolicies", RoleName=name
            ),
            "inline": [
                or_none(iam.get_role_policy, RoleName=name, PolicyName=policy) for policy in inline
            ],
        }
        yield Found("iam role", name, content, (role["RoleId"],))


def policies(cloud: Cloud) -> Iterator[Found]:
    """Yield the policies with all of their versions."""
    iam = service(cloud, "iam")
    for listed in pages(iam, "list_policies", "Policies", Scope="Local"):
        arn = listed["Arn"]
        policy = iam.get_policy(PolicyArn=arn)["Policy"]
        versions = pages(iam, "list_policy_versions", "Versions", PolicyArn=arn)
        content = policy | {
            "Tags": iam.list_policy_tags(PolicyArn=arn)["Tags"],
            "versions": [
                iam.get_policy_version(PolicyArn=arn, VersionId=version["VersionId"])[
                    "PolicyVersion"
                ]
                for version in versions
            ],
        }
        yield Found("iam policy", listed["PolicyName"], content, (policy["PolicyId"],))


def instance_profiles(cloud: Cloud) -> Iterator[Found]:
    """Yield the instance profiles with the names of their roles."""
    iam = service(cloud, "iam")
    for profile in pages(iam, "list_instance_profiles", "InstanceProfiles"):
        name = profile["InstanceProfileName"]
        tags = iam.list_instance_profile_tags(InstanceProfileName=name)["Tags"]
        content = profile | {
            "Roles": [role["RoleName"] for role in profile["Roles"]],
            "Tags": tags,
        }
        yield Found("instance profile", name, content, (profile["InstanceProfileId"],))


def user_pools(cloud: Cloud) -> Iterator[Found]:
    """Yield the user pools with what is in them."""
    cognito = service(cloud, "cognito-idp")
    for listed in pages(cognito, "list_user_pools", "UserPools", MaxResults=60):
        pool, name = listed["Id"], listed["Name"]
        described = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
        domain = described.get("Domain")
        content = described | {
            "domain": domain and cognito.describe_user_pool_domain(Domain=domain),
            "mfa": or_none(cognito.get_user_pool_mfa_config, UserPoolId=pool),
            "tags": cognito.list_tags_for_resource(ResourceArn=described["Arn"]),
        }
        yield Found("user pool", name, content, (described["Arn"], pool))
        yield from _clients(cognito, pool, name)
        groups = pages(cognito, "list_groups", "Groups", UserPoolId=pool)
        for group in groups:
            yield Found("user group", f"{group['GroupName']} of {name}", group)
        for user in pages(cognito, "list_users", "Users", UserPoolId=pool):
            yield _user(cognito, pool, name, user)
        for provider in pages(cognito, "list_identity_providers", "Providers", UserPoolId=pool):
            yield Found("identity provider", f"{provider['ProviderName']} of {name}", provider)


def _clients(cognito: Any, pool: str, name: str) -> Iterator[Found]:
    listed = pages(cognito, "list_user_pool_clients", "UserPoolClients", UserPoolId=pool)
    for client in listed:
        described = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client["ClientId"])[
            "UserPoolClient"
        ]
        yield Found(
            "pool client", f"{client['ClientName']} of {name}", described, (client["ClientId"],)
        )


def _user(cognito: Any, pool: str, name: str, user: dict[str, Any]) -> Found:
    groups = cognito.admin_list_groups_for_user(UserPoolId=pool, Username=user["Username"])
    (generated,) = (each["Value"] for each in user["Attributes"] if each["Name"] == "sub")
    content = user | {"groups": [group["GroupName"] for group in groups["Groups"]]}
    return Found("user", f"{user['Username']} of {name}", content, (generated,))


def identity_pools(cloud: Cloud) -> Iterator[Found]:
    """Yield the identity pools with their roles and the tags of principals."""
    identity = service(cloud, "cognito-identity")
    for listed in pages(identity, "list_identity_pools", "IdentityPools", MaxResults=60):
        pool = listed["IdentityPoolId"]
        described = or_none(identity.describe_identity_pool, IdentityPoolId=pool)
        providers = [
            each["ProviderName"] for each in described.get("CognitoIdentityProviders") or []
        ]
        content = described | {
            "roles": or_none(identity.get_identity_pool_roles, IdentityPoolId=pool),
            "principal tags": [
                or_none(
                    identity.get_principal_tag_attribute_map,
                    "ResourceNotFoundException",
                    IdentityPoolId=pool,
                    IdentityProviderName=provider,
                )
                for provider in providers
            ],
        }
        yield Found("identity pool", listed["IdentityPoolName"], content, (pool,))


READERS = (roles, policies, instance_profiles, user_pools, identity_pools)
