"""Names, addresses and numbers taken out of texts that leave the school.

What is known is looked for in every spelling that people use: the names of a course's people with and without umlauts
and accents, in any case, their e-mail addresses, user names and numbers. What is obvious is taken out whoever it
belongs to: e-mail addresses, links, handles, telephone numbers, streets with a number. A nickname is neither.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Letters and digits, but not the underscore: a name may stand in “Ada_Brandt”.
_BEFORE, _AFTER = r"(?<![^\W_])", r"(?![^\W_])"
_GERMAN = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
_STREETS = (
    r"(?:\w+(?:straße|strasse|str\.|weg|platz|gasse|allee|ufer)|\w+ (?:Straße|Strasse|Weg|Platz|Allee))"
    r" \d{1,4}\s?[a-z]?"
)
_ENGLISH_STREETS = r"\d{1,4}[a-z]? (?:[A-Z]\w+ ){1,3}(?:Street|Road|Avenue|Lane|Drive|Close|Square)"
_OBVIOUS = (
    (r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", "[e-mail]", re.I),
    (r"(?:https?://|www\.)\S+", "[link]", re.I),
    (r"(?<!\w)@\w{3,}", "[name]", 0),
    (r"(?:\+|\b00)\d(?:[ ()/.-]{0,2}\d){7,}|\b0\d{2,5}[ /-]\d(?:[ -]?\d){3,}", "[phone]", 0),
    (rf"\b(?:{_STREETS}|{_ENGLISH_STREETS})(?!\w)", "[address]", 0),
)
_SHORTEST_NAME = 2
_SHORTEST_NUMBER = 4


@dataclass(frozen=True)
class Person:
    """What is known of one of a course's people."""

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    username: str = ""
    numbers: tuple[str, ...] = ()


class Scrubber:
    """Takes the people it was made with out of texts."""

    def __init__(self, people: Iterable[Person]) -> None:
        people = list(people)
        names = {name for person in people for name in _names(person)}
        numbers = {number for person in people for number in _numbers(person)} - names
        self._known = [
            (pattern, mark)
            for pattern, mark in ((_any_of(names, "(?:['’]?s)?"), "[name]"), (_any_of(numbers), "[number]"))
            if pattern is not None
        ]

    def __call__(self, text: str) -> str:
        text = _visible(text)
        for pattern, mark, flags in _OBVIOUS:
            text = re.sub(pattern, mark, text, flags=flags)
        for known, mark in self._known:
            text = known.sub(mark, text)
        return text


def _visible(text: str) -> str:
    """Without characters that nobody sees but that would split a name, and with accents in one piece."""
    seen = (char for char in unicodedata.normalize("NFC", text) if unicodedata.category(char) != "Cf")
    return unicodedata.normalize("NFC", "".join(seen))


def _names(person: Person) -> Iterator[str]:
    local = person.email.partition("@")[0]
    wholes = (person.first_name, person.last_name, person.username.partition("@")[0], local)
    for whole in wholes:
        for name in (whole, *re.split(r"[\W_\d]+", whole)):
            if len(name) >= _SHORTEST_NAME and not name.isdigit():
                yield from _spellings(name)


def _spellings(name: str) -> set[str]:
    name = _visible(name).lower()
    bare = "".join(char for char in unicodedata.normalize("NFD", name) if not unicodedata.combining(char))
    return {name, name.translate(_GERMAN), bare, bare.replace("ß", "ss")}


def _numbers(person: Person) -> Iterator[str]:
    for text in (person.username, person.email):
        yield from re.findall(rf"\d{{{_SHORTEST_NUMBER},}}", text)
    yield from (number for number in person.numbers if len(number) >= _SHORTEST_NUMBER)


def _any_of(words: Iterable[str], ending: str = "") -> re.Pattern[str] | None:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    if not longest_first:
        return None
    return re.compile(f"{_BEFORE}(?:{'|'.join(map(re.escape, longest_first))}){ending}{_AFTER}", re.I)
