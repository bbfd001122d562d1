"""Everything of others that this installation is made of, as a CycloneDX bill of materials (JSON), on standard output.

    python -m gradingsite.sbom > sbom.json

Taken from what is installed and not from what was asked for, so that it names what really runs.
"""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from typing import Any
from urllib.parse import quote
from uuid import uuid4


def bill(found: list[Distribution]) -> dict[str, Any]:
    parts = {part["bom-ref"]: part for part in map(_component, found)}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{uuid4()}",
        "version": 1,
        "metadata": {
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
            "component": {"type": "application", "name": "marginalia", "bom-ref": "marginalia"},
        },
        "components": [parts[ref] for ref in sorted(parts)],
        "dependencies": sorted((_needs(part, set(parts)) for part in found), key=lambda row: row["ref"]),
    }


def _component(part: Distribution) -> dict[str, Any]:
    ref = _ref(part)
    row: dict[str, Any] = {"type": "library", "bom-ref": ref, "name": _name(part), "version": part.version, "purl": ref}
    licence = next((part.metadata[key] for key in ("License-Expression", "License") if key in part.metadata), "")
    if licence and len(licence) < 100:  # some put the whole text there
        row["licenses"] = [{"license": {"name": " ".join(licence.split())}}]
    return row


def _needs(part: Distribution, known: set[str]) -> dict[str, Any]:
    """What it asks for without any extra, as far as that is installed."""
    by_name = {ref.removeprefix("pkg:pypi/").partition("@")[0]: ref for ref in known}
    asked = [line for line in part.requires or [] if "extra ==" not in line]
    names = (re.match(r"[\w.-]+", line) for line in asked)
    found = {by_name.get(_plain(name[0])) for name in names if name}
    return {"ref": _ref(part), "dependsOn": sorted(ref for ref in found if ref)}


def _ref(part: Distribution) -> str:
    return f"pkg:pypi/{_plain(_name(part))}@{quote(part.version)}"


def _name(part: Distribution) -> str:
    return str(part.metadata["Name"])


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    once = {_ref(part): part for part in distributions() if part.metadata["Name"]}
    json.dump(bill(list(once.values())), sys.stdout, indent=1)
    sys.stdout.write("\n")
