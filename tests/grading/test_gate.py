"""What it takes to put a model version in use: nothing that speaks against it, or a reason that stays."""

from __future__ import annotations

from typing import Any

import pytest

from grading.exceptions import PromotionNeedsReason
from grading.gate import doubts, verdict_of
from grading.models import ModelVersion, VersionState
from grading.services import version_promote, version_register, version_roll_back
from mlcore.beside import Beside, QuestionBeside
from tests.grading.adapters import write_bare_adapter
from tests.grading.factories import make_version

pytestmark = pytest.mark.django_db
MARKS = {"n": 40, "mae_percent": 10.0, "rmse": 0.2, "qwk": 0.5, "pearson": 0.5, "smd": 0.0}


def evaluation(verdict: str, *, much_worse: tuple[str, ...] = (), in_use: str = "old") -> dict[str, Any]:
    questions = [
        {
            "question_id": text,
            "n": 9,
            "candidate": 0.4,
            "in_use": 0.1,
            "verdict": "worse",
            "much_worse": True,
            "question": text,
        }
        for text in much_worse
    ]
    sign = {"better": -1, "worse": 1, "noise": 0}[verdict]
    return {
        "n": 40,
        "candidate": MARKS,
        "in_use": MARKS,
        "in_use_name": in_use,
        "beside": {
            "n": 40,
            "difference": sign * 0.05,
            "low": sign * 0.05 - 0.02,
            "high": sign * 0.05 + 0.02,
            "drawn": "questions",
            "verdict": verdict,
            "questions": questions,
        },
    }


def candidate(settings: Any, measured: dict[str, Any] | None) -> ModelVersion:
    directory = write_bare_adapter(settings.MARGINALIA_VERSIONS_DIR / "new")
    return version_register(directory=directory, evaluation=measured)


def test_the_factory_has_the_fields_that_a_comparison_has():
    found = evaluation("worse", much_worse=("Why?",))["beside"]
    assert set(found) == set(Beside.__dataclass_fields__)
    assert set(found["questions"][0]) - {"question"} == set(QuestionBeside.__dataclass_fields__)


@pytest.mark.parametrize("verdict", ["better", "noise"])
def test_a_version_that_is_not_worse_goes_in_use_without_a_word(settings, versions_dir, admin, verdict):
    make_version(name="old")
    version_promote(version=candidate(settings, evaluation(verdict)), by=admin)
    assert ModelVersion.objects.promoted().get().name == "new"


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (evaluation("worse"), "worse overall"),
        (evaluation("better", much_worse=("Why does iron rust?",)), "Why does iron rust?"),
        (evaluation("better", in_use="older"), "another version"),
        (None, "never measured"),
    ],
)
def test_a_doubtful_version_needs_a_reason_that_stays_in_the_record(settings, versions_dir, admin, measured, words):
    make_version(name="old")
    version = candidate(settings, measured)
    with pytest.raises(PromotionNeedsReason, match=words):
        version_promote(version=version, by=admin, note="  ")
    assert ModelVersion.objects.promoted().get().name == "old"
    version_promote(version=version, by=admin, note="the new course needs it")
    assert ModelVersion.objects.promoted().get().name == "new"
    promoted, overruled = version.events.all()[:2]
    assert (promoted.action, promoted.note) == ("promoted", "the new course needs it")
    assert overruled.action == "overruled"
    assert words in overruled.note


def test_the_first_version_and_one_that_was_in_use_before_need_no_reason(settings, versions_dir, admin):
    version = version_promote(version=candidate(settings, None), by=admin)
    other = version_register(directory=write_bare_adapter(versions_dir / "other"))
    version_promote(version=other, by=admin, note="a try")
    assert version_roll_back(by=admin) == version


def test_many_questions_that_got_much_worse_are_counted_and_three_are_named(db):
    names = tuple(f"Question {number}?" for number in range(5))
    version = make_version(VersionState.CANDIDATE, name="new", evaluation=evaluation("noise", much_worse=names))
    found = doubts(version, make_version(name="old"))
    assert len(found) == 4
    assert found[-1] == "and on 2 more questions."


def test_the_verdict_says_how_sure_it_is(db):
    version = make_version(VersionState.CANDIDATE, evaluation=evaluation("better", much_worse=("Why?",)))
    found = verdict_of(version)
    assert found is not None
    assert found.overall.startswith("Overall it is better, and the difference is real.")
    assert "-5.0 points of 100" in found.overall
    assert found.by_question == "Of 1 question it is clearly better on 0 and clearly worse on 1."
    assert verdict_of(make_version(VersionState.CANDIDATE, name="unmeasured")) is None


ROBUST = {"movement": 0.01, "movement_99": 0.05, "nonsense": 0.05, "holds": True}


def with_measures(mine: dict[str, Any], theirs: dict[str, Any] | None = None) -> dict[str, Any]:
    found = evaluation("better")
    return {**found, "candidate": {**MARKS, **mine}, "in_use": {**MARKS, **(theirs or {})}}


@pytest.mark.parametrize(
    ("mine", "theirs", "against"),
    [
        ({"robustness": ROBUST}, None, []),
        ({"robustness": {**ROBUST, "nonsense": 0.4, "holds": False}}, {"robustness": ROBUST}, ["Nonsense gets 40.0 %"]),
        (
            {"robustness": {**ROBUST, "movement": 0.2, "movement_99": 0.6, "holds": False}},
            {"robustness": ROBUST},
            ["move a mark by 20.0 %", "by 60.0 %"],
        ),
        # No worse than what it would replace, which misses the aim as well.
        (
            {"robustness": {**ROBUST, "nonsense": 0.30, "holds": False}},
            {"robustness": {**ROBUST, "nonsense": 0.29, "holds": False}},
            [],
        ),
        ({"intervals": {"level": 0.9, "coverage": 0.7, "ends": [0.6, 0.8]}}, None, ["in 70 % of cases"]),
        ({"intervals": {"level": 0.9, "coverage": 0.8, "ends": [0.7, 0.9]}}, None, []),
        ({"intervals": None, "robustness": None}, None, []),
    ],
)
def test_a_version_that_can_be_talked_round_or_whose_intervals_fail_is_refused(settings, mine, theirs, against):
    in_use = make_version(name="old")
    found = doubts(candidate(settings, with_measures(mine, theirs)), in_use)
    assert len(found) == len(against)
    assert all(words in doubt for words, doubt in zip(against, found, strict=True))
