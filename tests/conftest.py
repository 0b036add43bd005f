"""Fixtures of every suite."""

from __future__ import annotations

import os
from pathlib import Path

import ansible.module_utils
import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

ROOT = Path(__file__).resolve().parent.parent

# Ansible finds our module_utils by ansible.cfg; outside of Ansible this line does the same.
ansible.module_utils.__path__.append(str(ROOT / "module_utils"))
# Beside everything else that tests leave behind.
set_hypothesis_home_dir(ROOT / "build/cache/hypothesis")
# The same examples every time, however busy the machine.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
os.environ["TLDEXTRACT_CACHE"] = str(ROOT / "build/cache/tldextract")


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the repository's root folder."""
    return ROOT
