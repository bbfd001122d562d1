"""No regular expression of the site can be made slow by what a student, a file or a platform sends."""

from __future__ import annotations

import math
import random
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from tests.hardening.patterns import Attack, Found, attacks, every_pattern
from tests.hardening.tally import FUZZ

pytestmark = pytest.mark.slow

LENGTH = 500_000
# A neighbour on the same core makes a second of processor time two; the long run wants cores of its own.
SECONDS = 1.0 if FUZZ else 2.0
SMALL, LARGE = 5_000, 20_000
TRIED = 120  # attacks on one pattern; all of them in `make fuzz`
# Used at the beginning of a text only (match, fullmatch), where a search would be slower.
ANCHORED = {
    "mlcore.addressing._LEAD",
    "mlcore.addressing._NAMED",
    "mlcore.addressing._ROLE",
    "mlcore.manifest._FILE_NAME",
    "mlcore.screening._EVASIONS",
    "grading.services.exports._FORMULA",
}

Use = Callable[[re.Pattern[str], str], object]
MATCHED: tuple[Use, ...] = (re.Pattern.match, re.Pattern.fullmatch)
SEARCHED: tuple[Use, ...] = (*MATCHED, lambda pattern, text: sum(1 for _ in pattern.finditer(text)))


class TooSlow(Exception):
    pass


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Of processor time: a machine that is busy with other things makes nothing fail."""

    def ring(number: int, frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def seconds(use: Use, pattern: re.Pattern[str], text: str) -> float:
    begun = time.thread_time()
    use(pattern, text)
    return time.thread_time() - begun


def expected(use: Use, pattern: re.Pattern[str], attack: Attack) -> float:
    """Seconds for `LENGTH` characters, as they grow from a short text to a longer one."""
    small, large = (seconds(use, pattern, attack.text(length)) for length in (SMALL, LARGE))
    power = math.log(max(large, 1e-4) / max(small, 1e-4)) / math.log(LARGE / SMALL)
    return large * (LENGTH / LARGE) ** max(1.0, power)


def too_slow(found: Found, attack: Attack) -> str:
    """How the attack makes the pattern slow; nothing where it does not."""
    for use in MATCHED if found.where in ANCHORED else SEARCHED:
        # A core that is shared counts for less: what is slow is slow twice.
        if not any(in_time(use, found.pattern, attack) for _ in range(2)):
            return f"{found.where}: {use} of {attack!r}"
    return ""


def in_time(use: Use, pattern: re.Pattern[str], attack: Attack) -> bool:
    try:
        with at_most(SECONDS):
            if expected(use, pattern, attack) < 0.5:
                return True
        with at_most(SECONDS):
            use(pattern, attack.text(LENGTH))
    except TooSlow:
        return False
    return True


@pytest.fixture(scope="module")
def patterns() -> list[Found]:
    return every_pattern()


def test_the_patterns_are_found(patterns: list[Found]) -> None:
    where = {found.where.partition(":")[0] for found in patterns}
    assert {"mlcore.addressing._ADDRESSED", "gradingsite.redaction.PATTERNS", "mlcore.hardening"} <= where
    assert len(patterns) > 50


def test_a_slow_pattern_is_found_out() -> None:
    for slow in (r"(?:a+)+$", r"\s+$", r"[!?]+(?:\s|$)", r"score\s*(?:given)?\s*:", r"\bx[\w-]+\."):
        found = Found("here", re.compile(slow))
        assert any(too_slow(found, attack) for attack in attacks(found.pattern)), slow


def test_none_needs_a_second_for_half_a_million_characters(patterns: list[Found]) -> None:
    chance = random.Random(0)
    slow = []
    for found in patterns:
        tried = attacks(found.pattern)
        for attack in tried if FUZZ or len(tried) <= TRIED else chance.sample(tried, TRIED):
            if told := too_slow(found, attack):
                slow.append(told)
                break
    assert not slow, "\n".join(slow)
