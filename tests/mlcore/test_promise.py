from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.promise import broken, fewest_marks, promise, sample_size, upper_bound


@pytest.mark.parametrize(("marks", "bound"), [(29, 0.10), (59, 0.05), (149, 0.02)])
def test_no_error_among_so_many_shows_at_most_so_many_wrong(marks, bound):
    assert upper_bound(0, marks, 0.95) == pytest.approx(bound, abs=0.002)


def test_the_bound_grows_with_what_was_wrong_and_ends_at_one():
    bounds = [upper_bound(wrong, 20) for wrong in range(21)]
    assert bounds == sorted(bounds)
    assert bounds[-1] == 1


def test_few_marks_promise_nothing_and_a_lower_risk_needs_more():
    assert (fewest_marks(0.1), fewest_marks(0.05), fewest_marks(0.5)) == (22, 45, 20)
    short = promise([0.0] * 21, [1.0] * 21, [0.5] * 9, tolerance=0.5, risk=0.1)
    assert (short.accepted, short.bound) == ((), 1.0)
    assert promise([0.0] * 22, [1.0] * 22, [0.5] * 9, tolerance=0.5, risk=0.1).accepted == tuple(range(9))


def test_it_stops_where_the_unsure_proposals_are_wrong():
    doubts = np.linspace(0, 1, 200)
    errors = np.where(doubts > 0.5, 2.0, 0.0)
    found = promise(errors.tolist(), doubts.tolist(), [0.9, 0.1, 0.3, 0.8], tolerance=0.5, risk=0.1)
    assert found.accepted == (1, 2)
    assert found.bound <= 0.1


def test_an_error_of_the_tolerance_is_no_error():
    found = promise([0.5] * 30, [0.0] * 30, [0.0], tolerance=0.5, risk=0.1)
    assert (found.wrong, found.accepted) == (0, (0,))


@given(
    st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.floats(0, 1)), max_size=80), st.sampled_from([0.05, 0.1, 0.3])
)
def test_what_is_promised_is_never_above_the_risk(rows, risk):
    errors, doubts = [row[0] for row in rows], [row[1] for row in rows]
    found = promise(errors, doubts, [0.1, 0.5, 0.9], tolerance=0.5, risk=risk)
    assert found.bound <= risk if found.accepted else found.bound == 1


def test_the_promise_is_kept_as_often_as_it_says():
    """1,000 classes whose unsure proposals are wrong more often: at most a tenth break the promise."""
    chance, kept = np.random.default_rng(0), []
    for _ in range(1000):
        doubts = chance.random(60)
        wrong = (chance.random(60) < 0.25 * doubts).astype(float)
        found = promise(wrong.tolist(), doubts.tolist(), np.linspace(0, 1, 101).tolist(), tolerance=0.5, risk=0.1)
        if found.accepted:
            edge = max(found.accepted) / 100
            kept.append(0.25 * edge / 2 <= 0.1)
    assert len(kept) > 50
    assert np.mean(kept) >= 0.9


def test_a_sample_is_a_tenth_and_at_least_five():
    assert [sample_size(n) for n in (0, 3, 20, 51, 120)] == [0, 3, 5, 6, 12]


def test_a_sample_breaks_the_promise_only_where_chance_hardly_explains_it():
    assert not broken(1, 5, 0.1)
    assert broken(3, 5, 0.1)
    assert not broken(0, 0, 0.1)


@pytest.mark.parametrize(
    "wrong", [{"tolerance": -1.0, "risk": 0.1}, {"tolerance": 0.5, "risk": 0.0}, {"tolerance": 0.5, "risk": 1.0}]
)
def test_it_refuses_what_is_no_promise(wrong):
    with pytest.raises(ValueError, match="not"):
        promise([0.0], [0.0], [0.0], **wrong)
