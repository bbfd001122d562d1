"""A few faults on a whole site under load; `make faults FAULTS=200 SEED=1` does it for longer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.harness import servers

pytestmark = [
    pytest.mark.faults,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(bool(servers.missing()), reason=servers.missing() or "all is there"),
]

ROOT = Path(__file__).resolve().parents[2]
KINDS = "worker killed in a transaction,Redis flushed,PostgreSQL stopped at once,message sent twice"


def test_a_few_faults_lose_nothing_double_nothing_and_show_nothing_early() -> None:
    command = [sys.executable, "-m", "tests.faults.harness", "--faults", "4", "--kinds", KINDS]
    command += ["--warm-up", "5", "--lease", "4", "--gap", "0.5"]
    # Neither the settings nor the database of the other tests.
    environment = {name: value for name, value in os.environ.items() if name not in _OF_THE_TESTS}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^4 faults, 0 lost, 0 doubled, 0 leaked$", done.stdout, re.M)
    accepted = re.search(r"answers accepted (\d+)", done.stdout)
    assert accepted is not None
    assert int(accepted[1]) > 0, "nothing was asked of the site"


_OF_THE_TESTS = {"DJANGO_SETTINGS_MODULE", "MARGINALIA_VAR", "DATABASE_URL", "REDIS_URL", "METRICS_FLUSH_SECONDS"}
