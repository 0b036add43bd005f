"""`amplify_domain` without AWS: models, plans, and the exact calls of each plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible.module_utils.artificien import amplify_domain
from ansible.module_utils.artificien.amplify_domain import (
    UNFINISHED,
    apply_domain,
    desired_domain,
    domain_model,
    domain_records,
    find_domain,
    wait_for_records,
)
from ansible.module_utils.artificien.aws import AwsError
from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, make_plan

from library.amplify_domain import ARGUMENT_SPEC, plan_domain

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    Stubbed = Callable[[str], tuple[Any, Stubber]]

APP_ID, DOMAIN = "d1example", "shop.example.com"
CERTIFICATE = "arn:aws:acm:us-east-1:111122223333:certificate/1234abcd"
BOTH = {"appId": APP_ID, "domainName": DOMAIN}
BARE: dict[str, Any] = {
    "sub_domains": {"": "main"},
    "certificate": "managed",
    "auto_sub_domains": False,
    "auto_sub_domain_patterns": [],
    "auto_sub_domain_role": "",
}


def options(**fields: Any) -> dict[str, Any]:
    """Return the module's options as Ansible passes them."""
    defaults = {name: option.get("default") for name, option in ARGUMENT_SPEC.items()}
    return defaults | {"app": "shop", "domain": DOMAIN} | fields


def sub_domains(**branches: str) -> list[dict[str, str]]:
    """Return branches by their prefixes as options."""
    return [{"prefix": prefix, "branch": branch} for prefix, branch in branches.items()]


def answer(**members: Any) -> dict[str, Any]:
    """Return a domain as the API answers, with `members` changed."""
    domain = {
        "domainAssociationArn": f"arn:aws:amplify:us-east-1:111122223333:apps/{APP_ID}/domains/x",
        "domainName": DOMAIN,
        "enableAutoSubDomain": False,
        "domainStatus": "PENDING_VERIFICATION",
        "statusReason": "",
        "certificateVerificationDNSRecord": f"_1.{DOMAIN}. CNAME _2.acm-validations.aws.",
        "subDomains": [
            {
                "subDomainSetting": {"prefix": "", "branchName": "main"},
                "verified": False,
                "dnsRecord": " CNAME d1.cloudfront.net",
            }
        ],
        "certificate": {"type": "AMPLIFY_MANAGED"},
    }
    return {"domainAssociation": domain | members}


@pytest.fixture
def amplify(stubbed: Stubbed) -> tuple[Any, Stubber]:
    return stubbed("amplify")


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ({"sub_domains": [{"prefix": "", "branch": "main"}]}, {}),
        ({"sub_domains": sub_domains(www="main")}, {"sub_domains": {"www": "main"}}),
        ({"certificate": CERTIFICATE}, {"certificate": CERTIFICATE}),
        ({"auto_sub_domain_patterns": ["b", "a"]}, {"auto_sub_domain_patterns": ["a", "b"]}),
    ],
)
def test_only_given_options_are_planned(wanted: dict[str, Any], after: dict[str, Any]) -> None:
    current = domain_model(answer()["domainAssociation"])
    assert current == BARE
    plan = make_plan(DOMAIN, current, desired_domain(options(**wanted)))
    assert plan == Plan(DOMAIN, BARE, BARE | after)


@pytest.mark.parametrize("entries", [[], sub_domains(www="a") + sub_domains(www="b")])
def test_a_prefix_is_listed_once(entries: list[dict[str, str]]) -> None:
    with pytest.raises(ReconcileError, match="at least one entry, and each prefix once"):
        desired_domain(options(sub_domains=entries))


def test_a_domain_of_an_app_that_is_missing_is_new(amplify: tuple[Any, Stubber]) -> None:
    amplify[1].add_response("list_apps", {"apps": []})
    seen: dict[str, Any] = {}
    (plan,) = plan_domain(amplify[0], options(sub_domains=sub_domains(www="main")), seen)
    assert (plan.action, seen) == ("create", {"domain": None})


def test_read_tells_missing_from_refused(amplify: tuple[Any, Stubber]) -> None:
    client, stubber = amplify
    stubber.add_client_error("get_domain_association", "NotFoundException", expected_params=BOTH)
    assert find_domain(client, APP_ID, DOMAIN) is None
    stubber.add_client_error("get_domain_association", "UnauthorizedException", "not yours")
    with pytest.raises(AwsError, match=f"read domain {DOMAIN} of Amplify app {APP_ID}"):
        find_domain(client, APP_ID, DOMAIN)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (" CNAME d1.cloudfront.net", DOMAIN),
        ("@ CNAME d1.cloudfront.net", DOMAIN),
        ("www CNAME d1.cloudfront.net", f"www.{DOMAIN}"),
        (f"www.{DOMAIN}. CNAME d1.cloudfront.net", f"www.{DOMAIN}"),
    ],
)
def test_records_have_full_names(line: str, name: str) -> None:
    setting = {"prefix": "", "branchName": "main"}
    found = answer(subDomains=[{"subDomainSetting": setting, "verified": False, "dnsRecord": line}])
    assert domain_records(found["domainAssociation"]) == [
        {"name": f"_1.{DOMAIN}", "type": "CNAME", "value": "_2.acm-validations.aws."},
        {"name": name, "type": "CNAME", "value": "d1.cloudfront.net"},
    ]


def test_records_that_are_not_known_are_left_out() -> None:
    setting = {"prefix": "", "branchName": "main"}
    found = answer(subDomains=[{"subDomainSetting": setting, "verified": False, "dnsRecord": ""}])
    del found["domainAssociation"]["certificateVerificationDNSRecord"]
    assert domain_records(found["domainAssociation"]) == []


def test_a_new_domain_is_one_call(amplify: tuple[Any, Stubber]) -> None:
    wanted = options(
        sub_domains=sub_domains(www="main", next="testing"),
        certificate=CERTIFICATE,
        auto_sub_domains=False,
    )
    settings = [
        {"prefix": "next", "branchName": "testing"},
        {"prefix": "www", "branchName": "main"},
    ]
    amplify[1].add_response(
        "create_domain_association",
        answer(),
        BOTH
        | {
            "subDomainSettings": settings,
            "certificateSettings": {"type": "CUSTOM", "customCertificateArn": CERTIFICATE},
            "enableAutoSubDomain": False,
        },
    )
    apply_domain(amplify[0], APP_ID, make_plan(DOMAIN, None, desired_domain(wanted)))


@pytest.mark.parametrize(
    ("changes", "request_"),
    [
        ({"certificate": "managed"}, {"certificateSettings": {"type": "AMPLIFY_MANAGED"}}),
        (
            {"sub_domains": {"www": "main"}},
            {"subDomainSettings": [{"prefix": "www", "branchName": "main"}]},
        ),
        ({"auto_sub_domain_patterns": ["a"]}, {"autoSubDomainCreationPatterns": ["a"]}),
    ],
)
def test_a_change_sends_what_changes(
    amplify: tuple[Any, Stubber], changes: dict[str, Any], request_: dict[str, Any]
) -> None:
    before = BARE | {"certificate": CERTIFICATE}
    amplify[1].add_response("update_domain_association", answer(), BOTH | request_)
    apply_domain(amplify[0], APP_ID, Plan(DOMAIN, before, before | changes))


def test_a_domain_that_is_gone_already_is_disconnected(amplify: tuple[Any, Stubber]) -> None:
    amplify[1].add_client_error(
        "delete_domain_association", "NotFoundException", expected_params=BOTH
    )
    apply_domain(amplify[0], APP_ID, Plan(DOMAIN, BARE, None))


def test_records_are_waited_for(
    amplify: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    for status in (*UNFINISHED, "PENDING_VERIFICATION"):
        amplify[1].add_response("get_domain_association", answer(domainStatus=status), BOTH)
    found = wait_for_records(amplify[0], APP_ID, DOMAIN)
    assert found["domainStatus"] == "PENDING_VERIFICATION"


def test_a_domain_that_failed_is_told_with_its_reason(amplify: tuple[Any, Stubber]) -> None:
    failed = answer(domainStatus="FAILED", statusReason="a CAA record forbids it")
    amplify[1].add_response("get_domain_association", failed)
    with pytest.raises(AwsError, match=f"cannot serve {DOMAIN}: a CAA record forbids it"):
        wait_for_records(amplify[0], APP_ID, DOMAIN)


def test_records_that_do_not_come_are_an_error(
    amplify: tuple[Any, Stubber], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(amplify_domain, "RECORDS_TIMEOUT_SECONDS", 0)
    amplify[1].add_response("get_domain_association", answer(domainStatus="CREATING"))
    with pytest.raises(AwsError, match=f"Waited 0 s for the DNS records of {DOMAIN}"):
        wait_for_records(amplify[0], APP_ID, DOMAIN)
