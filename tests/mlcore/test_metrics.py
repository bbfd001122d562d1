"""Every expected number here was worked out by hand; the sums are in the comments."""

from __future__ import annotations

import json
from math import sqrt

import numpy as np
import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from mlcore import metrics

GIVEN = [0.0, 0.5, 1.0, 1.0]
PREDICTED = [0.1, 0.5, 0.8, 0.0]
# The errors are 0.1, 0, 0.2 and 1.


def test_mae_is_the_mean_of_the_distances() -> None:
    assert metrics.mean_absolute_error(GIVEN, PREDICTED) == pytest.approx(1.3 / 4)


def test_rmse_is_the_root_of_the_mean_square() -> None:
    assert metrics.root_mean_squared_error(GIVEN, PREDICTED) == pytest.approx(sqrt((0.01 + 0 + 0.04 + 1) / 4))


def test_share_within_counts_the_limit_itself() -> None:
    assert metrics.share_within(GIVEN, PREDICTED, 0.1) == 0.5
    # 0.4 - 0.3 is 0.10000000000000003 in binary.
    assert metrics.share_within([0.3], [0.4], 0.1) == 1.0
    assert metrics.share_within(GIVEN, PREDICTED, 0.03) == 0.25


def test_pearson_by_hand() -> None:
    # Deviations -1, 0, 1 and -2, 1, 1 (of 1, 4, 4 from 3): 3 / sqrt(2 * 6).
    assert metrics.pearson([0.1, 0.2, 0.3], [0.1, 0.4, 0.4]) == pytest.approx(3 / sqrt(12))
    assert metrics.pearson([0.1, 0.2, 0.3], [0.9, 0.8, 0.7]) == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("human", "machine"), [([0.5, 0.5], [0.1, 0.9]), ([0.1, 0.9], [0.7, 0.7]), ([0.4], [0.6])], ids=str
)
def test_pearson_with_a_constant_is_undefined(human: list[float], machine: list[float]) -> None:
    assert metrics.pearson(human, machine) is None


def test_smd_by_hand() -> None:
    # Means 0.5 and 0.7; sample variances of (0, 1) and (0.4, 1.0): 0.5 and 0.18; sqrt(0.34).
    assert metrics.standardised_mean_difference([0.0, 1.0], [0.4, 1.0]) == pytest.approx(0.2 / sqrt(0.34))


def test_smd_tells_a_strict_marker_by_its_sign() -> None:
    strict = metrics.standardised_mean_difference([0.5, 1.0], [0.2, 0.7])
    assert strict is not None
    assert strict < 0


def test_smd_of_two_constants_is_undefined() -> None:
    assert metrics.standardised_mean_difference([1.0, 1.0], [0.8, 0.8]) is None
    assert metrics.standardised_mean_difference([1.0], [0.8]) is None


def test_kappa_by_hand() -> None:
    # Bands 0 1 2 2 against 0 1 2 0: observed (0 + 0 + 0 + 4) / 4 = 1. Chance, over all 16 combinations: the teacher's 0
    # against 0 1 2 0 is 5, his 1 is 3, his 2 is 9, twice: 26 / 16. Kappa = 1 - 16 / 26.
    kappa = metrics.quadratic_weighted_kappa([0.0, 0.5, 1.0, 1.0], [0.1, 0.5, 0.9, 0.0], bands=3)
    assert kappa == pytest.approx(10 / 26)


def test_kappa_of_opposites_is_below_chance() -> None:
    assert metrics.quadratic_weighted_kappa([0.0, 1.0], [1.0, 0.0], bands=2) == pytest.approx(-1.0)


def test_kappa_of_a_constant_marker_is_chance_and_of_two_undefined() -> None:
    assert metrics.quadratic_weighted_kappa([0.0, 1.0], [1.0, 1.0], bands=2) == pytest.approx(0.0)
    assert metrics.quadratic_weighted_kappa([1.0, 1.0], [1.0, 1.0], bands=2) is None


def test_kappa_refuses_a_single_band() -> None:
    with pytest.raises(ValueError, match="at least 2 bands"):
        metrics.quadratic_weighted_kappa([0.0], [0.0], bands=1)


def test_halves_go_to_the_band_above_and_strays_to_the_ends() -> None:
    assert metrics.to_bands([0.25, 0.24, -0.3, 1.2], bands=3).tolist() == [1, 0, 0, 2]


@hypothesis_given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=30))
def test_kappa_agrees_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    human, machine = zip(*pairs, strict=True)
    ours = metrics.quadratic_weighted_kappa(human, machine, bands=5)
    first, second = metrics.to_bands(human, 5).astype(int), metrics.to_bands(machine, 5).astype(int)
    if ours is None:
        assert len(set(first) | set(second)) == 1
    else:
        assert ours == pytest.approx(cohen_kappa_score(first, second, weights="quadratic", labels=range(5)), abs=1e-9)


@pytest.mark.parametrize("measure", [metrics.mean_absolute_error, metrics.score_metrics, metrics.bleu, metrics.rouge])
def test_nothing_and_unequal_lists_are_refused(measure: object) -> None:
    assert callable(measure)
    with pytest.raises(ValueError, match="nothing to compare"):
        measure([], [])
    with pytest.raises(ValueError, match="cannot compare 2 with 1"):
        measure([0.1, 0.2], [0.1])


def test_all_measures_together_can_be_stored_as_json() -> None:
    result = metrics.score_metrics([0.5, 0.5], [0.5, 0.5])
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert (result["n"], result["mae_percent"], result["pearson"], result["qwk"]) == (2, 0.0, None, None)
    assert result["within_3_percent"] == 1.0


def test_percentages_are_of_the_maximum() -> None:
    result = metrics.score_metrics(GIVEN, PREDICTED)
    assert result["mae_percent"] == pytest.approx(32.5)
    assert result["rmse_percent"] == pytest.approx(100 * result["rmse"])
    assert isinstance(result["mae"], float)
    assert not isinstance(result["mae"], np.floating)


def test_bleu_by_hand() -> None:
    # 1 to 4 words: 5 of 6, 3 of 5, 2 of 4 and 1 of 3 stand in the reference, which is as long: 100 * (1/12)^(1/4).
    score = metrics.bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
    assert score == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)


def test_bleu_of_the_same_text_is_full() -> None:
    assert metrics.bleu(["one two three four five"], ["one two three four five"]) == pytest.approx(100.0)


def test_rouge_by_hand() -> None:
    # Words: 3 shared of 4 and of 3 -> P 1, R 3/4, F 6/7. Pairs: "the cat" of 2 and 3 -> P 1/2, R 1/3, F 2/5.
    # Longest common subsequence: the cat mat, 3 -> 6/7.
    scores = metrics.rouge(["the cat sat mat"], ["The cat, mat."])
    assert scores == pytest.approx({"rouge1": 600 / 7, "rouge2": 40.0, "rougeL": 600 / 7})


def test_rouge_keeps_words_with_umlauts_whole() -> None:
    assert metrics.rouge(["für"], ["fur"])["rouge1"] == 0.0
    assert metrics.rouge(["für"], ["Für!"])["rouge1"] == pytest.approx(100.0)


def test_rouge_of_an_empty_text_is_zero() -> None:
    assert metrics.text_metrics(["something"], [""]) == {"n": 1, "bleu": 0.0, "rouge1": 0, "rouge2": 0, "rougeL": 0}
