"""The command against a real node on PostgreSQL."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import postgres
import psycopg
import pytest
from ops.nodes import Server, Shell, serving
from psycopg.rows import dict_row

from artificien_pygrid.wire.tensors import decode_state

GOLDEN = Path(__file__).parent.parent / "golden/cycles/gcl"
TOKEN = "for-operators-and-services"  # noqa: S105 - a test's own
CLIENT_CONFIG = {"name": "heart", "version": "1.0", "batch_size": 32, "lr": 0.1}
SERVER_CONFIG = {"cycle_length": 600, "num_cycles": 4, "max_diffs": 2}


@pytest.fixture
def shell(database_url: str, tmp_path: Path) -> Shell:
    return Shell({"PYGRID_DATABASE_URL": database_url}, tmp_path)


@pytest.fixture
def node(shell: Shell) -> Iterator[Server]:
    """A node that this machine may host on, and others see with a token."""
    settings = {
        "PYGRID_HOSTING_NETWORKS": "127.0.0.0/8",
        "PYGRID_STATUS_TOKEN": TOKEN,
        "PYGRID_RETRIEVAL_TOKEN": TOKEN,
    }
    with serving(Shell(shell.variables | settings, shell.directory)) as server:
        shell.variables["PYGRID_URL"] = server.url
        yield server


def config_file(shell: Shell, name: str = "config.json", **server_config: object) -> Path:
    path = shell.directory / name
    rules = SERVER_CONFIG | server_config
    path.write_text(json.dumps({"client_config": CLIENT_CONFIG, "server_config": rules}))
    return path


def host_arguments(config: Path) -> list[object]:
    files = {"model": "model", "training-plan": "training_plan", "averaging-plan": "avg_plan"}
    options: list[object] = ["--config", config]
    for option, name in files.items():
        options += [f"--{option}", GOLDEN / f"{name}.bin"]
    return ["host", *options, "--url"]


def host(shell: Shell, node: Server) -> None:
    shell.run(*host_arguments(config_file(shell, iterative_plan=True)), node.url)


def listed(shell: Shell) -> list[dict[str, object]]:
    """The hosted models: what `list --json` shows, without a command's start."""
    with psycopg.connect(
        shell.variables["PYGRID_DATABASE_URL"], row_factory=dict_row
    ) as connection:
        query = "SELECT name, version, state, num_cycles FROM processes ORDER BY id DESC"
        return connection.execute(query).fetchall()


def test_migrate_builds_the_schema_and_removes_it(
    cluster: postgres.Cluster, tmp_path: Path
) -> None:
    with cluster.database("template0") as url:
        shell = Shell({"PYGRID_DATABASE_URL": url}, tmp_path)
        told = shell.run("list", code=1).stderr
        assert "run `pygrid-node migrate`" in told
        assert "at revision 0002" in shell.run("migrate").stdout
        assert shell.run("list").stdout == "No models are hosted.\n"
        assert "at revision none" in shell.run("migrate", "--revision", "base").stdout
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT to_regclass('processes')").fetchone() == (None,)


def test_hosting_serves_the_very_model(shell: Shell, node: Server) -> None:
    config = config_file(shell, iterative_plan=True)
    assert shell.run(*host_arguments(config), node.url).stdout == "Hosted heart 1.0.\n"
    [model] = listed(shell)
    assert (model["name"], model["version"], model["num_cycles"]) == ("heart", "1.0", 4)
    response = httpx.get(
        f"{node.url}/model-centric/retrieve-model",
        params={"name": "heart"},
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    assert response.content == (GOLDEN / "model.bin").read_bytes()
    again = shell.run(*host_arguments(config), node.url, code=1)
    assert "FL Process already exists." in again.stderr


def test_hosting_with_a_toml_file_a_protocol_and_the_mean(
    shell: Shell, node: Server, database_url: str
) -> None:
    config = shell.directory / "config.toml"
    config.write_text(
        '[client_config]\nname = "lung"\nversion = "2"\n[server_config]\ncycle_length = 60\n'
    )
    (shell.directory / "rules.bin").write_bytes(b"\x01\x02")
    arguments = host_arguments(config)
    position = arguments.index("--averaging-plan")
    del arguments[position : position + 2]
    shell.run(*arguments, node.url, "--protocol", "secure=rules.bin")
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "SELECT processes.name, averaging_plan, protocols.name, content "
            "FROM processes JOIN protocols ON process_id = processes.id"
        ).fetchone()
    assert row == ("lung", None, "secure", b"\x01\x02")


def test_hosting_needs_a_token_where_the_network_does_not_permit_it(shell: Shell) -> None:
    with serving(shell) as closed:
        refused = shell.run(*host_arguments(config_file(shell)), closed.url, code=1)
        assert "token" in refused.stderr
        assert listed(shell) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "is not valid JSON"),
        ("[]", "must have an object (in TOML: a table) client_config"),
        ('{"client_config": {}}', "must have an object (in TOML: a table) server_config"),
        ('{"client_config": {"version": "1"}, "server_config": {"cycle_length": 1}}', "'name'"),
        (
            '{"client_config": {"name": "a", "version": "1"}, "server_config": {"cycle_length":0}}',
            "server_config.cycle_length",
        ),
    ],
)
def test_a_bad_config_is_refused(shell: Shell, node: Server, content: str, told: str) -> None:
    config = shell.directory / "config.json"
    config.write_text(content)
    assert told in shell.run(*host_arguments(config), node.url, code=1).stderr
    assert listed(shell) == []


def test_files_that_are_not_there_or_no_models_are_refused(shell: Shell, node: Server) -> None:
    arguments = host_arguments(config_file(shell))
    position = arguments.index("--model") + 1
    arguments[position] = "absent.bin"
    assert "absent.bin cannot be read" in shell.run(*arguments, node.url, code=1).stderr
    for content, told in ((b"", "is empty"), (b"\xff\xff", "'model' is not valid")):
        (shell.directory / "bad.bin").write_bytes(content)
        arguments[position] = "bad.bin"
        assert told in shell.run(*arguments, node.url, code=1).stderr
    bad = shell.run(*host_arguments(config_file(shell)), node.url, "--protocol", "x", code=2)
    assert "NAME=FILE" in bad.stderr


def test_status_says_more_with_a_token(shell: Shell, node: Server) -> None:
    host(shell, node)
    stranger = shell.run("status", "--url", node.url)
    assert stranger.stdout == "The node runs.\n"
    assert "token" in stranger.stderr
    (shell.directory / "token").write_text(f"{TOKEN}\n")
    by_file = shell.run("status", "--url", node.url, "--token-file", "token")
    header, row = by_file.stdout.splitlines()[1:3]
    assert header.split()[:4] == ["NAME", "VERSION", "STATE", "CYCLES"]
    assert row.split()[:4] == ["heart", "1.0", "running", "0/4"]
    piped = shell.run("status", "--url", node.url, "--token-file", "-", typed=TOKEN)
    assert piped.stdout == by_file.stdout
    shell.variables["PYGRID_TOKEN"] = TOKEN
    found = json.loads(shell.run("status", "--json").stdout)
    assert found["models"][0]["name"] == "heart"
    assert found["outbox"]["pending"] == 0


def test_download_saves_the_checkpoints_tensors(shell: Shell, node: Server) -> None:
    host(shell, node)
    refused = shell.run("download", "heart", "--output", "heart.npz", code=1)
    assert "bearer token" in refused.stderr
    shell.variables["PYGRID_TOKEN"] = TOKEN
    told = shell.run("download", "heart", "--output", "heart.npz").stdout
    expected = decode_state((GOLDEN / "model.bin").read_bytes())
    assert told == f"Saved {len(expected)} tensors to heart.npz.\n"
    target = shell.directory / "heart.npz"
    with np.load(target, allow_pickle=False) as saved:
        assert saved.files == [f"arr_{index}" for index in range(len(expected))]
        for name, tensor in zip(saved.files, expected, strict=True):
            assert saved[name].dtype == tensor.dtype
            np.testing.assert_array_equal(saved[name], tensor)
    assert not stat.S_IMODE(target.stat().st_mode) & stat.S_IXUSR
    before = target.read_bytes()
    assert "exists" in shell.run("download", "heart", "--output", target, code=1).stderr
    for arguments in (["--checkpoint", "7"], ["--version", "9"], ["--checkpoint", "first"]):
        shell.run("download", "heart", "--force", "--output", target, *arguments, code=1)
    assert target.read_bytes() == before
    shell.run("download", "heart", "--force", "--checkpoint", "1", "--output", target)
    assert not [path for path in shell.directory.iterdir() if path.name.startswith(".")]
    absent = shell.run("download", "heart", "--output", "no/where.npz", code=1)
    assert "no/where.npz cannot be written" in absent.stderr


def test_pause_and_resume_decide_whether_workers_get_in(shell: Shell, node: Server) -> None:
    host(shell, node)

    def ask() -> str:
        model = {"model_name": "heart", "model_version": "1.0"}
        worker = httpx.post(f"{node.url}/model-centric/authenticate", json=model).json()
        request = {"worker_id": worker["worker_id"], "model": "heart", "version": "1.0"}
        answer = httpx.post(f"{node.url}/model-centric/cycle-request", json=request).json()
        return str(answer["status"])

    assert ask() == "accepted"
    assert shell.run("pause", "heart", "1.0").stdout == "Paused heart 1.0.\n"
    assert listed(shell)[0]["state"] == "paused"
    assert ask() == "rejected"
    shell.run("resume", "heart", "1.0")
    assert ask() == "accepted"


def test_delete_asks_first(shell: Shell, node: Server) -> None:
    host(shell, node)
    for answer in ("", "n\n"):
        shell.run("delete", "heart", "1.0", code=1, typed=answer)
        assert len(listed(shell)) == 1
    assert "Deleted heart 1.0." in shell.run("delete", "heart", "1.0", typed="y\n").stdout
    assert listed(shell) == []
    host(shell, node)
    shell.run("delete", "heart", "1.0", "--yes")
    assert listed(shell) == []


@pytest.mark.parametrize("command", ["pause", "resume", "delete"])
def test_models_that_do_not_exist_are_told(shell: Shell, command: str) -> None:
    options = ["--yes"] if command == "delete" else []
    told = shell.run(command, "none", "1", *options, code=1).stderr
    assert "Not found any process" in told


def test_the_list_is_a_table(shell: Shell, node: Server) -> None:
    host(shell, node)
    header, row = shell.run("list").stdout.splitlines()
    assert header.index("STATE") == row.index("running")
    assert header.index("CYCLES") == row.index("0/4")
    [model] = json.loads(shell.run("list", "--json").stdout)
    assert model.items() >= listed(shell)[0].items()
    assert [cycle["sequence"] for cycle in model["cycles"]] == [1]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({}, "PYGRID_DATABASE_URL: Field required"),
        ({"PYGRID_DATABASE_URL": "mysql://u:hush@h/d"}, "must begin with postgresql://"),
        (
            {"PYGRID_DATABASE_URL": "postgresql://u:hush@h/d", "PYGRID_PORT": "many"},
            "PYGRID_PORT: ",
        ),
    ],
)
@pytest.mark.parametrize("command", ["serve", "migrate", "list"])
def test_wrong_settings_are_named_and_not_shown(
    tmp_path: Path, variables: dict[str, str], told: str, command: str
) -> None:
    done = Shell(variables, tmp_path).run(command, code=2)
    assert told in done.stderr
    assert "hush" not in done.stderr


@pytest.mark.parametrize("command", ["migrate", "list"])
def test_a_database_that_is_away_is_told(tmp_path: Path, command: str) -> None:
    url = "postgresql://u:hush@127.0.0.1:1/d?connect_timeout=1"
    done = Shell({"PYGRID_DATABASE_URL": url}, tmp_path).run(command, code=1)
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("pygrid-node: ")
    assert "hush" not in done.stderr


@pytest.mark.parametrize("command", [["status"], ["download", "m", "--output", "m.npz"]])
@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://["])
def test_a_node_that_is_away_is_told(tmp_path: Path, command: list[str], url: str) -> None:
    done = Shell({}, tmp_path).run(*command, "--url", url, code=1)
    assert "was not reached" in done.stderr
    assert not list(tmp_path.glob("*.npz"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://["])
def test_hosting_on_a_node_that_is_away_is_told(tmp_path: Path, url: str) -> None:
    shell = Shell({}, tmp_path)
    done = shell.run(*host_arguments(config_file(shell)), url, code=1)
    assert "was not reached" in done.stderr


def test_a_token_file_must_hold_a_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"a\nb")
    told = Shell({}, tmp_path).run("status", "--token-file", "token", code=1).stderr
    assert "holds no token" in told


def test_several_processes_serve_one_port_and_stop_together(shell: Shell) -> None:
    with serving(shell, "--workers", 2) as server:
        for _ in range(10):
            assert httpx.get(f"{server.url}/readyz").status_code == httpx.codes.OK
        server.stop()
        with pytest.raises(httpx.TransportError):
            httpx.get(server.url)


def test_a_port_that_is_taken_is_told(shell: Shell) -> None:
    with serving(shell) as server:
        port = server.url.rpartition(":")[2]
        done = shell.run("serve", "--port", port, code=3)
        assert "address already in use" in done.stdout + done.stderr


def test_serving_ends_in_good_order(shell: Shell) -> None:
    with serving(shell) as server:
        server.stop()
        assert "Traceback" not in server.log.read_text()
        assert "error" not in server.log.read_text().lower()
