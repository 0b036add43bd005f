"""`cognito`: a pool is found by its name, or refused where the name does not tell which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.cognito import existing_pool, find_pool
from ansible.module_utils.artificien.reconcile import ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

NAME = "shop-users"


def add_pools(stubber: Stubber, **pools: str) -> None:
    """Make the account answer with `pools`, id and name, each on a page of its own."""
    token: dict[str, str] = {}
    for number, (pool_id, name) in enumerate(pools.items(), start=1):
        answer: dict[str, Any] = {"UserPools": [{"Id": pool_id, "Name": name}]}
        following = {"NextToken": f"page-{number}"} if number < len(pools) else {}
        stubber.add_response("list_user_pools", answer | following, {"MaxResults": 60} | token)
        token = following


def test_a_pool_is_found_by_its_exact_name_on_any_page(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_pools(stubber, eu_1="shop-users-old", eu_2="Shop-Users", eu_3=NAME)
    assert find_pool(client, NAME) == "eu_3"


def test_a_pool_that_is_not_there_has_no_id(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_pools(stubber, eu_1="shop-users-old")
    assert find_pool(client, NAME) is None


def test_pools_of_one_name_are_refused_across_pages(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    add_pools(stubber, eu_2=NAME, eu_9="other", eu_1=NAME)
    with pytest.raises(ReconcileError, match=r"2 user pools have this name \(eu_1, eu_2\). Rename"):
        find_pool(client, NAME)


def test_a_refused_listing_names_the_pool(
    stubbed: Callable[[str], tuple[Any, Stubber]],
) -> None:
    client, stubber = stubbed("cognito-idp")
    stubber.add_client_error("list_user_pools", "NotAuthorizedException", "not yours")
    with pytest.raises(AwsError, match=f"find user pool {NAME}: NotAuthorizedException: not yours"):
        find_pool(client, NAME)


def test_what_lives_in_a_pool_needs_one() -> None:
    assert existing_pool("eu_1", NAME) == "eu_1"
    with pytest.raises(ReconcileError, match=f"no user pool {NAME}: create it first"):
        existing_pool(None, NAME)
