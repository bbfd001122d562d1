"""Feedback as text: whole sentences, no loops."""

from __future__ import annotations

import pytest

from mlcore.writing import _Text, tidy


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Correct.", "Correct."),
        ("  Good work!  You named both\nreasons. And then it bre", "Good work! You named both reasons."),
        ("The answer misses the point, because the", "The answer misses the point, because the…"),
        ("Right. Right. right. Also 1.5 volts are named.", "Right. Also 1.5 volts are named."),
        ("He said “yes.” Then it end", "He said “yes.”"),
        ("", ""),
        ("ok", "ok"),
    ],
)
def test_it_ends_at_a_sentence(raw: str, text: str) -> None:
    assert tidy(raw) == text


def test_a_run_of_five_tokens_is_not_written_twice() -> None:
    text = _Text(80)
    for token in (1, 2, 3, 4, 5, 9, 1, 2, 3, 4):
        text.add(token)
    assert text.forbidden() == {5}
    text.add(6)
    assert text.forbidden() == set()
