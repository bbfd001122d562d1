"""The curve of the first marks: the same answers for every point, honest where a file is too small."""

from __future__ import annotations

import pytest

from mlcore.cli.learning import curve_table
from mlcore.curve import learning_curve
from tests.mlcore.test_learning import answers


def test_the_curve_falls_and_intervals_appear_with_enough_marks() -> None:
    one, first = answers(40, seed=1, question="one")
    two, second = answers(40, seed=2, question="two")
    found = learning_curve(one + two, first + second, marks=(0, 10, 25), seeds=2, draws=20)
    points = found["points"]
    assert found["questions"] == 2
    assert points[0]["rmse"] == points[0]["rmse_before"] == points[2]["rmse_before"]
    assert points[2]["rmse"] < points[1]["rmse"] < points[0]["rmse"]
    assert [point["own_marks"] for point in points] == [0.0, 1.0, 1.0]
    assert all(0.7 < point["coverage"] <= 1.0 for point in points)
    assert points[2]["width"] < points[0]["width"]
    assert curve_table(found).count("\n| ") == 4


def test_without_other_questions_and_marks_there_is_no_interval() -> None:
    rows, marks = answers(20, seed=1)
    (point,) = learning_curve(rows, marks, marks=(5,), seeds=1, draws=0)["points"]
    assert (point["width"], "coverage" in point, point["intervals"]) == (None, False, {})


def test_it_refuses_a_file_in_which_no_question_has_enough_answers() -> None:
    rows, marks = answers(12, seed=1)
    with pytest.raises(ValueError, match="no question has 18 marked answers, which 10 marks take"):
        learning_curve(rows, marks, marks=(10,))
