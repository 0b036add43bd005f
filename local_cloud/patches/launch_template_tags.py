"""Tags of launch templates, told as they are now."""

from types import ModuleType
from typing import Any

from local_cloud.patches.known import known, moved

_ACTION = "DescribeLaunchTemplates"

Parameters = dict[str, Any]


def patch(ec2: ModuleType) -> None:
    """Let DescribeLaunchTemplates tell the tags that DescribeTags tells.

    The emulator tells those that a launch template was made with, from a list in its record.
    DeleteTags puts another list in place of the one that DescribeTags reads, and a restart makes
    two of them: what changes from then on is not told.

    Args:
        ec2: the emulator's module ``ministack.services.ec2``.

    Raises:
        LocalCloudError: what would be mended is not what is known.
    """
    describe = known(ec2, "_describe_launch_templates", ["p"])
    templates: Any = getattr(ec2, "_launch_templates", None)
    tags: Any = getattr(ec2, "_tags", None)
    actions: Any = getattr(ec2, "_ACTION_MAP", None)
    if not hasattr(templates, "items") or not hasattr(tags, "get"):
        raise moved(f"{ec2.__name__}._launch_templates, _tags")
    if not isinstance(actions, dict) or _ACTION not in actions:
        raise moved(f"{ec2.__name__}._ACTION_MAP[{_ACTION!r}]")

    def describe_launch_templates(p: Parameters) -> Any:
        # Here, and not where tags change: records of a state that was stored follow as well.
        for template_id, template in templates.items():
            template["Tags"] = tags.get(template_id, [])
        return describe(p)

    actions[_ACTION] = describe_launch_templates
