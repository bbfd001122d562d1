"""Feedback as text: whole sentences, no loops."""

from __future__ import annotations

import pytest

from mlcore.writing import Lengths, _Text, tidy


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


def test_a_text_under_way_counts_by_how_long_texts_usually_get() -> None:
    lengths = Lengths()
    before = lengths.written([], [0.25])
    for _ in range(20):
        lengths.learn([0.4, 0.6])
    assert lengths.written([], [0.25]) == pytest.approx(0.5, abs=0.01) != before
    assert lengths.written([0.5, 1.0], [0.9]) == pytest.approx(2.95), "what has not ended is never done"
