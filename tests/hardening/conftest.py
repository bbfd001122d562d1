"""Places that must be as empty after an input as before it, and the closing line of a long run."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.hardening.tally import FUZZ, TALLY


@pytest.fixture
def scratch(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files of this process go during the test."""
    place = tmp_path / "scratch"
    place.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR = str(place)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def pytest_sessionfinish(session: pytest.Session) -> None:
    if FUZZ and (TALLY.errors or TALLY.hangs or TALLY.left):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if FUZZ:
        for found in [*TALLY.errors, *TALLY.hangs, *TALLY.left][:40]:
            terminalreporter.write_line(found)
        terminalreporter.write_line(TALLY.line())
