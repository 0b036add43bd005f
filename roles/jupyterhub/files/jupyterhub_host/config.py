"""What the host's code knows about its host: ``host.json``, a section for each module."""

import json
import os
from pathlib import Path
from typing import Any


def section(name: str) -> dict[str, Any]:
    """The settings of a module.

    Args:
        name: Of the section, which is that of the module.
    """
    content: dict[str, dict[str, Any]] = json.loads(
        Path(os.environ["JUPYTERHUB_HOST_CONFIG"]).read_text()
    )
    return content[name]
