#!/usr/bin/python
"""Restart or reload the services that run with an older configuration than that on the disk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: stale_services
short_description: Restart or reload services that run with an older configuration
version_added: "0.1.0"
description:
  - Restarts or reloads each service of systemd that is running, if a file that it reads changed
    since it read it, or if systemd itself has not read the service's present definition.
  - It goes by what the host says, not by what this run has changed. If a run is killed between the
    change of a file and the handler, no later one notifies the handler. This does what it would
    have done.
  - A service that is not running is left alone, for whoever starts it.
  - C(ansible.builtin.systemd_service) restarts always, or when it is told.
author:
  - Artificien
attributes:
  check_mode:
    support: full
    description: Reports what would be restarted or reloaded without doing it.
  diff_mode:
    support: full
    description: Returns the files that the services have not read before and after.
options:
  services:
    description:
      - The services, in the order in which they are dealt with.
      - One may be listed twice, to be restarted for some files and reloaded for others. If it has
        to be restarted it is not reloaded besides.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the unit, such as V(nginx) or V(backup.timer).
        type: str
        required: true
      files:
        description:
          - What it reads, as paths or patterns of the shell. What is not there counts for nothing.
          - Of a symbolic link the link itself counts, not what it points to. A folder has changed
            when something in it was added, replaced or removed.
        type: list
        elements: str
        required: true
      action:
        description: How it comes to read them.
        type: str
        choices: [restarted, reloaded]
        required: true
  manager_files:
    description: What systemd itself reads beside the definitions of units, as paths or patterns.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Restart what a run that was killed has not restarted
  stale_services:
    services:
      - name: nginx
        files: [/etc/systemd/system/nginx.service.d/*.conf]
        action: restarted
      - name: nginx
        files: [/etc/nginx/nginx.conf, /etc/nginx/sites, /etc/nginx/sites/*.conf]
        action: reloaded
    manager_files: [/etc/systemd/system.conf.d/*.conf]
"""

RETURN = r"""
services:
  description:
    - The services that were restarted or reloaded, or in check mode would be, with the files that
      they had not read.
    - systemd itself has the name V(systemd).
  returned: success
  type: list
  elements: dict
  sample:
    - name: nginx
      action: reloaded
      files: [/etc/nginx/nginx.conf]
"""

from typing import TYPE_CHECKING, Any

from ansible.module_utils.artificien.reconcile import Plan, ReconcileError, diff
from ansible.module_utils.artificien.services import (
    apply_services,
    plan_services,
    read_facts,
    read_matching,
    systemctl_of,
    uses_of,
)
from ansible.module_utils.basic import AnsibleModule

if TYPE_CHECKING:
    from ansible.module_utils.artificien.services import Systemctl

SERVICE = {
    "name": {"type": "str", "required": True},
    "files": {"type": "list", "elements": "str", "required": True},
    "action": {"type": "str", "choices": ["restarted", "reloaded"], "required": True},
}
ARGUMENT_SPEC = {
    "services": {"type": "list", "elements": "dict", "required": True, "options": SERVICE},
    "manager_files": {"type": "list", "elements": "str", "default": []},
}


def plans_of(systemctl: Systemctl, params: dict[str, Any]) -> list[Plan]:
    """Plan for the services that the options name, as the host is now."""
    patterns = {file for each in params["services"] for file in each["files"]}
    uses = uses_of(params, read_matching(patterns | set(params["manager_files"])))
    return plan_services(uses, read_facts(systemctl, uses))


def outcome(plans: list[Plan]) -> dict[str, Any]:
    """Return what the module reports of plans."""
    changing = [
        {
            "name": plan.name,
            "action": (plan.after or {})["action"],
            "files": (plan.before or {})["unread_files"],
        }
        for plan in plans
        if plan.changed
    ]
    return {"changed": bool(changing), "services": changing, "diff": diff(plans)}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    systemctl = systemctl_of(module)
    try:
        plans = plans_of(systemctl, module.params)
        if not module.check_mode:
            apply_services(systemctl, plans)
    except ReconcileError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**outcome(plans))


if __name__ == "__main__":
    main()
