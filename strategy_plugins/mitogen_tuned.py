"""mitogen's strategy `mitogen_linear`, but for two things.

It pins itself, and all that a deployment starts on this machine, to single processors. That suits a
controller with many. Here the local cloud, whose hosts and functions would have to share one, is
started so, and tests run deployments side by side. So the kernel chooses.

It forks an interpreter for each module with code outside of Ansible, since it does not unload that
code afterwards, and the fork imports everything anew. Ours is the same in all of a run and keeps no
state, so that modules with it share the interpreter that stays.
"""

from __future__ import annotations

import ansible_mitogen.affinity
from ansible_mitogen.planner import NewStylePlanner, Planner
from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule


def should_fork(planner: NewStylePlanner) -> bool:
    """Tell whether a task, or mitogen of its module, says that it needs its own interpreter."""
    task = planner._inv
    return (
        Planner.should_fork(planner)
        or task.task_vars.get("mitogen_task_isolation") == "fork"
        or task.module_name in planner.ALWAYS_FORK_MODULES
    )


# Its base class pins nothing.
ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()
NewStylePlanner.should_fork = should_fork

__all__ = ["StrategyModule"]
