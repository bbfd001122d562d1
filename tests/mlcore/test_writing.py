"""Feedback as text: whole sentences, no loops."""

from __future__ import annotations

import pytest
import torch

from mlcore.writing import _forbid_repeats, tidy


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
    logits = torch.zeros(2, 10)
    _forbid_repeats(logits, [[1, 2, 3, 4, 5, 9, 1, 2, 3, 4], [1, 2]])
    assert logits[0, 5] == float("-inf")
    assert int(torch.isinf(logits).sum()) == 1
