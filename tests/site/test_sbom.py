"""The bill of materials names every installed library with its version, and nothing twice."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_it_names_what_is_installed_and_what_needs_what() -> None:
    command = [sys.executable, "-m", "gradingsite.sbom"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout
    found = json.loads(told)
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    parts = {row["name"].lower(): row for row in found["components"]}
    assert len(parts) == len(found["components"])
    for name in ("django", "celery", "django-allauth"):
        assert parts[name]["version"] == version(name)
        assert parts[name]["purl"] == f"pkg:pypi/{name}@{version(name)}"
    refs = [row["bom-ref"] for row in found["components"]]
    needs = {row["ref"]: row["dependsOn"] for row in found["dependencies"]}
    assert sorted(needs) == refs
    assert f"pkg:pypi/sqlparse@{version('sqlparse')}" in needs[parts["django"]["purl"]]
    assert str(ROOT) not in told


def test_what_the_constraints_pin_and_is_installed_is_in_it_with_that_version() -> None:
    from importlib.metadata import distributions

    from gradingsite.sbom import bill

    rows = bill([part for part in distributions() if part.metadata["Name"]])["components"]
    # torch names the card's libraries behind a plus.
    there = {row["purl"].partition("@")[0]: row["version"].partition("+")[0] for row in rows}
    pins = re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", (ROOT / "constraints.txt").read_text(encoding="utf-8"))
    plain = {f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}": number for name, number in pins}
    assert len(set(plain) & set(there)) > 50
    assert {name: there[name] for name in plain if name in there and there[name] != plain[name]} == {}
