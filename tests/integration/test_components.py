"""Every component by its own tag: check, apply, check, apply, and away twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cloud import emulator
from tests.deployment import Platform

if TYPE_CHECKING:
    from pathlib import Path

COMPONENTS = ["dynamodb", "storage", "alerts", "cognito", "data_upload", "seed_data"]
DESTROY = ["destroy.yml", "-e", "confirm=local", "-e", "delete_data=true"]


@pytest.mark.timeout(1800)  # seven plays for each component
def test_components_converge_and_go(tmp_path: Path) -> None:
    with emulator(tmp_path) as cloud:
        platform = Platform(cloud, tmp_path / "build")
        for component in COMPONENTS:
            deploy = ("site.yml", "--tags", component)
            assert platform.play(*deploy, "--check").changed > 0, component
            assert platform.play(*deploy).changed > 0, component
            assert platform.play(*deploy, "--check").changed == 0, component
            assert platform.play(*deploy).changed == 0, component
        for component in reversed(COMPONENTS):
            destroy = (*DESTROY, "--tags", component)
            assert platform.play(*destroy, "--check").changed > 0, component
            assert platform.play(*destroy).changed > 0, component
            assert platform.play(*destroy).changed == 0, component
