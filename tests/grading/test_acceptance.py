"""Accepting papers unread: only with enough marks, a blind sample that keeps or breaks the promise, and undoing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from grading.exceptions import NothingToAccept, SampleIsMarked
from grading.models import AcceptanceState, Correction, Grade, SubmissionFlag
from grading.services import acts, grades_release
from grading.services.acceptance import offer, papers_accept, sample_mark
from grading.services.review import grade_change
from tests.grading.factories import make_grade, make_submission

SURE, UNSURE = 0.98, 0.5


@pytest.fixture
def desk(assignment, teacher):
    """24 sure proposals that the teacher found right, and 30 that wait."""
    for _ in range(24):
        make_grade(make_submission(assignment), "approved", points=Decimal(2), proposed_score=SURE, approved_by=teacher)
    return assignment


def wait(assignment, number=30, **fields):
    return [make_grade(make_submission(assignment), **{"proposed_score": SURE, **fields}) for _ in range(number)]


def accept(assignment, teacher):
    return papers_accept(assignment=assignment, by=teacher, tolerance=0.5, risk=0.1, seed=1)


def mark_all(acceptance, teacher, points):
    for sample in acceptance.samples.filter(given=None):
        acceptance = sample_mark(sample=sample, by=teacher, points=points)
        if acceptance.state != AcceptanceState.CHECKING:
            break
    return acceptance


def states(grades):
    return sorted(Grade.objects.filter(pk__in=[grade.pk for grade in grades]).values_list("state", flat=True))


def test_too_few_marks_allow_nothing(assignment, teacher):
    wait(assignment)
    for _ in range(21):
        make_grade(make_submission(assignment), "approved", points=Decimal(2), proposed_score=SURE)
    assert offer(assignment, tolerance=0.5, risk=0.1).saved == 0
    with pytest.raises(NothingToAccept):
        accept(assignment, teacher)


def test_wrong_proposals_allow_nothing(desk):
    wait(desk)
    Grade.objects.filter(state="approved").update(points=Decimal(4))
    assert offer(desk, tolerance=0.5, risk=0.1).grades == ()
    assert offer(desk, tolerance=2, risk=0.1).saved == 25


def test_accepting_approves_all_but_the_sample_as_one_act(desk, teacher):
    grades = wait(desk)
    made = accept(desk, teacher)
    assert (made.act.grades.count(), made.samples.count()) == (25, 5)
    assert states(grades).count("approved") == 25
    acts.undo_last(assignment=desk, by=teacher)
    assert set(states(grades)) == {"proposed"}


def test_after_undoing_the_sample_is_offered_again_and_no_longer_marked_blind(desk, teacher):
    grades = wait(desk)
    made = accept(desk, teacher)
    assert offer(desk, tolerance=0.5, risk=0.1).waiting == 0, "the sample waits for its blind marks"
    acts.undo_last(assignment=desk, by=teacher)
    assert offer(desk, tolerance=0.5, risk=0.1).waiting == len(grades)
    with pytest.raises(SampleIsMarked):
        sample_mark(sample=made.samples.first(), by=teacher, points=Decimal(2))


def test_what_needs_a_look_is_never_accepted_unread(desk, teacher):
    odd = [
        *wait(desk, 1, notes=["off_topic"]),
        *wait(desk, 1, unread_characters=9),
        *wait(desk, 1, source="rule"),
        *wait(desk, 1, points=Decimal(1)),
    ]
    flagged, touched = wait(desk, 2)
    SubmissionFlag.objects.create(submission=flagged.submission, by=teacher)
    grade_change(grade=touched, by=teacher, edition=1, feedback="mine")
    plain = wait(desk)
    found = {grade.pk for grade in offer(desk, tolerance=0.5, risk=0.1).grades}
    assert found == {grade.pk for grade in plain}
    assert not found & {grade.pk for grade in (*odd, flagged, touched)}


def test_unsure_papers_are_left_to_the_teacher(desk):
    for _ in range(20):
        make_grade(make_submission(desk), "approved", points=Decimal(4), proposed_score=UNSURE)
    wait(desk, 10, proposed_score=UNSURE)
    sure = wait(desk)
    assert {grade.pk for grade in offer(desk, tolerance=0.5, risk=0.1).grades} == {grade.pk for grade in sure}


def test_a_blind_mark_that_is_undone_is_given_anew(desk, teacher):
    wait(desk)
    sample = accept(desk, teacher).samples.first()
    sample_mark(sample=sample, by=teacher, points=Decimal("1.5"))
    acts.undo_last(assignment=desk, by=teacher)
    sample.refresh_from_db()
    assert (sample.given, sample.grade.state) == (None, "proposed")
    sample_mark(sample=sample, by=teacher, points=Decimal(2))
    sample.refresh_from_db()
    assert (sample.given, Grade.objects.get(pk=sample.grade_id).points) == (2, 2)


def test_corrected_points_are_what_is_accepted(desk, teacher):
    grades = wait(desk)
    for grade in grades:
        Correction.objects.create(grade=grade, score=SURE, points=Decimal(3), marks=24)
    made = accept(desk, teacher)
    assert {row.grade.points for row in made.act.grades.select_related("grade")} == {Decimal(3)}
    assert {sample.accepted for sample in made.samples.all()} == {Decimal(3)}


def test_a_sample_that_agrees_keeps_the_promise(desk, teacher):
    grades = wait(desk)
    made = mark_all(accept(desk, teacher), teacher, Decimal("2.5"))
    made.refresh_from_db()
    assert made.state == AcceptanceState.KEPT
    assert set(states(grades)) == {"approved"}
    with pytest.raises(SampleIsMarked):
        sample_mark(sample=made.samples.first(), by=teacher, points=Decimal(2))


def test_a_broken_promise_stops_at_once_and_takes_back_what_is_not_released(desk, teacher):
    grades = wait(desk)
    made = accept(desk, teacher)
    grades_release(assignment=desk, by=teacher)
    released = set(states(grades))
    assert released == {"proposed", "released"}
    more = wait(desk)
    second = papers_accept(assignment=desk, by=teacher, tolerance=0.5, risk=0.1, seed=2)
    broken = mark_all(second, teacher, Decimal(4))
    broken.refresh_from_db()
    assert broken.state == AcceptanceState.BROKEN
    assert broken.samples.filter(given=None).exists(), "it did not wait for the rest of the sample"
    taken = [row.grade for row in second.act.grades.select_related("grade")]
    assert set(states(taken)) == {"proposed"}
    assert states(grades).count("released") == 25
    assert {event.action for event in taken[0].events.all()} == {"approved", "reopened"}
    assert made.pk != second.pk
    assert more


def test_papers_accepted_unread_do_not_count_as_marks(desk, teacher):
    wait(desk)
    before = offer(desk, tolerance=0.5, risk=0.1).marks
    accept(desk, teacher)
    assert offer(desk, tolerance=0.5, risk=0.1).marks == before


def test_a_teacher_accepts_and_marks_the_sample_without_seeing_the_proposal(client, desk, teacher):
    grades = wait(desk, proposed_points=Decimal("1.5"))
    Grade.objects.filter(state="approved").update(proposed_points=Decimal("1.5"))
    client.force_login(teacher)
    page = reverse("grading:promise", args=[desk.pk])
    html = client.get(page).content.decode()
    assert "With your 24 marks, 30 of 30 can be accepted unread" in html
    assert "Too few marks" in client.get(page, {"tolerance": "0.5", "risk": "0.05"}).content.decode()
    assert client.get(page, {"tolerance": "x", "risk": "9"}).status_code == 200
    blind = client.post(page, {"tolerance": "0.5", "risk": "0.1"}, follow=True)
    html = blind.content.decode()
    assert "25 papers were accepted" in html
    assert "1.5" not in html[html.index("blind-title") :]
    address, sample = blind.redirect_chain[-1][0], blind.context["sample"]
    assert client.post(address, {"sample": sample.pk, "points": ""}).status_code == 422
    assert client.post(address, {"sample": sample.pk, "points": "9"}).status_code == 422
    for _ in range(2):
        shown = client.get(address).context["sample"]
        answer = client.post(address, {"sample": shown.pk, "points": "4"}, follow=True)
        if "The promise is broken" in answer.content.decode():
            break
    else:
        shown = client.get(address).context["sample"]
        answer = client.post(address, {"sample": shown.pk, "points": "4"}, follow=True)
    assert "The promise is broken" in answer.content.decode()
    assert states(grades).count("approved") <= 3, "only the papers of the sample that were read"
