# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""The README's tables of the starter model, written anew from its manifest: `python docs/figures.py`.

With --check nothing is written; the status is 1 where the README says something else than the manifest.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlcore.manifest import card_markdown, read_manifest  # noqa: E402

README, STARTER = ROOT / "README.md", ROOT / "mlcore" / "starter"
BEGIN, END = "<!-- figures: written by docs/figures.py -->", "<!-- end of figures -->"
SECTION, NEXT = "## Figures\n", "\n## Weaknesses and limits"
LEAD = "What to know before trusting it:"


def main() -> int:
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{README.name} has lost its marks: {BEGIN} … {END}")
    renewed = f"{before}{BEGIN}\n\n{figures()}\n\n{END}{after}"
    if "--check" in sys.argv[1:]:
        return int(renewed != text)
    README.write_text(renewed, encoding="utf-8")
    return 0


def figures() -> str:
    """The card's tables and what it says of its weaknesses."""
    manifest = read_manifest(STARTER)
    tables = card_markdown(manifest).partition(SECTION)[2].partition(NEXT)[0].strip()
    weaknesses = "\n".join(f"- {line}" for line in manifest.weaknesses)
    return f"{tables}\n\n{LEAD}\n\n{weaknesses}" if weaknesses else tables


if __name__ == "__main__":
    raise SystemExit(main())
