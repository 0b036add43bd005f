"""`apigw_domain` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien.apigw_domain import (
    apply_domain,
    desired_domain,
    plan_domain,
    read_domain,
)
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

NAME = "api.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/1"
ARN = f"arn:aws:apigateway:us-east-1::/domainnames/{NAME}"
OPTIONS = {"certificate_arn": CERTIFICATE, "api": "shop", "stage": "prod", "tags": {"a": "1"}}


def wanted(**fields: Any) -> dict[str, Any]:
    """Return the model that the options ask for, with `fields` changed."""
    return {
        "certificate_arn": CERTIFICATE,
        "endpoint_types": ["REGIONAL"],
        "security_policy": "TLS_1_2",
        "mappings": {"(none)": "a1b2/prod"},
        "tags": {"a": "1"},
    } | fields


def model(**fields: Any) -> dict[str, Any]:
    """Return the model of a name that is there, with `fields` changed."""
    place = {"regional_domain_name": "d-1.example.net", "regional_hosted_zone_id": "Z1"}
    return wanted() | place | fields


def test_the_api_is_found_by_its_name(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response("get_rest_apis", {"items": [{"id": "a1b2", "name": "shop"}]}, {})
    assert desired_domain(client, OPTIONS) == wanted()
    stubber.add_response("get_rest_apis", {"items": []}, {})
    assert desired_domain(client, OPTIONS) == wanted(mappings={"(none)": "to-come/prod"})


def test_read_tells_missing_from_refused(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response(
        "get_domain_name",
        {
            "domainName": NAME,
            "regionalCertificateArn": CERTIFICATE,
            "endpointConfiguration": {"types": ["REGIONAL"]},
            "securityPolicy": "TLS_1_2",
            "regionalDomainName": "d-1.example.net",
            "regionalHostedZoneId": "Z1",
            "tags": {"a": "1", "aws:cloudformation:stack-name": "x"},
        },
        {"domainName": NAME},
    )
    mapping = {"basePath": "(none)", "restApiId": "a1b2", "stage": "prod"}
    stubber.add_response(
        "get_base_path_mappings", {"items": [mapping], "position": "2"}, {"domainName": NAME}
    )
    other = {"basePath": "v2", "restApiId": "c3d4"}
    stubber.add_response(
        "get_base_path_mappings", {"items": [other]}, {"domainName": NAME, "position": "2"}
    )
    found = read_domain(client, NAME)
    assert found == model(mappings={"(none)": "a1b2/prod", "v2": "c3d4/"})
    stubber.add_client_error("get_domain_name", "NotFoundException")
    assert read_domain(client, NAME) is None
    stubber.add_client_error("get_domain_name", "AccessDeniedException", "not yours")
    with pytest.raises(AwsError, match=f"read the domain name {NAME} of API Gateway: AccessDenied"):
        read_domain(client, NAME)


def test_a_name_of_another_kind_is_refused() -> None:
    with pytest.raises(ReconcileError, match=r"endpoint_types is .* cannot be changed"):
        plan_domain(NAME, model(endpoint_types=["EDGE"]), wanted(), purge=True)


def test_tags_that_are_not_listed_may_stay() -> None:
    current = model(tags={"b": "2"})
    assert plan_domain(NAME, current, wanted(), purge=False).after == model(
        tags={"a": "1", "b": "2"}
    )
    assert plan_domain(NAME, current, wanted(tags=None), purge=True).changed is False


def test_a_new_name_is_mapped(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response(
        "create_domain_name",
        {},
        {
            "domainName": NAME,
            "regionalCertificateArn": CERTIFICATE,
            "endpointConfiguration": {"types": ["REGIONAL"]},
            "securityPolicy": "TLS_1_2",
            "tags": {"a": "1"},
        },
    )
    add_mapping(stubber)
    apply_domain(client, Plan(NAME, None, wanted()))


def add_mapping(stubber: Stubber) -> None:
    """Expect the mapping of all paths."""
    stubber.add_response(
        "create_base_path_mapping",
        {},
        {"domainName": NAME, "basePath": "(none)", "restApiId": "a1b2", "stage": "prod"},
    )


def test_a_name_is_changed_in_place(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    patch = [
        {"op": "replace", "path": "/regionalCertificateArn", "value": CERTIFICATE},
        {"op": "replace", "path": "/securityPolicy", "value": "TLS_1_2"},
    ]
    stubber.add_response("update_domain_name", {}, {"domainName": NAME, "patchOperations": patch})
    stubber.add_response("untag_resource", {}, {"resourceArn": ARN, "tagKeys": ["b"]})
    stubber.add_response("tag_resource", {}, {"resourceArn": ARN, "tags": {"a": "1"}})
    for path in ("(none)", "v2"):
        stubber.add_response("delete_base_path_mapping", {}, {"domainName": NAME, "basePath": path})
    add_mapping(stubber)
    before = model(
        certificate_arn="old",
        security_policy="TLS_1_0",
        tags={"b": "2"},
        mappings={"(none)": "c3d4/prod", "v2": "a1b2/prod"},
    )
    apply_domain(client, Plan(NAME, before, model()))


def test_a_name_needs_an_api(stubbed: Stubbed) -> None:
    client, _ = stubbed("apigateway")
    with pytest.raises(ReconcileError, match="Deploy the API first"):
        apply_domain(client, Plan(NAME, None, wanted(mappings={"(none)": "to-come/prod"})))


def test_a_name_is_deleted_with_its_mappings(stubbed: Stubbed) -> None:
    client, stubber = stubbed("apigateway")
    stubber.add_response("delete_domain_name", {}, {"domainName": NAME})
    apply_domain(client, Plan(NAME, model(), None))
