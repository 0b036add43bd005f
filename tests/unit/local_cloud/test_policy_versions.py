"""Another version of a managed policy counts once it is said to."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import policy_versions

ARN = "arn:aws:iam::000000000000:policy/shop"


class Iam(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("iam")
        self._IAM_HANDLERS: Any = {}
        self._policies: Any = {
            ARN: {
                "DefaultVersionId": "v1",
                "Versions": {
                    "v1": {"VersionId": "v1", "IsDefaultVersion": True},
                    "v2": {"VersionId": "v2", "IsDefaultVersion": False},
                },
            }
        }
        self._p: Any = lambda params, key, default="": params.get(key, default)
        self._xml: Any = self._answer
        self._error: Any = self._refuse

    def _answer(self, status: int, root_tag: str, inner: str, ns: str = "iam") -> Any:
        return status, root_tag, inner, ns

    def _refuse(self, status: int, code: str, message: str, ns: str = "iam") -> Any:
        return status, code, message, ns


def set_default(iam: Iam, arn: str, version: str) -> Any:
    """Have a version count."""
    policy_versions.patch(iam)
    return iam._IAM_HANDLERS["SetDefaultPolicyVersion"]({"PolicyArn": arn, "VersionId": version})


def test_the_version_counts_and_the_one_before_it_does_not() -> None:
    iam = Iam()
    assert set_default(iam, ARN, "v2")[0] == 200
    policy = iam._policies[ARN]
    assert policy["DefaultVersionId"] == "v2"
    counting = {name: each["IsDefaultVersion"] for name, each in policy["Versions"].items()}
    assert counting == {"v1": False, "v2": True}


@pytest.mark.parametrize(("arn", "version"), [(ARN, "v3"), (f"{ARN}-2", "v1")])
def test_what_is_not_there_is_refused(arn: str, version: str) -> None:
    iam = Iam()
    assert set_default(iam, arn, version)[:2] == (404, "NoSuchEntity")
    assert iam._policies[ARN]["DefaultVersionId"] == "v1"


@pytest.mark.parametrize("name", ["_p", "_xml", "_error", "_IAM_HANDLERS", "_policies"])
def test_a_part_that_has_moved_is_an_error(name: str) -> None:
    iam = Iam()
    setattr(iam, name, None)
    with pytest.raises(LocalCloudError, match=f"{name}.* has moved"):
        policy_versions.patch(iam)
