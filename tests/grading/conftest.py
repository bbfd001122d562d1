from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.grading.adapters import write_bare_adapter
from tests.mlcore.conftest import make_tiny_adapter, tiny_adapter, tiny_base

__all__ = ["make_tiny_adapter", "tiny_adapter", "tiny_base"]


@pytest.fixture(autouse=True)
def versions_dir(settings: Any, tmp_path: Path) -> Path:
    """Versions and training data of one test are gone with it."""
    settings.MARGINALIA_TRAINING_DIR = tmp_path / "training"
    settings.MARGINALIA_VERSIONS_DIR = tmp_path / "versions"
    return tmp_path / "versions"


@pytest.fixture
def adapter(versions_dir: Path) -> Path:
    """An adapter directory that is sound and small: enough for everything but marking."""
    return write_bare_adapter(versions_dir / "bare")
