"""Trying the rubric: a few papers are marked as the assignment stands, and nothing of it reaches a grade."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment, Submission
from grading import services
from grading.exceptions import NoModelVersion, NothingToTry, PilotUnderWay, TooManyToTry
from grading.models import AnswerReading, Grade, ModelVersion, Pilot, PilotPaper, PilotState
from grading.pilot_pages import changes, paper_rows
from grading.services.pilots import (
    KEPT,
    PilotClaim,
    pilot_claim,
    pilot_fail,
    pilot_give_back,
    pilot_heartbeat,
    pilot_write,
    pilots_release_stale,
)
from mlcore.schemas import CriterionScore, Proposal
from tests.grading.factories import make_assignment, make_grade, make_submission, make_version


@pytest.fixture
def version(db: None) -> None:
    make_version()


@pytest.fixture
def papers(assignment: Assignment, version: None) -> list[Submission]:
    return [make_submission(assignment) for _ in range(8)]


def claimed() -> PilotClaim:
    claim = pilot_claim()
    assert claim is not None
    return claim


def marked(points: float, feedback: str = "Say why.") -> Pilot:
    """What a worker would make of the pilot that waits."""
    claim = claimed()
    criteria = tuple(CriterionScore(entry["id"], points / 2) for entry in claim.snapshot["criteria"])
    assert pilot_write(
        claim=claim,
        proposals=[Proposal(answer.id, 0.5, points, criteria, feedback) for answer in claim.answers],
    )
    return Pilot.objects.get(pk=claim.pk)


def test_five_papers_are_tried_and_no_grade_is_written(
    papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    pilot = services.pilot_start(assignment=assignment, by=teacher)
    assert pilot.papers.count() == 5
    done = marked(1.5)
    assert done.state == PilotState.DONE
    assert set(done.papers.values_list("points", "feedback")) == {(Decimal("1.5"), "Say why.")}
    assert not Grade.objects.exists()


def test_the_next_try_takes_the_same_papers_and_shows_what_changed(teacher: User, version: None) -> None:
    assignment = Assignment.objects.get(pk=make_assignment(criteria=(2, 2)).pk)
    for _ in range(8):
        make_submission(assignment)
    first = services.pilot_start(assignment=assignment, by=teacher)
    marked(2)
    assignment.marking_instructions = "Be strict."
    assignment.save()
    second = services.pilot_start(assignment=Assignment.objects.get(pk=assignment.pk), by=teacher)
    assert set(second.papers.values_list("submission")) == set(first.papers.values_list("submission"))
    second = marked(1, "Say why it is so.")
    first = Pilot.objects.get(pk=first.pk)
    assert [(str(change.part), change.before, change.after) for change in changes(second, first)] == [
        ("marking instructions", "", "Be strict.")
    ]
    rows = paper_rows(second, first)
    assert {row.moved for row in rows} == {Decimal(-1)}
    assert rows[0].criteria == (
        ("Criterion 1", Decimal("0.5"), Decimal(1)),
        ("Criterion 2", Decimal("0.5"), Decimal(1)),
    )


def test_papers_can_be_chosen_by_hand(papers: list[Submission], assignment: Assignment, teacher: User) -> None:
    pilot = services.pilot_start(assignment=assignment, by=teacher, submissions=papers[6:])
    assert set(pilot.papers.values_list("submission", flat=True)) == {paper.pk for paper in papers[6:]}


def test_one_is_marked_at_a_time(papers: list[Submission], assignment: Assignment, teacher: User) -> None:
    services.pilot_start(assignment=assignment, by=teacher)
    with pytest.raises(PilotUnderWay):
        services.pilot_start(assignment=assignment, by=teacher)
    assert Pilot.objects.count() == 1


def test_it_needs_a_model_and_papers(assignment: Assignment, teacher: User) -> None:
    with pytest.raises(NoModelVersion):
        services.pilot_start(assignment=assignment, by=teacher)
    make_version()
    with pytest.raises(NothingToTry):
        services.pilot_start(assignment=assignment, by=teacher)


def test_the_last_ten_are_kept(papers: list[Submission], assignment: Assignment, teacher: User) -> None:
    for _ in range(KEPT + 2):
        services.pilot_start(assignment=assignment, by=teacher)
        marked(1)
    assert Pilot.objects.count() == KEPT
    assert PilotPaper.objects.count() == 5 * KEPT


def test_it_is_taken_once_and_a_lost_workers_pilot_again(
    papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    services.pilot_start(assignment=assignment, by=teacher)
    late = claimed()
    assert pilot_claim() is None
    assert pilot_heartbeat(claim=late)
    Pilot.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert pilots_release_stale() == 1
    claimed()
    assert not pilot_write(claim=late, proposals=[]), "what a lost worker brings late is dropped"
    assert not pilot_heartbeat(claim=late)


def test_after_three_lost_workers_it_fails_in_words(
    client: Client, papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    services.pilot_start(assignment=assignment, by=teacher)
    for _ in range(3):
        claimed()
        Pilot.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
        pilots_release_stale()
    assert Pilot.objects.get().state == PilotState.FAILED
    client.force_login(teacher)
    page = client.get(reverse("grading:pilot", args=[assignment.pk])).content.decode()
    assert "The worker stopped in the middle, three times." in page


def test_one_given_back_has_not_used_an_attempt(
    papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    services.pilot_start(assignment=assignment, by=teacher)
    pilot_give_back(claim=claimed())
    again = claimed()
    assert again.attempt == 1
    pilot_fail(claim=again, code="model_failed")
    assert Pilot.objects.get().state == PilotState.FAILED


def test_the_page_starts_a_try_and_shows_it(
    client: Client, papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    client.force_login(teacher)
    page, start = (reverse(name, args=[assignment.pk]) for name in ("grading:pilot", "grading:pilot_start"))
    assert "Nothing was tried yet." in client.get(page).content.decode()
    told = client.post(start, {"submissions": [papers[0].pk, papers[1].pk, "nonsense"]}, follow=True)
    assert "2 papers are being marked." in told.content.decode()
    marked(1.5, "Only here.")
    shown = client.get(page).content.decode()
    assert shown.count("Only here.") == 2
    told = client.get(reverse("grading:pilot_progress", args=[assignment.pk])).content.decode()
    assert "hx-trigger" not in told
    assert "Try again on the same papers" in told
    assert "disabled" not in told, "without a reload of the page"


def test_papers_of_another_assignment_are_not_tried(
    client: Client, papers: list[Submission], assignment: Assignment, teacher: User
) -> None:
    foreign = make_submission()
    client.force_login(teacher)
    client.post(reverse("grading:pilot_start", args=[assignment.pk]), {"submissions": [foreign.pk]})
    assert not PilotPaper.objects.filter(submission=foreign).exists()


def test_more_than_ten_ticked_papers_are_refused_in_words(
    papers: list[Submission], assignment: Assignment, teacher: User, client: Client
) -> None:
    many = [*papers, *(make_submission(assignment) for _ in range(3))]
    with pytest.raises(TooManyToTry):
        services.pilot_start(assignment=assignment, by=teacher, submissions=many)
    client.force_login(teacher)
    ticked = {"submissions": [paper.pk for paper in many]}
    told = client.post(reverse("grading:pilot_start", args=[assignment.pk]), ticked, follow=True)
    assert "at most 10 papers" in told.content.decode()
    assert not Pilot.objects.exists()


def test_an_interval_comes_from_marks_by_the_same_rubric_only(
    papers: list[Submission], assignment: Assignment, teacher: User, client: Client
) -> None:
    assignment.refresh_from_db()  # numbers as the database gives them
    for _ in range(24):
        paper = make_submission(assignment)
        make_grade(paper, "approved", points=Decimal("1.5"), approved_by=teacher)
        AnswerReading.objects.create(submission=paper, version=ModelVersion.objects.get(), score=0.5, embedding=b"")
    services.pilot_start(assignment=assignment, by=teacher, submissions=papers[:2])
    spans = list(marked(1.5).papers.values_list("low", "high"))
    assert len(spans) == 2
    assert all(low <= Decimal("1.5") <= high for low, high in spans)
    client.force_login(teacher)
    assert "between" in client.get(reverse("grading:pilot", args=[assignment.pk])).content.decode()
    Assignment.objects.filter(pk=assignment.pk).update(marking_instructions="Be strict.")
    services.pilot_start(assignment=Assignment.objects.get(pk=assignment.pk), by=teacher)
    assert set(marked(1.5).papers.values_list("low", "high")) == {(None, None)}
