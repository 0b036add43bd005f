"""The fake of Amplify, asked by a real client that never opens a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError

from local_cloud.amplify_fake import wire
from local_cloud.amplify_fake.callers import Caller, Request
from local_cloud.amplify_fake.checks import faults
from local_cloud.amplify_fake.errors import RefusalError
from local_cloud.amplify_fake.server import Fake
from local_cloud.amplify_fake.state import DOMAIN, State

if TYPE_CHECKING:
    from pathlib import Path

# pragma: allowlist nextline secret
TOKEN, LOGIN = "open-sesame", "d2FsdGVyOmtub2Nr"
FORBIDDEN = "dforbidden"
GITHUB = "https://github.com/example/shop"


class Account:
    """An account with the fake, and a client of it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.asked: list[tuple[str, str, str]] = []
        self.fake = Fake(State(path), self._authorize)
        self.client: Any = boto3.client(
            "amplify",
            region_name="us-east-1",
            aws_access_key_id="unit",
            aws_secret_access_key="unit",  # noqa: S106 - never leaves the process
        )
        events: Any = self.client.meta.events
        events.register("before-send.amplify", self._send)

    def _authorize(self, _: Request, operation: str, resource: list[str], role: str) -> Caller:
        if FORBIDDEN in resource:
            raise RefusalError("AccessDeniedException", "not yours", 403)
        self.asked.append((operation, "/".join(resource), role))
        return Caller("us-east-1", "000000000000")

    def _send(self, request: Any, **_: Any) -> AWSResponse:
        answer = self.fake.answer(as_sent(request))
        headers: Any = dict(answer.headers)
        return AWSResponse(request.url, answer.status, headers, _Body(answer.body))

    def create(self, **options: Any) -> str:
        """Create an app and return its id."""
        return str(self.client.create_app(**{"name": "shop"} | options)["app"]["appId"])


class _Body:
    """An answer's body as botocore reads it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self) -> list[bytes]:
        return [self._content]


def as_sent(request: Any) -> Request:
    """Return a request of botocore's as it would come over HTTP."""
    url = urlsplit(request.url)
    target = url.path + (f"?{url.query}" if url.query else "")
    return Request(request.method, target, [], bytes(request.body or b""))


@pytest.fixture
def account(tmp_path: Path) -> Account:
    return Account(tmp_path / "amplify_fake.json")


def test_every_pattern_of_the_model_is_understood() -> None:
    for name in wire.MODEL.shape_names:
        shape: Any = wire.MODEL.shape_for(name)
        if shape.type_name == "string":
            faults("x", shape)


VALUES: dict[str, Any] = {
    "appId": "d1",
    "branchName": "feature/cart",
    "domainName": "example.com",
    "environmentName": "dev",
    "jobId": "1",
    "jobType": "RELEASE",
    "resourceArn": "arn:aws:amplify:us-east-1:000000000000:apps/d1",
    "subDomainSettings": [],
    "tagKeys": ["a", "b"],
    "tags": {"a": "1"},
}


@pytest.mark.parametrize("name", wire.MODEL.operation_names)
def test_every_operation_is_understood_as_botocore_sends_it(account: Account, name: str) -> None:
    shape: Any = wire.MODEL.operation_model(name).input_shape
    params = {member: VALUES.get(member, "x") for member in shape.required_members}
    calls: list[wire.Call] = []

    def parse(request: Any, **_: Any) -> AWSResponse:
        sent, headers = as_sent(request), HTTPHeaders()
        calls.append(wire.parse(sent.method, sent.target, sent.body))
        return AWSResponse(request.url, 200, headers, _Body(b"{}"))

    account.client.meta.events.register_first("before-send.amplify", parse)
    getattr(account.client, xform_name(name))(**params)
    assert [(call.name, call.params) for call in calls] == [(name, params)]


def test_an_app_is_kept_as_it_was_told(account: Account) -> None:
    app_id = account.create(
        repository=GITHUB,
        accessToken=TOKEN,
        environmentVariables={"A": "1"},
        customRules=[{"source": "/a", "target": "/b", "status": "301"}],
        jobConfig={"buildComputeType": "STANDARD_8GB"},
        enableBasicAuth=True,
        basicAuthCredentials=LOGIN,
        tags={"owner": "shop"},
    )
    app = account.client.get_app(appId=app_id)["app"]
    assert app["defaultDomain"] == f"{app_id}.{DOMAIN}"
    assert app["environmentVariables"] == {"A": "1"}
    assert app["basicAuthCredentials"] == LOGIN
    assert app["tags"] == {"owner": "shop"}
    assert TOKEN not in account.path.read_text()
    account.client.update_app(appId=app_id, description="A shop")
    assert account.client.get_app(appId=app_id)["app"]["customRules"] == app["customRules"]
    account.client.delete_app(appId=app_id)
    assert account.client.list_apps()["apps"] == []


def test_it_says_what_it_is(account: Account) -> None:
    answer = account.fake.answer(Request("GET", "/", [], b""))
    assert answer.body.startswith(b"A fake of AWS Amplify")
    listed = account.client.list_apps()["ResponseMetadata"]["HTTPHeaders"]
    assert listed["x-fake"] == "AWS Amplify"


def test_what_it_was_told_outlives_it(account: Account) -> None:
    app_id = account.create()
    again = Account(account.path)
    assert again.client.get_app(appId=app_id)["app"]["name"] == "shop"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"repository": GITHUB}, "at least provide one valid token"),
        ({"environmentVariables": {"AWS_X": "1"}}, "reserved prefix: AWS_X"),
        ({"platform": "MAINFRAME"}, "'MAINFRAME' is none of"),
        ({"buildSpec": "x" * 25001}, "buildSpec: 25001 is not within 1 and 25000"),
        ({"tags": {"aws:x": "1"}}, r"tags key: the value does not match"),
        (
            {"customRules": [{"source": "/a", "target": "/b", "status": "12345678"}]},
            "customRules.0..status",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused(
    account: Account, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(account.client.exceptions.BadRequestException, match=message):
        account.create(**options)
    assert not account.path.exists()


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"name": 5}', b"{}", b'{"name": "a", "nmae": "b"}']
)
def test_a_body_that_makes_no_sense_is_refused(account: Account, body: bytes) -> None:
    assert account.fake.answer(Request("POST", "/apps", [], body)).status == 400


@pytest.mark.parametrize("size", ["x", "101"])
def test_a_size_that_makes_no_sense_is_refused(account: Account, size: str) -> None:
    assert account.fake.answer(Request("GET", f"/apps?maxResults={size}", [], b"")).status == 400


def test_what_is_missing_is_not_found(account: Account) -> None:
    app_id = account.create()
    missing = account.client.exceptions.NotFoundException
    with pytest.raises(missing, match="App dnone not found"):
        account.client.get_app(appId="dnone")
    with pytest.raises(missing, match="Branch main not found"):
        account.client.get_branch(appId=app_id, branchName="main")
    with pytest.raises(missing, match=r"Domain example\.com not found"):
        account.client.get_domain_association(appId=app_id, domainName="example.com")
    with pytest.raises(missing, match="Resource arn:aws:amplify"):
        account.client.tag_resource(resourceArn="arn:aws:amplify:::apps/dnone", tags={"a": "1"})


def test_what_it_does_not_know_is_told(account: Account) -> None:
    app_id = account.create()
    with pytest.raises(ClientError, match="The fake of Amplify does not know CreateWebhook"):
        account.client.create_webhook(appId=app_id, branchName="main")


def test_the_caller_is_asked_for_each_resource_and_role(account: Account) -> None:
    app_id = account.create(iamServiceRoleArn="arn:aws:iam::000000000000:role/x")
    account.client.create_branch(appId=app_id, branchName="feature/a")
    arn = f"arn:aws:amplify:us-east-1:000000000000:apps/{app_id}"
    account.client.list_tags_for_resource(resourceArn=arn)
    assert account.asked == [
        ("CreateApp", "apps/*", "arn:aws:iam::000000000000:role/x"),
        ("CreateBranch", f"apps/{app_id}/branches/feature/a", ""),
        ("ListTagsForResource", f"apps/{app_id}", ""),
    ]
    with pytest.raises(ClientError, match="AccessDeniedException"):
        account.client.get_app(appId=FORBIDDEN)


def test_lists_have_pages(account: Account) -> None:
    names = [f"app-{number}" for number in range(25)]
    for name in names:
        account.create(name=name)
    pages = list(account.client.get_paginator("list_apps").paginate())
    assert [len(page["apps"]) for page in pages] == [10, 10, 5]
    assert [app["name"] for page in pages for app in page["apps"]] == names
    with pytest.raises(account.client.exceptions.BadRequestException, match="no token"):
        account.client.list_apps(nextToken="elsewhere")


def test_an_empty_set_of_variables_counts_as_none_sent(account: Account) -> None:
    app_id = account.create(environmentVariables={"A": "1"})

    def variables(**sent: str) -> Any:
        account.client.update_app(appId=app_id, environmentVariables=sent)
        return account.client.get_app(appId=app_id)["app"]["environmentVariables"]

    assert variables() == {"A": "1"}
    assert variables(**{"": ""}) == {}


def test_branches_come_and_go(account: Account) -> None:
    app_id = account.create()
    both = {"appId": app_id, "branchName": "feature/cart"}
    branch = account.client.create_branch(**both, environmentVariables={"A": "1"})["branch"]
    assert (branch["displayName"], branch["enableAutoBuild"]) == ("feature-cart", True)
    with pytest.raises(account.client.exceptions.BadRequestException, match="already exists"):
        account.client.create_branch(**both)
    account.client.update_branch(**both, stage="BETA")
    account.client.tag_resource(resourceArn=branch["branchArn"], tags={"a": "1", "b": "2"})
    account.client.untag_resource(resourceArn=branch["branchArn"], tagKeys=["a"])
    (found,) = account.client.list_branches(appId=app_id)["branches"]
    assert (found["stage"], found["tags"]) == ("BETA", {"b": "2"})
    assert found["environmentVariables"] == {"A": "1"}
    account.client.delete_branch(**both)
    assert account.client.list_branches(appId=app_id)["branches"] == []


def test_builds_are_records_that_never_end_by_themselves(account: Account) -> None:
    app_id = account.create()
    both = {"appId": app_id, "branchName": "main"}
    account.client.create_branch(**both)
    for _ in range(2):
        summary = account.client.start_job(**both, jobType="RELEASE")["jobSummary"]
    assert (summary["jobId"], summary["status"]) == ("2", "PENDING")
    assert summary["commitMessage"].startswith("FAKE")
    assert account.client.get_branch(**both)["branch"]["totalNumberOfJobs"] == "2"
    account.client.stop_job(**both, jobId="1")
    assert account.client.get_job(**both, jobId="1")["job"]["summary"]["status"] == "CANCELLED"
    ids = [job["jobId"] for job in account.client.list_jobs(**both)["jobSummaries"]]
    assert ids == ["2", "1"]
    with pytest.raises(account.client.exceptions.NotFoundException, match="Job 3"):
        account.client.get_job(**both, jobId="3")


def test_a_domain_gets_its_records_later(account: Account) -> None:
    app_id = account.create()
    account.client.create_branch(appId=app_id, branchName="main")
    both = {"appId": app_id, "domainName": "example.com"}
    settings = [{"prefix": "www", "branchName": "main"}]
    created = account.client.create_domain_association(**both, subDomainSettings=settings)
    assert created["domainAssociation"]["domainStatus"] == "CREATING"
    first, second = (
        account.client.get_domain_association(**both)["domainAssociation"] for _ in range(2)
    )
    assert first["domainStatus"] == "CREATING"
    assert (second["domainStatus"], second["statusReason"][:4]) == ("PENDING_VERIFICATION", "FAKE")
    assert second["certificateVerificationDNSRecord"].endswith(f".{DOMAIN}.")
    assert second["subDomains"][0]["dnsRecord"].startswith("www CNAME ")
    refused = account.client.exceptions.BadRequestException
    with pytest.raises(refused, match="already associated"):
        account.client.create_domain_association(**both, subDomainSettings=settings)
    with pytest.raises(refused, match="in use by the domain"):
        account.client.delete_branch(appId=app_id, branchName="main")
    account.client.delete_domain_association(**both)
    assert account.client.list_domain_associations(appId=app_id)["domainAssociations"] == []


def test_an_answer_that_the_model_does_not_allow_is_a_fault_of_the_fake() -> None:
    call = wire.parse("GET", "/apps", b"")
    with pytest.raises(ValueError, match="ListApps answers what its model does not allow"):
        wire.answer(call, {"apps": [{"appId": "x"}]})
