"""What an answer's words say beside the model's score: on toy texts with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.lexical import COUNTS, FEATURES, NGRAMS, document_counts, features, ngrams
from mlcore.schemas import Question

QUESTION = Question("q", "Why do plants wilt?", "They lose water. Roots take up 2 litres.", max_points=2.0)
EVEN = np.zeros(COUNTS, dtype=np.float32)  # every word is as rare as every other: weight log(1 / 0.5)


def row(text: str) -> dict[str, float]:
    found = features(QUESTION, [text], EVEN)
    assert found.shape == (1, len(FEATURES))
    return dict(zip(range(len(FEATURES)), found[0].tolist(), strict=True))


def test_the_reference_itself_covers_the_reference() -> None:
    found = row(QUESTION.reference_answer)
    covered = [found[place] for place in (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 12, 13, 17)]
    assert covered == pytest.approx([1.0] * len(covered))
    assert found[6] == 0.0  # nothing new
    assert found[16] == 0.0  # no negation


def test_shares_are_those_of_words_cut_to_five_letters() -> None:
    found = row("Plants losing water never wilt")
    # plant losin water never wilt: of eight words of the reference (they lose water roots take up 2 litre) one.
    assert found[0] == pytest.approx(1 / 8)
    assert found[1] == pytest.approx(1 / 5)
    assert found[5] == pytest.approx(2 / 5)  # plants, wilt
    assert found[6] == pytest.approx(2 / 5)  # losing, never
    assert found[11] == pytest.approx(1 / 3)  # of “They lose water”
    assert found[12] == 0.0
    assert found[16] == 1.0
    assert found[17] == 0.0  # the 2 is missing


def test_a_rare_word_of_the_reference_counts_for_more_than_a_common_one() -> None:
    counts = document_counts(["water", "water", "water", "roots"])
    assert counts[-1] == 4
    common, rare = features(QUESTION, ["water", "roots"], counts)[:, 0]
    assert rare > common > 0


def test_a_blank_answer_and_a_blank_reference_have_features_too() -> None:
    assert np.isfinite(features(QUESTION, ["", "…"], EVEN)).all()
    empty = Question("q", "Why?", "", max_points=1.0)
    assert np.isfinite(features(empty, ["", "because"], document_counts([]))).all()


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5))
def test_a_row_depends_on_its_own_text_alone(texts: list[str]) -> None:
    counts = document_counts(["They lose water", "no idea"])
    together, words = features(QUESTION, texts, counts), ngrams(texts)
    assert words.shape == (len(texts), NGRAMS)
    for place, text in enumerate(texts):
        assert (features(QUESTION, [text], counts)[0] == together[place]).all()
        assert (ngrams([text]) != words[place]).nnz == 0
