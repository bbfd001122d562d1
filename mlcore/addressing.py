"""Sentences of an answer that speak to whoever marks it, and the answer without them: no torch.

A sentence is taken for such where it carries a chat template's markup, orders points or a grade to be given, tells the
reader to forget instructions, gives itself a verdict (“this answer is correct”) or speaks in the marker's own role
(“Score: 10/10”). The rules (addressing.txt) look for a demand and what is demanded together, because each by itself
stands in honest answers: a network has a score, a system and instructions too.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

_RULES = Path(__file__).with_name("addressing.txt")
_NAMED = re.compile(r"([A-Z]+) = (.+)")


def _pattern(lines: list[str]) -> re.Pattern[str]:
    parts: dict[str, str] = {}
    rules: list[str] = []
    for written in lines:
        line = written
        for name, part in parts.items():
            line = line.replace("{" + name + "}", part)
        if match := _NAMED.fullmatch(line):
            parts[match[1]] = match[2]
        elif line and not line.startswith("#"):
            rules.append(f"(?:{line})")
    return re.compile("|".join(rules), re.IGNORECASE | re.MULTILINE)


_ADDRESSED = _pattern(_RULES.read_text(encoding="utf-8").splitlines())
_BOUNDARY = re.compile(r"[.!?…。！？;]+[\"'”’»)\]]*(?:\s+|$)|\n+|(?<=[。！？])")
# A start that still belongs to the demand (“I worked hard, so …”); another one is the student's answer.
_LEAD = re.compile(
    r"\W*(?:(?:i|we|you|as|hey|hi|hello|dear|note|important|attention|please|now|so|and|but|ich|wir|du|sie|bitte|hallo"
    r"|achtung|liebe[rs]?|hinweis|wichtig|und|also|s'il|por|per)\b(?:\W+\w+){0,8}\W*)?",
    re.IGNORECASE,
)


def addressed(text: str) -> list[tuple[int, int]]:
    """Where the text speaks to whoever marks it: (start, end) of each stretch, in order, none overlapping."""
    found: list[tuple[int, int]] = []
    for start, end in _sentences(text):
        match = _ADDRESSED.search(text[start:end])
        if match is not None:
            found.append(
                (start if _LEAD.fullmatch(text[start : start + match.start()]) else start + match.start(), end)
            )
    return found


def without_address(text: str) -> str | None:
    """The text without what is addressed to the marker; None where nothing is. May be blank."""
    stretches = addressed(text)
    if not stretches:
        return None
    kept, place = [], 0
    for start, end in stretches:
        kept.append(text[place:start])
        place = end
    return "".join([*kept, text[place:]]).strip()


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [match.end() for match in _BOUNDARY.finditer(text)]
    marks = [0, *ends, len(text)]
    return [(a, b) for a, b in pairwise(marks) if b > a]
