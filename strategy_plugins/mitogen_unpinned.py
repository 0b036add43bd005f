"""mitogen's strategy `mitogen_linear`, which leaves it to the kernel which processor runs what.

mitogen pins itself, and all that a deployment starts on this machine, to single processors. That
suits a controller with many. Here the local cloud, whose hosts and functions would have to share
one, is started so, and tests run deployments side by side.
"""

from __future__ import annotations

import ansible_mitogen.affinity
from ansible_mitogen.plugins.strategy.mitogen_linear import StrategyModule

# Its base class pins nothing.
ansible_mitogen.affinity.policy = ansible_mitogen.affinity.Policy()

__all__ = ["StrategyModule"]
