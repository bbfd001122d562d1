"""docs/asvs.md answers for every requirement of levels 1 and 2 once, and names no test that is not there."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "asvs.md"
# OWASP ASVS 5.0.0. What is not in these lists is of level 3.
LEVEL_1 = """
    1.2.1-5 1.3.1-2 1.5.1 2.1.1 2.2.1-2 2.3.1 3.2.1-2 3.3.1 3.4.1-2 3.5.1-3 4.1.1 4.4.1 5.2.1-2 5.3.1-2 6.1.1 6.2.1-8
    6.3.1-2 6.4.1-2 7.2.1-4 7.4.1-2 8.1.1 8.2.1-2 8.3.1 9.1.1-3 9.2.1 10.4.1-5 11.3.1-2 11.4.1 12.1.1 12.2.1-2 13.4.1
    14.2.1 14.3.1 15.1.1 15.2.1 15.3.1
"""
LEVEL_2 = """
    1.1.1-2 1.2.6-9 1.3.3-11 1.4.1-3 1.5.2 2.1.2-3 2.2.3 2.3.2-4 2.4.1 3.3.2-4 3.4.3-6 3.5.4-5 3.7.1-2 4.1.2-3 4.2.1
    4.3.1-2 4.4.2-4 5.1.1 5.2.3 5.4.1-3 6.1.2-3 6.2.9-12 6.3.3-4 6.4.3-4 6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.3.1-2 7.4.3-5
    7.5.1-2 7.6.1-2 8.1.2 8.2.3 8.4.1 9.2.2-4 10.1.1-2 10.2.1-2 10.3.1-4 10.4.6-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2
    11.2.1-3 11.3.3 11.4.2-4 11.5.1 11.6.1 12.1.2-3 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.2-5 14.1.1-2 14.2.2-4
    14.3.2-3 15.1.2-3 15.2.2-3 15.3.2-7 16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4 17.3.1-2
"""
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`((?:\w+/)*test_\w+\.py)(?:::(\w+))?`")
STATES = ("met", "not applicable", "**not met**")


def numbers(ranges: str) -> set[str]:
    """“6.2.1-3” is 6.2.1, 6.2.2 and 6.2.3."""
    found = set()
    for each in ranges.split():
        section, _, items = each.rpartition(".")
        first, _, last = items.partition("-")
        found |= {f"{section}.{item}" for item in range(int(first), int(last or first) + 1)}
    return found


@pytest.fixture(scope="module")
def rows() -> list[tuple[str, str, str, str, str]]:
    return ROW.findall(PAGE.read_text(encoding="utf-8"))


def test_the_lists_are_as_long_as_the_standards() -> None:
    assert (len(numbers(LEVEL_1)), len(numbers(LEVEL_2))) == (70, 183)


def test_every_requirement_stands_there_once_with_its_level(rows: list[tuple[str, ...]]) -> None:
    expected = [(item, "1") for item in numbers(LEVEL_1)] + [(item, "2") for item in numbers(LEVEL_2)]
    assert sorted(row[:2] for row in rows) == sorted(expected)


def test_every_line_of_the_tables_is_read(rows: list[tuple[str, ...]]) -> None:
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if re.match(r"\| *\d", line)]
    assert len(lines) == len(rows)


def test_every_row_has_a_status_and_a_test_or_a_reason(rows: list[tuple[str, ...]]) -> None:
    for item, _level, _short, status, why in rows:
        assert status in STATES, item
        assert len(why.strip()) > 5, item


def test_the_sums_are_right_here_and_on_the_page_that_leads_here(rows: list[tuple[str, ...]]) -> None:
    counts = Counter(row[3] for row in rows)
    met, other, missing = (counts[state] for state in STATES)
    line = f"{len(rows)} requirements: {met} met, {other} not applicable, {missing} not met."
    assert line in PAGE.read_text(encoding="utf-8")
    security = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert f"all {len(rows)} requirements of levels 1 and 2: [asvs.md](asvs.md). {missing} are not met." in security


def test_every_test_that_is_named_is_there(rows: list[tuple[str, ...]]) -> None:
    named = {found for row in rows for found in TEST.findall(row[4])}
    assert len(named) > 100
    for file, function in sorted(named):
        path = ROOT / "tests" / file
        assert path.is_file(), file
        assert not function or f"def {function}(" in path.read_text(encoding="utf-8"), f"{file}::{function}"


def test_every_heading_that_is_linked_is_there(rows: list[tuple[str, ...]]) -> None:
    for file, anchor in {found for row in rows for found in re.findall(r"\]\((\w+\.md)(?:#([\w-]+))?\)", row[4])}:
        text = (ROOT / "docs" / file).read_text(encoding="utf-8")
        heads = {
            re.sub(r"[^\w\- ]", "", head).strip().lower().replace(" ", "-")
            for head in re.findall(r"^#+ (.+)$", text, re.M)
        }
        assert not anchor or anchor in heads, f"{file}#{anchor}"
