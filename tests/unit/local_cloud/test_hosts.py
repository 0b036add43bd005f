"""What hosts need of this machine is made once, and taken away; podman is a stand-in."""

import ipaddress
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from botocore.stub import Stubber

from local_cloud import lifecycle, processes, record
from local_cloud.errors import LocalCloudError
from local_cloud.hosts import image, machine, podman, provision, registration, service
from local_cloud.settings import Settings

# Keeps what it has in a directory: a file for each image, network and container.
PODMAN = """
import os, pathlib, sys, time
here = pathlib.Path(os.environ["STAND_IN"])
words = sys.argv[1:]
with (here / "log").open("a") as log:
    print(*words, file=log)
after = lambda option: words[words.index(option) + 1]
match words[0]:
    case "images" if "--quiet" in words:
        if (here / words[-1].replace("/", "_")).exists():
            print("id")
    case "images":
        print(*(each.name.replace("_", "/") for each in here.glob("localhost_*")), sep="\\n")
    case "rmi":
        (here / words[-1].replace("/", "_")).unlink()
    case "import":
        (here / words[-1].replace("/", "_")).touch()
    case "build":
        found = pathlib.Path(words[-1]).rglob("*")
        files = sorted(str(each.relative_to(words[-1])) for each in found)
        (here / after("--tag").replace("/", "_")).write_text("\\n".join(files))
    case "network" if words[1] == "ls":
        print(*(each.name for each in here.glob("artificien-*")))
    case "network" if words[1] == "inspect":
        print('[{"labels": {"%s": "%s"}}]' % tuple((here / words[2]).read_text().split("=")))
    case "network" if words[1] == "create":
        (here / words[-1]).write_text(after("--label"))
    case "network" if words[1] == "rm":
        (here / words[-1]).unlink()
    case "ps":
        print(*(each.name for each in here.glob("container-*")))
    case "run":
        (here / "container-one").touch()
    case "rm":
        (here / words[-1]).unlink()
    case "system":
        pathlib.Path(words[-1].removeprefix("unix://")).touch()
        time.sleep(600)
    case other:
        sys.exit("unknown: " + other)
"""
IP = """
import json
print(json.dumps([{"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "prefixlen": 8}]},
                  {"ifname": "wide0", "addr_info": [{"local": "10.99.3.4", "prefixlen": 16}]},
                  {"ifname": "bare0"}]))
"""
KEYGEN = """
import pathlib, sys
pathlib.Path(sys.argv[-1]).touch()
pathlib.Path(sys.argv[-1] + ".pub").touch()
"""
INSTALL = "import shutil, sys; shutil.copy(*sys.argv[-2:])"
MMDEBSTRAP = """
import pathlib, sys
(archive,) = (word for word in sys.argv if word.endswith(".tar"))
pathlib.Path(archive).touch()
"""
SUDO = "import os, sys; words = sys.argv[sys.argv.index('--') + 1:]; os.execvp(words[0], words)"
APT_GET = """
print("http://mirror/debian/ bookworm main")
print("http://mirror/debian/ bookworm main")
print("http://mirror/security/ bookworm-security main")
print("http://mirror/debian/ trixie main")
"""
APT_CONFIG = """
print('Acquire::http::Proxy "http://proxy";')
print('Acquire::Languages "none";')
"""


@pytest.fixture
def programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str, str], None]]:
    """Return how to put a program on PATH, where stand-ins of all that is needed are already."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(name: str, code: str) -> None:
        (folder / name).write_text(f"#!{sys.executable} -S\n{code}")
        (folder / name).chmod(0o755)

    for name, code in {
        "podman": PODMAN,
        "ip": IP,
        "ssh-keygen": KEYGEN,
        "install": INSTALL,
        "mmdebstrap": MMDEBSTRAP,
        "iptables": "",
        "sudo": SUDO,
        "apt-get": APT_GET,
        "apt-config": APT_CONFIG,
    }.items():
        put(name, code)
    for name in ("env", "kill", "chown"):
        (folder / name).symlink_to(shutil.which(name) or name)
    store = tmp_path / "podman"
    store.mkdir()
    monkeypatch.setenv("STAND_IN", str(store))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(machine, "OWN_CERTIFICATES", tmp_path / "certificates")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    image.sources.cache_clear()
    yield put
    image.sources.cache_clear()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Return settings with hosts, and end podman's API in the end."""
    found = Settings.checked(
        "127.0.0.1", 4600, tmp_path / "state", tmp_path / "venv", subnet="10.213.99.0/24"
    )
    found.state_dir.mkdir()
    yield found
    service.remove(found)


@pytest.mark.usefixtures("programs")
def test_what_hosts_need_is_made_once(settings: Settings) -> None:
    everything = [what for what, _, _ in provision.STEPS]
    assert provision.missing(settings) == everything
    assert [*settings.state_dir.iterdir()] == []
    assert provision.provide(settings) == [f"made {what}" for what in everything]
    assert provision.missing(settings) == []
    assert provision.provide(settings) == []


@pytest.mark.usefixtures("programs")
def test_what_was_made_is_taken_away_but_the_image(settings: Settings) -> None:
    provision.provide(settings)
    api = record.read(settings.podman_record_file)
    assert provision.remove(settings) == ["removed the hosts and their network"]
    assert api
    assert not processes.is_alive(api.process)
    assert provision.missing(settings) == ["the network of hosts", "podman's API"]
    assert provision.remove(settings) == []


@pytest.mark.usefixtures("programs")
def test_a_local_cloud_without_hosts_asks_podman_for_nothing(tmp_path: Path) -> None:
    plain = Settings.checked("127.0.0.1", 4600, tmp_path, tmp_path)
    assert provision.remove(plain) == []
    assert not (tmp_path / "podman/log").exists()
    with pytest.raises(LocalCloudError, match="give it a subnet"):
        _ = plain.hosts_subnet


@pytest.mark.usefixtures("programs")
def test_what_died_is_made_again(settings: Settings, tmp_path: Path) -> None:
    provision.provide(settings)
    api = record.read(settings.podman_record_file)
    assert api
    os.kill(api.pid, 9)
    assert processes.wait(api.process, 10)
    (tmp_path / "podman/container-one").unlink()
    assert provision.provide(settings) == ["made the network of hosts", "made podman's API"]


@pytest.mark.usefixtures("programs")
def test_a_subnet_of_another_local_cloud_is_refused(settings: Settings, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (tmp_path / "podman" / settings.network).write_text(f"artificien.state-dir={theirs}")
    theirs.mkdir()
    (theirs / "hosts.json").touch()
    with pytest.raises(LocalCloudError, match=r"belongs to the local cloud of .*/theirs: run"):
        provision.missing(settings)
    (theirs / "hosts.json").unlink()
    provision.provide(settings)
    network = (tmp_path / "podman" / settings.network).read_text()
    assert network == f"artificien.state-dir={settings.state_dir}"


@pytest.mark.usefixtures("programs")
def test_a_subnet_of_this_machine_is_refused(tmp_path: Path) -> None:
    taken = Settings.checked("", 4600, tmp_path, tmp_path, subnet="10.99.1.0/24")
    with pytest.raises(LocalCloudError, match=r"in use by the interface wide0: choose another"):
        provision.missing(taken)


@pytest.mark.usefixtures("programs")
def test_absent_programs_are_named_with_the_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(podman, "PROGRAMS", ("podman", "pod-that-nobody-has"))
    assert provision.missing(settings) == [what for what, _, _ in provision.STEPS]
    remedy = r"need pod-that-nobody-has: run `make up`, .*apt-get install"
    with pytest.raises(LocalCloudError, match=remedy):
        provision.provide(settings)


def test_a_failure_of_podman_is_told_with_its_words(
    settings: Settings, programs: Callable[[str, str], None]
) -> None:
    programs("podman", "import sys; sys.exit('no space left')")
    with pytest.raises(LocalCloudError, match=r"`podman network rm x` failed: no space left"):
        podman.run(settings, "network", "rm", "x")


def test_a_podman_without_an_api_is_an_error(
    settings: Settings, programs: Callable[[str, str], None]
) -> None:
    programs("podman", "import sys; sys.exit('cannot')")
    with pytest.raises(LocalCloudError, match=r"does not offer its API: see .*podman\.log"):
        service.provide(settings)
    assert "cannot" in settings.podman_log_file.read_text()


def test_a_failed_bootstrap_names_the_variable_that_avoids_it(
    settings: Settings, programs: Callable[[str, str], None]
) -> None:
    programs("mmdebstrap", "import sys; sys.exit('unreachable')")
    with pytest.raises(LocalCloudError, match=r"by local_cloud_image in .*unreachable"):
        image.provide(settings)


@pytest.mark.usefixtures("programs")
def test_an_ordinary_image_is_not_bootstrapped(tmp_path: Path) -> None:
    ordinary = Settings.checked(
        "", 4600, tmp_path, tmp_path, subnet="10.213.99.0/24", image="debian:12"
    )
    image.provide(ordinary)
    assert image.exists(ordinary)
    log = (tmp_path / "podman/log").read_text()
    assert "BASE=debian:12" in log
    assert "import" not in log


@pytest.mark.usefixtures("programs")
def test_the_image_changes_with_what_it_is_made_from(settings: Settings, tmp_path: Path) -> None:
    first = image.name(settings)
    assert image.name(settings) == first
    (tmp_path / "certificates").mkdir()
    (tmp_path / "certificates/own.crt").write_text("one")
    second = image.name(settings)
    (tmp_path / "certificates/own.crt").write_text("two")
    assert len({first, second, image.name(settings)}) == 3
    image.provide(settings)
    built = tmp_path / "podman" / image.name(settings).replace("/", "_")
    assert built.read_text().split() == [
        *("Containerfile", "certificates", "certificates/own.crt", "prepare")
    ]


@pytest.mark.usefixtures("programs")
def test_images_are_kept_until_they_are_cleaned_away(settings: Settings) -> None:
    provision.provide(settings)
    provision.remove(settings)
    assert len(image.remove_all(settings)) == 2
    assert not image.exists(settings)
    assert image.remove_all(settings) == []


@pytest.mark.usefixtures("programs")
def test_the_image_alone_is_built_once(tmp_path: Path) -> None:
    plain = Settings.checked("127.0.0.1", 4600, tmp_path / "alone", tmp_path)
    first = lifecycle.host_image(plain)
    assert (first.changed, first.image) == (True, image.name(plain))
    assert not lifecycle.host_image(plain).changed
    assert plain.containers_conf.exists()
    assert not plain.hosts_file.exists()


@pytest.mark.usefixtures("programs")
def test_cleaning_removes_data_and_images(settings: Settings) -> None:
    provision.provide(settings)
    (settings.state_dir / ".made-by-local-cloud").touch()
    assert len(lifecycle.clean(settings).notes) == 3
    assert not settings.state_dir.exists()
    assert not lifecycle.clean(settings).changed


@pytest.mark.usefixtures("programs")
def test_packages_come_from_where_this_machine_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "KEYRING", Path("/nowhere"))
    assert image.sources() == [
        "deb http://mirror/debian/ bookworm main",
        "deb http://mirror/security/ bookworm-security main",
    ]
    assert image.apt_settings() == ['Acquire::http::Proxy "http://proxy";']
    monkeypatch.setenv("PATH", "/nowhere")
    image.sources.cache_clear()
    assert image.sources() == image.apt_settings() == []


@pytest.mark.parametrize(
    ("bounding", "unified", "expected"),
    [
        ("000001ffffffffff", True, ""),
        ("000001ffffffffff", False, '[engine]\nruntime = "runc"\n'),
        ("000001fffeffffff", True, "[containers]\ndefault_ulimits = []\n"),
        (
            "000001fffeffffff",
            False,
            '[containers]\ndefault_ulimits = []\n[engine]\nruntime = "runc"\n',
        ),
    ],
)
def test_podman_is_told_only_what_this_machine_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounding: str, unified: bool, expected: str
) -> None:
    (tmp_path / "status").write_text(f"Name:\tpython\nCapBnd:\t{bounding}\n")
    monkeypatch.setattr(machine, "STATUS_FILE", tmp_path / "status")
    monkeypatch.setattr(machine, "CGROUP_V2_FILE", tmp_path if unified else tmp_path / "none")
    assert machine.containers_conf() == expected


def test_settings_of_podman_are_given_where_there_are_any(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(machine, "containers_conf", lambda: "")
    podman.configure(settings)
    assert podman.command(settings, ["ps"]) == ["podman", "ps"]
    monkeypatch.setattr(machine, "containers_conf", lambda: "[engine]\n")
    podman.configure(settings)
    given = f"CONTAINERS_CONF={settings.containers_conf}"
    assert podman.command(settings, ["ps"]) == ["env", given, "podman", "ps"]


@pytest.mark.usefixtures("programs")
def test_another_user_than_root_needs_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    assert machine.as_root(["podman"]) == ["sudo", "--non-interactive", "--", "podman"]
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LocalCloudError, match="install sudo, or be root"):
        machine.as_root(["podman"])


def test_authorities_of_this_machine_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "OWN_CERTIFICATES", tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(machine.DEBIAN_CERTIFICATES))
    assert machine.certificates() == {}
    (tmp_path / "office").mkdir()
    (tmp_path / "office/root.crt").write_bytes(b"office")
    (tmp_path / "chosen.pem").write_bytes(b"chosen")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "chosen.pem"))
    assert machine.certificates() == {"office-root.crt": b"office", "ssl-cert-file.crt": b"chosen"}


@pytest.mark.usefixtures("programs")
def test_interfaces_overlap_where_either_holds_the_other() -> None:
    assert machine.overlapping_interface(ipaddress.IPv4Network("10.99.200.0/24")) == "wide0"
    assert machine.overlapping_interface(ipaddress.IPv4Network("10.98.0.0/15")) == "wide0"
    assert machine.overlapping_interface(ipaddress.IPv4Network("10.100.0.0/24")) is None


def _images(*descriptions: str) -> dict[str, object]:
    return {
        "Images": [
            {"ImageId": f"ami-{number}", "Description": description}
            for number, description in enumerate(descriptions)
        ]
    }


QUESTION = {
    "Owners": ["000000000000"],
    "Filters": [{"Name": "name", "Values": ["debian-12-local"]}],
}


def test_an_image_is_registered_once_and_in_place_of_an_older_one() -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    with Stubber(ec2) as stubbed:
        stubbed.add_response("describe_images", _images("new"), QUESTION)
        assert not registration.register(ec2, "new")
        stubbed.add_response("describe_images", _images("old"), QUESTION)
        stubbed.add_response("deregister_image", {}, {"ImageId": "ami-0"})
        stubbed.add_response("register_image", {"ImageId": "ami-1"})
        assert registration.register(ec2, "new")
        stubbed.assert_no_pending_responses()


def _instance(name: str, state: str) -> dict[str, object]:
    tags = [{"Key": "Name", "Value": name}] if name else []
    return {"State": {"Name": state}, "Tags": tags}


def test_hosts_that_ended_are_lost_unless_they_run_again() -> None:
    ec2 = boto3.client("ec2", region_name="us-east-1")
    instances = [
        _instance("b", "terminated"),
        _instance("a", "terminated"),
        _instance("again", "terminated"),
        _instance("again", "running"),
        _instance("", "terminated"),
    ]
    with Stubber(ec2) as stubbed:
        stubbed.add_response("describe_instances", {"Reservations": [{"Instances": instances}]})
        assert registration.lost_hosts(ec2) == ["a", "b"]


@pytest.mark.usefixtures("programs")
def test_lost_hosts_are_remembered_until_somebody_is_told(settings: Settings) -> None:
    answers = settings.state_dir / "answer"
    settings.python.parent.mkdir(parents=True)
    settings.python.write_text(f"#!/bin/sh\n/bin/cat {answers}\n")
    settings.python.chmod(0o755)
    for lost in (["b"], [], ["a"]):
        answers.write_text(json.dumps({"registered": True, "lost": lost}))
        assert provision.register(settings)
    assert provision.lost_hosts(settings) == ["a", "b"]


@pytest.mark.usefixtures("programs")
def test_a_refused_registration_is_an_error(settings: Settings) -> None:
    settings.python.parent.mkdir(parents=True)
    settings.python.write_text("#!/bin/sh\necho refused >&2\nexit 1\n")
    settings.python.chmod(0o755)
    with pytest.raises(LocalCloudError, match="was not registered: refused"):
        provision.register(settings)
