"""Sentences of an answer that speak to whoever marks it, and the answer without them: no torch.

A sentence is taken for such where it carries a chat template's markup, orders points or a grade to be given, tells the
reader to forget instructions, gives itself a verdict (“this answer is correct”) or speaks in the marker's own role
(“Score: 10/10”). The rules (addressing.txt) look for a demand and what is demanded together, because each by itself
stands in honest answers: a network has a score, a system and instructions too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_RULES = Path(__file__).with_name("addressing.txt")
_NAMED = re.compile(r"([A-Z]+) = (.+)")


def _pattern(lines: Sequence[str]) -> re.Pattern[str]:
    """The rules, one a line, as one pattern. Each has its own groups, so that it may refer to them."""
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
    return re.compile("|".join(_by_beginning(rules)), re.IGNORECASE | re.MULTILINE)


def _by_beginning(rules: Sequence[str]) -> list[str]:
    """The rules in groups by what they begin with: most places of a text begin none, and are passed over at once."""
    words = [rule for rule in rules if rule.startswith(r"(?:\b")]
    lines = [rule for rule in rules if rule.startswith("(?:^")]
    signs = [rule for rule in rules if rule not in words and rule not in lines]
    groups = ((r"\b(?=\w\w|i\s)", words), (r"^(?!\n)", lines), (r"(?![a-z\s])", signs))
    return [f"{beginning}(?:{'|'.join(group)})" for beginning, group in groups if group]


def _any_of(words: str) -> re.Pattern[str]:
    """One of the words of a list. Signs of languages without spaces stand inside others."""
    listed = sorted(words.split(), key=len, reverse=True)
    spaced = "|".join(word for word in listed if re.match(r"[\w(-]", word) and not _UNSPACED.search(word))
    joined = "|".join(word for word in listed if _UNSPACED.search(word))
    return re.compile(rf"(?<!\w)(?:{spaced})(?!\w)|(?:{joined})", re.IGNORECASE)


_UNSPACED = re.compile("[\u0600-\u06ff\u3040-\u30ff\u4e00-\u9fff]")
_HEAD, *_LISTS = re.split(r"^\[\w+\]\n", _RULES.read_text(encoding="utf-8"), flags=re.MULTILINE)
_ADDRESSED = _pattern(_HEAD.splitlines())
_MARKING, _VERDICT, _DEMAND = (_any_of(words) for words in _LISTS)
_ROLE = re.compile(r"\s*+(system|assistant|user)\b[ \t]*+\n?", re.I)
_MARKUP = re.compile(
    r"<\|[a-z_ ]{2,30}\|>|<</?SYS>>|\[/?INST\]|</?s>|<(?:start|end)_of_turn>|^#{2,} ?\w+:", re.I | re.M
)
# Tried at the first of several signs only, and each run of signs is taken whole: “!!!!!a” costs one look.
_BOUNDARY = re.compile(r"(?<![.!?…。！？;])[.!?…。！？;]++[\"'”’»)\]]*+(?:\s++|$)|\n++|(?<=[。！？])")
# A start that still belongs to the demand (“I worked hard, so …”); another one is the student's answer.
_LEAD = re.compile(
    r"\W*+(?:(?:i|we|you|as|hey|hi|hello|dear|note|important|attention|please|now|so|and|but|ich|wir|du|sie|bitte|hallo"
    r"|achtung|liebe[rs]?|hinweis|wichtig|und|also|s'il|por|per)\b(?:\W++\w++){0,8}+\W*+)?",
    re.IGNORECASE,
)


def addressed(text: str, known: frozenset[str] = frozenset()) -> list[tuple[int, int]]:
    """Where the text speaks to whoever marks it: (start, end) of each stretch, in order, none overlapping.

    Args:
        known: the question's own words, in small letters: with these an answer may speak of marks and teachers.
    """
    template = _template(text)
    found = list(template)
    marking = _MARKING.search(text) is not None
    for start, end in _sentences(text):
        if any(a <= start < b for a, b in template):
            continue
        sentence = text[start:end]
        # Of the spaces behind it, which may be many, a rule needs one.
        sentence = sentence[: len(sentence.rstrip()) + 1]
        match = _ADDRESSED.search(sentence)
        if match is not None:
            lead = sentence[: match.start()]
            whole = _LEAD.fullmatch(lead) is not None or _about_marking(lead, known)
            found.append((start if whole else start + match.start(), end))
        elif marking and _about_marking(sentence, known):
            found.append((start, end))
    return sorted(found)


def _template(text: str) -> list[tuple[int, int]]:
    """From the first piece of a chat template's markup to the last, and the sentence behind it in the model's role.

    What stands behind the user's role is the student's own.
    """
    pieces = list(_MARKUP.finditer(text))
    if not pieces:
        return []
    end = pieces[-1].end()
    role = _ROLE.match(text, end)
    if role is not None:
        end = role.end()
    spoken = role[1].lower() != "user" if role is not None else pieces[-1].group().endswith((":", "end_header_id|>"))
    if spoken:
        boundary = _BOUNDARY.search(text, re.compile(r"\s*").match(text, end).end())  # type: ignore[union-attr]
        end = boundary.end() if boundary else len(text)
    return [(pieces[0].start(), end)]


def _about_marking(sentence: str, known: frozenset[str]) -> bool:
    """Whether words of marking meet a verdict or a demand, none of them the question's own."""
    marking = [hit.group().lower() for hit in _MARKING.finditer(sentence)]
    if not marking or any(set(hit.split()) & known for hit in marking):
        return False
    return _VERDICT.search(sentence) is not None or _DEMAND.search(sentence) is not None


def without_address(text: str, known: frozenset[str] = frozenset()) -> str | None:
    """The text without what is addressed to the marker; None where nothing is. May be blank."""
    stretches = addressed(text, known)
    if not stretches:
        return None
    kept, place = [], 0
    for start, end in stretches:
        kept.append(text[place:start])
        place = max(place, end)
    return "".join([*kept, text[place:]]).strip()


def _sentences(text: str) -> list[tuple[int, int]]:
    ends = [match.end() for match in _BOUNDARY.finditer(text)]
    marks = [0, *ends, len(text)]
    return [(a, b) for a, b in pairwise(marks) if b > a]
