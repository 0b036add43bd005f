"""The tutorials, executed in the environment of people's servers as they lie in its homes.

Real are the user pool, the identity pool, the table of models with the policy of notebooks, and the
PyGrid node with its database. A server of the test's own stands for the hub and for the API.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
import yaml
from data_upload.sample_generator import csv_chunks, parse_schema
from jinja2 import Environment
from model_retrieval.model_file import model_pickle, parse_state

from tests.cloud import BIN, ROOT
from tests.unit.roles.jupyterhub.notebook_server import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cloud import Cloud

TUTORIALS = ROOT / "roles/jupyterhub_provision/files/tutorials"
PROVISION = ROOT / "roles/jupyterhub_provision"
ENVIRONMENT = ROOT / "build/notebook-venv"
PACKAGES = [ROOT / "pygrid", ROOT / "roles/jupyterhub/files/artificien_notebook"]
# JupyterHub lower-cases names, while rights follow the name as the pool has it.
NAME = "Grace"
# pragma: allowlist nextline secret
PASSWORD = "Correct-horse-1"  # noqa: S105 - of a user of the emulator
RETRIEVAL_TOKEN = "of-the-api"  # noqa: S105 - of a node of the test's own
SCOPE = "aws.cognito.signin.user.admin"
TABLE = "tutorial_models"
PATIENCE_SECONDS = 300
# What speaks the node's protocol is in the node's own environment.
NODE = """
import json, sys
from pathlib import Path
import postgres
from clients.node import running

folder, settings = sys.argv[1:]
with postgres.cluster() as cluster:
    cluster.create_template()
    with cluster.database() as url, running(url, Path(folder), **json.loads(settings)) as node:
        print(node.url, flush=True)
        sys.stdin.read()
"""

EARLY = """
from artificien_notebook.errors import NotebookError
from artificien_notebook.models import Model

model = Model("early", "Artificien-Health", version="1")
looks = model.row, model.status, model.load, lambda: model.wait_for_file(timeout=0)
for announced in (False, True):
    for look in looks:
        try:
            look()
        except NotebookError as error:
            print(error)
    if not announced:
        model.create(["Age"], ["Sex"])
model.create(["Age"], ["Sex"])
print(model.row()["percent_complete"])
"""


@dataclass(frozen=True)
class Person:
    """Somebody who has signed in, and what changes their token for credentials."""

    pool: str
    identity_pool: str
    tokens: dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """The home of somebody on the hub, with what stands for hub and API."""

    cloud: Cloud
    home: Path
    server: Server
    variables: dict[str, str]

    def execute(self, tutorial: str) -> str:
        """Execute a tutorial where it lies, and return all that its cells printed."""
        executed = self.home / tutorial
        self.run("jupyter", "execute", f"--output={executed}", self.home / "tutorials" / tutorial)
        cells = json.loads(executed.read_text())["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        return "".join("".join(output.get("text", [])) for output in outputs)

    def run(self, *command: object) -> str:
        """Run a command as in a terminal of the hub, and return what it prints."""
        done = subprocess.run(
            [str(part) for part in command],
            env=self.variables,
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of all models, the oldest first."""
        items: list[dict[str, Any]] = self.cloud.resource("dynamodb").Table(TABLE).scan()["Items"]
        return sorted(items, key=lambda item: str(item["version"]))


def role_of_notebooks(cloud: Cloud, identity_pool: str) -> str:
    """Make the role of people who have signed in, with the policy of the platform's own."""
    values = yaml.safe_load((PROVISION / "vars/main.yml").read_text())
    attributes = "__jupyterhub_provision_submitted_attributes"
    environment = Environment(autoescape=False)  # noqa: S701 - the templates make JSON
    environment.filters["to_json"] = json.dumps
    known = {
        attributes: values[attributes],
        "__jupyterhub_provision_table_arn": (
            f"arn:aws:dynamodb:{cloud.region}:000000000000:table/{TABLE}"
        ),
        "__jupyterhub_provision_identity_pool_id": identity_pool,
        "jupyterhub_provision_data_kms_keys": [],
        "jupyterhub_provision_region": cloud.region,
    }
    policy, trust = (
        environment.from_string((PROVISION / f"templates/{name}.json.j2").read_text()).render(known)
        for name in ("notebooks_policy", "notebooks_trust_policy")
    )
    iam = cloud.client("iam")
    role = iam.create_role(RoleName="notebooks", AssumeRolePolicyDocument=trust)["Role"]
    iam.put_role_policy(RoleName="notebooks", PolicyName="notebooks", PolicyDocument=policy)
    arn: str = role["Arn"]
    return arn


@pytest.fixture(scope="module")
def person(cloud: Cloud) -> Person:
    """Return a data scientist who has signed in."""
    idp, identity = cloud.client("cognito-idp"), cloud.client("cognito-identity")
    pool = idp.create_user_pool(PoolName="notebooks")["UserPool"]["Id"]
    client = idp.create_user_pool_client(
        UserPoolId=pool, ClientName="jupyter", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    idp.admin_create_user(UserPoolId=pool, Username=NAME, MessageAction="SUPPRESS")
    idp.admin_set_user_password(UserPoolId=pool, Username=NAME, Password=PASSWORD, Permanent=True)
    tokens = idp.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": NAME, "PASSWORD": PASSWORD},
    )["AuthenticationResult"]
    provider = f"cognito-idp.{cloud.region}.amazonaws.com/{pool}"
    identity_pool = identity.create_identity_pool(
        IdentityPoolName="notebooks",
        AllowUnauthenticatedIdentities=False,
        CognitoIdentityProviders=[{"ProviderName": provider, "ClientId": client}],
    )["IdentityPoolId"]
    identity.set_principal_tag_attribute_map(
        IdentityPoolId=identity_pool,
        IdentityProviderName=provider,
        PrincipalTags={"username": "cognito:username"},
    )
    identity.set_identity_pool_roles(
        IdentityPoolId=identity_pool,
        Roles={"authenticated": role_of_notebooks(cloud, identity_pool)},
    )
    given = {
        "id_token": tokens["IdToken"],
        "access_token": tokens["AccessToken"],
        "expires_at": 4_000_000_000,
    }
    return Person(pool, identity_pool, given)


@contextmanager
def node(folder: Path, **settings: str) -> Iterator[str]:
    """Run a PyGrid node on a database of its own, and yield its URL."""
    process = subprocess.Popen(
        [ROOT / "build/pygrid-venv/bin/python", "-c", NODE, folder, json.dumps(settings)],
        env=os.environ | {"PYTHONPATH": f"{ROOT}/pygrid/src:{ROOT}/pygrid/tests"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            assert url, "the node does not start; its log is in the folder"
            yield url
        finally:
            # It ends with its input, and takes node and database with it.
            process.stdin.close()


def store(cloud: Cloud, server: Server, node_url: str, message: dict[str, Any]) -> tuple[int, Any]:
    """Take a report of progress as the platform does: store a model that is complete."""
    model_id, percent = message["model_id"], message["percent_complete"]
    update = {"percent_complete": percent}
    if percent == 100:
        query = urlencode({"name": model_id, "checkpoint": "latest"})
        request = Request(  # noqa: S310 - the test's own node
            f"{node_url}/model-centric/retrieve-model?{query}",
            headers={"Authorization": f"Bearer {RETRIEVAL_TOKEN}"},
        )
        with urlopen(request) as answer:  # noqa: S310 - likewise
            state, number = memoryview(answer.read()), int(answer.headers["X-Checkpoint"])
        content = b"".join(model_pickle(model_id, "1", number, parse_state(state), state))
        path = f"/downloads/{base64.urlsafe_b64encode(model_id.encode()).decode()}"
        server.answers[path] = 200, content
        update |= {"active_status": 0, "download_link": server.url + path}
    cloud.resource("dynamodb").Table(TABLE).update_item(
        Key={"model_id": model_id},
        AttributeUpdates={
            name: {"Action": "PUT", "Value": value} for name, value in update.items()
        },
    )
    return 200, {"status": "recorded"}


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the wheels that the role installs beside the lock's packages."""
    folder = tmp_path_factory.mktemp("packages")
    for source in PACKAGES:
        subprocess.run(
            [BIN / "uv", "build", "-q", "--offline", "--wheel", "-o", folder / "wheels", source],
            check=True,
        )
    install: list[object] = [BIN / "uv", "pip", "install", "-q", "--offline", "--no-deps"]
    install += ["--python", ENVIRONMENT / "bin/python", "--target", folder / "installed"]
    wheels = (folder / "wheels").glob("*.whl")
    subprocess.run([str(part) for part in (*install, *wheels)], check=True)
    return folder / "installed"


@pytest.fixture(scope="module")
def desk(
    cloud: Cloud, person: Person, packages: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Desk]:
    """Return a home with its links, as the role makes it, and a node to host at."""
    folder = tmp_path_factory.mktemp("hub")
    home, data = folder / "home", folder / "srv"
    home.mkdir()
    shutil.copytree(TUTORIALS, data / "tutorials")
    (data / "sample_data").mkdir()
    for name in ("tutorials", "sample_data"):
        (home / name).symlink_to(data / name)
    health = yaml.safe_load((ROOT / "roles/seed_data/vars/main.yml").read_text())
    sample = csv_chunks(parse_schema(health["__seed_data_health_dataset"], 500))
    (data / "sample_data/Artificien-Health.csv").write_bytes(b"".join(sample))

    cloud.client("dynamodb").create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": "model_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "model_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    config = home / "aws_config"
    config.write_text(
        f"[default]\nregion = {cloud.region}\ncredential_process = artificien-credentials\n"
    )
    rules = {
        "HOSTING_NETWORKS": "",
        "RETRIEVAL_NETWORKS": "",
        "RETRIEVAL_TOKEN": RETRIEVAL_TOKEN,
        "OIDC_ISSUER": f"https://cognito-idp.{cloud.region}.amazonaws.com/{person.pool}",
        "OIDC_JWKS_URL": f"{cloud.endpoint_url}/{person.pool}/.well-known/jwks.json",
        "OIDC_GROUPS_CLAIM": "scope",
        "OIDC_GROUPS": SCOPE,
    }
    with (
        serving() as server,
        node(folder, PROGRESS_URL=f"{server.url}/model_progress", **rules) as node_url,
    ):
        server.answers |= {
            "/hub/api/cognito-tokens": (200, person.tokens),
            "/get_datasets": (200, {"datasets": ["Artificien-Health"]}),
            "/create": (200, {"status": "ready", "nodeURL": "127.0.0.1"}),
            "/model_progress": lambda sent: store(cloud, server, node_url, sent),
        }
        variables = {
            "PATH": f"{ENVIRONMENT}/bin:{packages}/bin:/usr/bin:/bin",
            "HOME": str(home),
            "PYTHONPATH": str(packages),
            "AWS_CONFIG_FILE": str(config),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": cloud.endpoint_url,
            "AWS_REGION": cloud.region,
            "JUPYTERHUB_API_URL": f"{server.url}/hub/api",
            "JUPYTERHUB_API_TOKEN": "of-this-server",
            "ARTIFICIEN_API_URL": server.url,
            "ARTIFICIEN_USER_POOL_ID": person.pool,
            "ARTIFICIEN_IDENTITY_POOL_ID": person.identity_pool,
            "ARTIFICIEN_MODEL_TABLE": TABLE,
            "PYGRID_URL": node_url,
        }
        yield Desk(cloud, home, server, variables)


def test_the_first_tutorial_reads_the_sample_and_scores_a_model(desk: Desk) -> None:
    told = desk.execute("health-tutorial.ipynb")
    lines = (desk.home / "sample_data/Artificien-Health.csv").read_text().splitlines()
    ages = [int(line.split(",")[0]) for line in lines[1:]]
    assert f"{len(ages)} rows" in told
    assert re.search(rf"Age +{sum(ages) / len(ages):.2f}\n", told)
    assert re.search(r"score \(R²\): +-?0\.0\d\d\n", told)


def test_the_second_tutorial_hosts_a_model_until_its_file_is_there_and_again(desk: Desk) -> None:
    for run in (1, 2):
        told = desk.execute("hosting-tutorial.ipynb")
        row = desk.rows()[-1]
        assert len(desk.rows()) == run
        assert f"You are {NAME}, and have bought Artificien-Health." in told
        assert row["model_id"] == f"tutorial-{row['version']}-{NAME}"
        assert row["owner_name"] == NAME
        assert (row["percent_complete"], row["active_status"]) == (100, 0)
        assert "1 of 2 cycles, 3 diffs\nThe checkpoint is the recorded one:\n" in told
        assert "The model is finished.\n" in told
        assert told.endswith(f"{row['download_link']}\n")
        assert "Warning" not in told
    asked = [sent for path, _, sent in desk.server.requests if path == "/create"]
    assert [sent["model_id"] for sent in asked] == [row["model_id"] for row in desk.rows()]


def test_the_command_of_the_node_acts_in_the_own_name(desk: Desk) -> None:
    command = "pygrid-node status --json --token-file -"
    told = desk.run("sh", "-c", f"artificien-token | {command}")
    assert "models" in json.loads(told)
    with pytest.raises(AssertionError, match="holds no token"):
        desk.run("sh", "-c", f"true | {command}")


def test_what_a_model_is_too_early_for_is_told(desk: Desk) -> None:
    model_id = f"early-1-{NAME}"
    not_announced = f"{model_id} was not announced: call create first."
    told = desk.run("python", "-c", EARLY).splitlines()
    assert told == [
        not_announced,
        f"{model_id} is not hosted.",
        not_announced,
        not_announced,
        f"{model_id} is not hosted.",
        f"{model_id} is not finished yet.",
        f"{model_id} is not finished yet; ask again later.",
        "0",
    ]


def test_a_model_of_another_name_cannot_be_announced(desk: Desk) -> None:
    code = "from artificien_notebook.models import Model; {}.create(['Age'], ['Sex'])"
    foreign = 'Model("foreign", "Artificien-Health", owner="Ada")'
    with pytest.raises(AssertionError, match="AccessDenied"):
        desk.run("python", "-c", code.format(foreign))
    assert "foreign" not in {str(row["model_id"])[:7] for row in desk.rows()}


def test_the_tutorials_hold_no_output_and_are_small() -> None:
    for path in TUTORIALS.glob("*.ipynb"):
        content = path.read_text()
        assert len(content) < 100_000
        for cell in json.loads(content)["cells"]:
            assert not cell.get("outputs")
            assert cell.get("execution_count") is None
    assert sum(path.stat().st_size for path in (TUTORIALS / "recorded").iterdir()) < 100_000
