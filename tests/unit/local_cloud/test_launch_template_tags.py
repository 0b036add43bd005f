"""A launch template tells the tags that it has, not those that it was made with."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from local_cloud.errors import LocalCloudError
from local_cloud.patches import launch_template_tags

MADE_WITH = [{"Key": "owner", "Value": "ada"}]


class Ec2(ModuleType):
    """Stands in for the emulator's module, which this environment does not have."""

    def __init__(self) -> None:
        super().__init__("ec2")
        self._launch_templates: Any = {"lt-1": {"Tags": MADE_WITH}, "lt-2": {}}
        self._tags: Any = {"lt-1": MADE_WITH, "i-1": MADE_WITH}
        self._describe_launch_templates: Any = self._describe
        self._ACTION_MAP: Any = {"DescribeLaunchTemplates": self._describe}

    def told(self, *ids: str) -> Any:
        """Return the tags that are told of launch templates."""
        return self._ACTION_MAP["DescribeLaunchTemplates"]({"ids": ids})

    def _describe(self, p: Any) -> Any:
        found = {name: self._launch_templates[name] for name in p["ids"]}
        return {name: each.get("Tags", self._tags.get(name, [])) for name, each in found.items()}


@pytest.mark.parametrize(
    "tags", [MADE_WITH, [], [{"Key": "owner", "Value": "bob"}, {"Key": "stage", "Value": "test"}]]
)
def test_tags_are_told_as_they_are(tags: list[dict[str, str]]) -> None:
    ec2 = Ec2()
    launch_template_tags.patch(ec2)
    for template_id in ("lt-1", "lt-2"):
        ec2._tags[template_id] = tags
        assert ec2.told(template_id) == {template_id: tags}


def test_tags_go_on_being_told_as_they_change() -> None:
    ec2 = Ec2()
    launch_template_tags.patch(ec2)
    assert ec2.told("lt-1", "lt-2") == {"lt-1": MADE_WITH, "lt-2": []}
    ec2._tags["lt-2"] = ec2._tags.pop("lt-1")
    assert ec2.told("lt-1", "lt-2") == {"lt-1": [], "lt-2": MADE_WITH}


@pytest.mark.parametrize(
    "name", ["_describe_launch_templates", "_launch_templates", "_tags", "_ACTION_MAP"]
)
def test_a_part_that_has_moved_is_an_error(name: str) -> None:
    ec2 = Ec2()
    setattr(ec2, name, None)
    with pytest.raises(LocalCloudError, match=f"{name}.* has moved"):
        launch_template_tags.patch(ec2)


def test_an_action_that_is_not_there_is_an_error() -> None:
    ec2 = Ec2()
    ec2._ACTION_MAP.clear()
    with pytest.raises(LocalCloudError, match=r"DescribeLaunchTemplates.* has moved"):
        launch_template_tags.patch(ec2)
