"""What takes too long is left, in the middle of a regular expression too."""

from __future__ import annotations

import re
import signal
import threading
import time

import pytest

from mlcore.deadline import TooSlow, within

SLOW = re.compile(r"(?:a+)+$")
TEXT = "a" * 40 + "!"


def test_a_regular_expression_is_left_in_its_middle() -> None:
    begun = time.monotonic()
    with pytest.raises(TooSlow, match=r"more than 0\.2 s"), within(0.2):
        SLOW.match(TEXT)
    assert time.monotonic() - begun < 10


def test_what_is_quick_is_not_disturbed_then_or_later() -> None:
    with within(0.2):
        assert SLOW.match("aaa")
    time.sleep(0.3)


def test_another_alarm_goes_on() -> None:
    rung: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rung.append(number))
    timer = signal.setitimer(signal.ITIMER_REAL, 0.4)
    try:
        with pytest.raises(TooSlow), within(0.1):
            SLOW.match(TEXT)
        assert not rung
        time.sleep(0.6)
        assert rung == [signal.SIGALRM]
    finally:
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_other_threads_are_not_limited() -> None:
    said: list[str] = []

    def work() -> None:
        with within(0.05):
            time.sleep(0.2)
            said.append("done")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert said == ["done"]
