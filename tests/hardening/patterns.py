"""Every regular expression of the site, and strings that are made to be slow for it.

Patterns are found, not listed: compiled ones in the modules (in containers and classes too), and what is handed to a
function of `re` in their source. What is slow for one is made from its own pieces: each repeated part is pumped behind
what has to stand before it, then the match is spoiled.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

PACKAGES = ("courses", "grading", "gradingsite", "mlcore")
# Of mlcore, what is not pure is trained or measured with, but for the engine's own words.
_SKIPPED = re.compile(r"\.(migrations|management)\b|^mlcore\.(bench|cli|starter|recipes)\b|__main__|\.(celery|wsgi)$")
_FUNCTIONS = {"compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer"}
_SPOILERS = ("\x00", "a")
_SHORT = 12  # how often a part is repeated in what is itself repeated


@dataclass(frozen=True)
class Found:
    """A pattern and where it stands."""

    where: str
    pattern: re.Pattern[str]


def modules() -> Iterator[ModuleType]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for entry in pkgutil.walk_packages(package.__path__, f"{name}."):
            if not _SKIPPED.search(entry.name):
                yield importlib.import_module(entry.name)


def every_pattern() -> list[Found]:
    found: dict[tuple[str, int], Found] = {}
    for module in modules():
        for name, value in vars(module).items():
            if getattr(value, "__module__", module.__name__) == module.__name__ or not isinstance(value, type):
                for pattern in _inside(value, depth=4):
                    key = (pattern.pattern, pattern.flags)
                    found.setdefault(key, Found(f"{module.__name__}.{name}", pattern))
        for line, pattern in _written(module):
            found.setdefault((pattern.pattern, pattern.flags), Found(f"{module.__name__}:{line}", pattern))
    return list(found.values())


def _inside(value: Any, depth: int) -> Iterator[re.Pattern[str]]:
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif depth and isinstance(value, dict):
        for item in [*value.keys(), *value.values()]:
            yield from _inside(item, depth - 1)
    elif depth and isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _inside(item, depth - 1)
    elif depth and isinstance(value, type):
        for item in vars(value).values():
            yield from _inside(item, depth - 1)


def _written(module: ModuleType) -> Iterator[tuple[int, re.Pattern[str]]]:
    """Patterns that are written out in calls of `re`, inside of functions too. What is put together when a module is
    loaded is found in it as it then is."""
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    inside = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        if getattr(node.func.value, "id", "") != "re" or node.func.attr not in _FUNCTIONS:
            continue
        written = _constant(node.args[0])
        if written is not None and (isinstance(node.args[0], ast.Constant) or id(node) in inside):
            yield node.lineno, re.compile(written, _flags(node))


def _constant(node: ast.expr) -> str | None:
    """The text of a pattern; what is put into an f-string stands as a word."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "word" for part in node.values]
        text = "".join(map(str, parts))
        return re.sub(r"\{word", "{3", text)
    return None


def _flags(call: ast.Call) -> int:
    names = {node.attr for argument in [*call.args[1:], *(k.value for k in call.keywords)] for node in ast.walk(argument)
             if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "re"}  # fmt: skip
    return sum(getattr(re, name) for name in names if name.isupper())


@dataclass(frozen=True)
class Attack:
    """A string of any length: a part pumped behind what has to stand before it, once or over and over, and spoiled."""

    before: str
    body: str
    spoiler: str
    each: int  # how often the part stands before everything begins again; 0: it never does

    def text(self, length: int) -> str:
        if not self.each:
            return self.before + self.body * ((length - len(self.before)) // len(self.body)) + self.spoiler
        unit = self.before + self.body * self.each
        return unit * (length // len(unit)) + self.spoiler


def attacks(pattern: re.Pattern[str]) -> list[Attack]:
    """What leans towards making this pattern slow."""
    pumps = dict.fromkeys(_pumps(pattern))
    return [Attack(*pump, spoiler, each) for pump in pumps for spoiler in _SPOILERS for each in (0, 1, _SHORT)]


def _pumps(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """What stands before a part that may be repeated, and the part."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    yield "", "a"
    yield "", " "
    yield from _walk(tree, "")


def _walk(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    said = before
    for code, value in tree:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            for sample in dict.fromkeys((_sample(value[2]), _sample(value[2], last=True))):
                yield said, sample or "a"
                yield "", sample or "a"
            yield from _walk(value[2], said)
        for inner in _children(code, value):
            yield from _walk(inner, said)
        said += _sample([(code, value)])
    if said != before:
        yield before, said.removeprefix(before)


def _children(code: Any, value: Any) -> list[Any]:
    if code is codes.BRANCH:
        return list(value[1])
    if code is codes.SUBPATTERN:
        return [value[-1]]
    if code is codes.ATOMIC_GROUP:
        return [value]
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [value[1]]
    return []


def _sample(tree: Any, *, last: bool = False) -> str:
    """One string that the tree lets through, roughly: the first (or last) of every choice."""
    said = ""
    for code, value in tree:
        if code is codes.LITERAL:
            said += chr(value)
        elif code is codes.NOT_LITERAL:
            said += "a" if value != ord("a") else "b"
        elif code is codes.ANY:
            said += "a"
        elif code is codes.IN:
            said += _member(value, last)
        elif code is codes.BRANCH:
            said += _sample(value[1][-1 if last else 0], last=last)
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            said += _sample(value[2], last=last) * max(1 if value[1] else 0, value[0])
        elif code is codes.SUBPATTERN:
            said += _sample(value[-1], last=last)
        elif code is codes.ATOMIC_GROUP:
            said += _sample(value, last=last)
    return said


_CLASSES = {codes.CATEGORY_SPACE: " \n", codes.CATEGORY_WORD: "ab", codes.CATEGORY_DIGIT: "19",
            codes.CATEGORY_NOT_WORD: "!-", codes.CATEGORY_NOT_SPACE: "a.", codes.CATEGORY_NOT_DIGIT: "a "}  # fmt: skip


def _member(choices: Any, last: bool) -> str:
    place = -1 if last else 0
    if choices[0][0] is codes.NEGATE:
        allowed = re.compile("[^" + "".join(_written_out(choice) for choice in choices[1:]) + "]")
        return next((c for c in ("~a" if last else "a !~1\n-") if allowed.match(c)), "é")
    code, value = choices[place]
    if code is codes.RANGE:
        return chr(value[place])
    return chr(value) if code is codes.LITERAL else _CLASSES[value][place]


def _written_out(choice: Any) -> str:
    code, value = choice
    if code is codes.RANGE:
        return f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}"
    if code is codes.LITERAL:
        return re.escape(chr(value))
    names = {codes.CATEGORY_SPACE: r"\s", codes.CATEGORY_WORD: r"\w", codes.CATEGORY_DIGIT: r"\d",
             codes.CATEGORY_NOT_WORD: r"\W", codes.CATEGORY_NOT_SPACE: r"\S", codes.CATEGORY_NOT_DIGIT: r"\D"}  # fmt: skip
    return names[value]
