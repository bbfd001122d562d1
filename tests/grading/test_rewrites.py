"""Feedback written again to match a teacher's points: offered beside the text, never in its place."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from grading.exceptions import GradeIsClosed, NoModelVersion
from grading.models import Grade, ModelVersion, Rewrite, RewriteState
from grading.services import grade_approve, grade_change
from grading.services.rewrites import (
    rewrite_claim,
    rewrite_close,
    rewrite_request,
    rewrite_write,
    rewrites_release_stale,
)
from grading.services.upkeep import sweep
from tests.grading.factories import make_grade, make_submission, make_version


@pytest.fixture
def grade(assignment) -> Grade:
    make_version()
    return make_grade(make_submission(assignment))


def test_it_is_written_for_the_points_that_the_teacher_gave(grade, teacher):
    grade_change(grade=grade, by=teacher, edition=1, points=Decimal(3))
    rewrite_request(grade=grade, by=teacher)
    claim = rewrite_claim()
    assert (claim.points, claim.text) == (3, grade.submission.text)
    assert rewrite_claim() is None, "it is taken once"
    rewrite_write(claim=claim, text="For three points.")
    assert Rewrite.objects.get().state == RewriteState.DONE
    assert Grade.objects.get(pk=grade.pk).feedback.text == "Well explained.", "the teacher's text is not replaced"


def test_asking_twice_for_the_same_points_asks_once(grade, teacher):
    assert rewrite_request(grade=grade, by=teacher) == rewrite_request(grade=grade, by=teacher)


def test_other_points_take_the_place_of_a_request_and_its_late_result_is_dropped(grade, teacher):
    rewrite_request(grade=grade, by=teacher)
    late = rewrite_claim()
    grade_change(grade=grade, by=teacher, edition=1, points=Decimal(4))
    rewrite_request(grade=grade, by=teacher)
    assert rewrite_write(claim=late, text="For two points.") is False
    assert rewrite_claim().points == 4


def test_what_was_discarded_stays_discarded(grade, teacher, client: Client):
    rewrite_request(grade=grade, by=teacher)
    rewrite_write(claim=rewrite_claim(), text="For two points.")
    client.force_login(teacher)
    page = reverse("grading:review", args=[grade.submission_id])
    assert "For two points." in client.get(page).content.decode()
    client.post(reverse("grading:rewrite_end", args=[grade.pk]))
    assert "For two points." not in client.get(page).content.decode()
    assert "For two points." not in client.get(reverse("grading:rewrite", args=[grade.pk])).content.decode()


def test_what_was_discarded_while_it_was_being_written_is_not_offered(grade, teacher):
    rewrite_request(grade=grade, by=teacher)
    claim = rewrite_claim()
    rewrite_close(grade=grade)
    assert rewrite_write(claim=claim, text="Too late.") is False


def test_it_refuses_a_decided_grade_and_a_site_without_a_model(grade, teacher, client: Client):
    grade_approve(grade=grade, by=teacher, edition=1)
    with pytest.raises(GradeIsClosed):
        rewrite_request(grade=grade, by=teacher)
    ModelVersion.objects.all().delete()
    with pytest.raises(NoModelVersion):
        rewrite_request(grade=grade, by=teacher)
    client.force_login(teacher)
    said = client.post(reverse("grading:rewrite_ask", args=[grade.pk])).content.decode()
    assert "No model version is in use." in said


def test_a_lost_worker_s_rewrite_is_written_by_another(grade, teacher: User):
    rewrite_request(grade=grade, by=teacher)
    lost = rewrite_claim()
    Rewrite.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert rewrites_release_stale() == 1
    sweep()
    again = rewrite_claim()
    assert again.attempt == lost.attempt + 1
    assert rewrite_write(claim=lost, text="Late.") is False


@pytest.mark.django_db(transaction=True)
def test_a_worker_writes_it_before_it_marks(assignment, teacher, settings: Any, tiny_base: Path, tiny_adapter: Path):
    from grading import runtime, runtime_pulse

    settings.MARGINALIA_BASE_DIR = tiny_base
    make_version(directory=tiny_adapter, name="tiny")
    grade = make_grade(make_submission(assignment, "The gap opens the circuit."))
    rewrite_request(grade=grade, by=teacher)
    runtime._marker = None
    try:
        runtime.mark_queued()
    finally:
        runtime_pulse.stop()
        runtime._marker = None
    row = Rewrite.objects.get()
    assert (row.state, bool(row.text)) == (RewriteState.DONE, True)
