"""Grading runs in the browser: started once, watched, stopped, tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment
from grading.models import GradingRun, Worker
from tests.grading.factories import make_run, make_submission, make_version


@pytest.fixture
def page(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


def start(page: Client, assignment: Assignment, **fields: object) -> str:
    response = page.post(reverse("grading:run_start", args=[assignment.pk]), {"scope": "ungraded", **fields})
    return str(response.url)


def progress(page: Client, run: GradingRun) -> str:
    return page.get(reverse("grading:run_progress", args=[run.pk])).content.decode()


def test_a_second_click_starts_nothing_twice(page, assignment):
    make_version()
    make_submission(assignment)
    assert start(page, assignment) == start(page, assignment)
    assert GradingRun.objects.get().jobs.count() == 1


def test_only_the_ticked_answers_are_marked(page, assignment):
    make_version()
    chosen, _ = make_submission(assignment), make_submission(assignment)
    start(page, assignment, scope="selected", submissions=[chosen.pk], with_feedback="on")
    run = GradingRun.objects.get()
    assert [job.submission for job in run.jobs.all()] == [chosen]
    assert run.with_feedback


def test_it_asks_for_ticks_where_none_are_set(page, assignment):
    make_version()
    make_submission(assignment)
    page.post(reverse("grading:run_start", args=[assignment.pk]), {"scope": "selected"})
    assert not GradingRun.objects.exists()
    assert "Tick the answers" in page.get(reverse("courses:assignment", args=[assignment.pk])).content.decode()


def test_it_refuses_answers_of_another_assignment(page, assignment, outsider):
    make_version()
    foreign = make_submission()
    start(page, assignment, scope="selected", submissions=[foreign.pk])
    assert not GradingRun.objects.exists()


def test_it_says_plainly_that_no_model_is_in_use(page, assignment):
    make_submission(assignment)
    assert start(page, assignment) == reverse("courses:assignment", args=[assignment.pk])
    assert (
        "No model version is in use" in page.get(reverse("courses:assignment", args=[assignment.pk])).content.decode()
    )


def test_it_says_plainly_that_no_worker_listens_and_asks_again(page, assignment):
    run = make_run(assignment, [make_submission(assignment)])
    html = progress(page, run)
    assert "No worker is listening" in html
    assert 'hx-trigger="every 2s"' in html
    now = timezone.now()
    Worker.objects.create(name="w", kind="marking", started_at=now, seen_at=now)
    assert "No worker is listening" not in progress(page, run)
    Worker.objects.update(seen_at=now - timedelta(hours=1))
    assert "No worker is listening" in progress(page, run)


def test_a_run_that_is_over_is_not_asked_for_again(page, assignment):
    run = make_run(assignment, [make_submission(assignment)])
    run.jobs.update(state="succeeded", finished_at=timezone.now())
    html = progress(page, run)
    assert "hx-get" not in html
    assert "The run is over." in html


def test_a_cancelled_run_keeps_what_was_marked(page, assignment):
    run = make_run(assignment, [make_submission(assignment), make_submission(assignment)])
    run.jobs.filter(pk=run.jobs.first().pk).update(state="succeeded", finished_at=timezone.now())
    page.post(reverse("grading:run_cancel", args=[run.pk]))
    assert sorted(run.jobs.values_list("state", flat=True)) == ["cancelled", "succeeded"]
    assert "The run was cancelled" in progress(page, run)


def test_failed_answers_are_listed_with_the_reason_and_tried_again(page, assignment):
    row = make_submission(assignment)
    run = make_run(assignment, [row])
    run.jobs.update(state="failed", error_code="worker_lost", finished_at=timezone.now())
    html = progress(page, run)
    assert reverse("grading:review", args=[row.pk]) in html
    assert "worker_lost" not in html, "codes are for the program, words for people"
    page.post(reverse("grading:run_retry", args=[run.pk]))
    assert run.jobs.get().state == "queued"


def test_the_page_shows_the_same_as_its_live_part(page, assignment):
    run = make_run(assignment, [make_submission(assignment)])
    html = page.get(reverse("grading:run", args=[run.pk])).content.decode()
    assert 'id="run-progress"' in html
    assert "0 of 1" in html
