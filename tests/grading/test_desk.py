"""What the desk asks for while a paper is open: autosave, presence, flags, jumps, undo."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from courses.models import Assignment
from grading.models import Grade, GradeState, Presence
from grading.services import grade_approve, grade_change
from tests.grading.factories import make_grade, make_submission, make_user


@pytest.fixture
def desk(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


@pytest.fixture
def grade(assignment: Assignment) -> Grade:
    return make_grade(make_submission(assignment, student=make_user("mia", last_name="Adler")))


def autosave(desk: Client, grade: Grade, **typed: Any) -> Any:
    values = {"edition": grade.edition, "points": "2", "feedback": "Well explained.", "internal_note": "", **typed}
    return desk.post(reverse("grading:grade_autosave", args=[grade.pk]), values)


def test_typing_is_kept_and_the_page_is_told_the_new_edition(desk, grade):
    said = autosave(desk, grade, feedback="Say why.").json()
    grade = Grade.objects.get(pk=grade.pk)
    assert (said["edition"], grade.edition, grade.feedback.text) == (2, 2, "Say why.")
    assert said["words"].startswith("saved ")
    assert grade.state == GradeState.PROPOSED


def test_a_save_that_arrives_twice_is_taken_once(desk, grade):
    autosave(desk, grade, feedback="Say why.")
    again = autosave(desk, grade, feedback="Say why.")
    assert (again.status_code, again.json()["edition"]) == (200, 2)


def test_a_save_of_an_older_edition_is_refused_and_changes_nothing(desk, grade, assistant):
    grade_change(grade=grade, by=assistant, edition=1, feedback="Theirs.")
    response = autosave(desk, grade, feedback="Mine.")
    assert (response.status_code, "Somebody changed this grade" in response.json()["words"]) == (409, True)
    assert Grade.objects.get(pk=grade.pk).feedback.text == "Theirs."


def test_nothing_is_saved_into_an_approved_grade(desk, grade, assistant):
    grade_approve(grade=grade, by=assistant, edition=1)
    grade.refresh_from_db()
    assert autosave(desk, grade, points="1").status_code == 409
    assert Grade.objects.get(pk=grade.pk).points == 2


def test_points_off_the_scale_are_said_and_not_saved(desk, grade):
    response = autosave(desk, grade, points="9")
    assert (response.status_code, "0 to 4" in response.json()["words"]) == (422, True)
    assert Grade.objects.get(pk=grade.pk).edition == 1


def renew(client: Client, grade: Grade, **fields: str) -> Any:
    return client.post(reverse("grading:presence", args=[grade.submission_id]), fields).json()


def test_two_people_at_one_paper_see_each_other_until_one_leaves(desk, grade, assistant):
    other = Client()
    other.force_login(assistant)
    assert renew(desk, grade)["words"] == ""
    assert "Miriam Osei" in renew(other, grade)["words"]
    assert "Tom Weber" in renew(desk, grade)["words"]
    renew(other, grade, leave="1")
    assert renew(desk, grade)["words"] == ""


def test_a_lease_that_nobody_renews_runs_out(desk, grade, assistant):
    gone = timezone.now() - timedelta(minutes=1)
    Presence.objects.create(submission=grade.submission, user=assistant, seen_at=gone)
    assert renew(desk, grade)["words"] == ""


def test_the_page_learns_of_a_newer_edition(desk, grade, assistant):
    assert renew(desk, grade)["edition"] == 1
    grade_change(grade=grade, by=assistant, edition=1, points=Decimal(1))
    assert renew(desk, grade)["edition"] == 2


def test_a_flag_is_set_and_taken_away_and_no_student_sees_it(desk, grade):
    review = reverse("grading:review", args=[grade.submission_id])
    desk.post(reverse("grading:flag", args=[grade.submission_id]))
    assert ">flagged<" in desk.get(review).content.decode()
    desk.post(reverse("grading:flag", args=[grade.submission_id]))
    assert ">flagged<" not in desk.get(review).content.decode()
    desk.post(reverse("grading:flag", args=[grade.submission_id]))
    desk.force_login(grade.submission.student)
    page = desk.get(reverse("courses:submission", args=[grade.submission_id])).content.decode()
    assert "flagged" not in page


def test_undo_shows_the_paper_that_it_was_about(desk, grade, assignment, teacher):
    later = make_grade(make_submission(assignment, student=make_user("zoe", last_name="Zimmer")))
    grade_approve(grade=grade, by=teacher, edition=1)
    response = desk.post(reverse("grading:undo", args=[assignment.pk]), {"paper": later.submission_id})
    assert reverse("grading:review", args=[grade.submission_id]) in response.url
    assert Grade.objects.get(pk=grade.pk).state == GradeState.PROPOSED
    assert "Undone: the approval." in desk.get(response.url).content.decode()


def test_an_undo_that_is_refused_says_why_and_stays_where_one_was(desk, grade, assignment):
    response = desk.post(reverse("grading:undo", args=[assignment.pk]), {"paper": grade.submission_id}, follow=True)
    assert response.redirect_chain[0][0].startswith(reverse("grading:review", args=[grade.submission_id]))
    assert "nothing of yours to undo" in response.content.decode()


def test_jumps_lead_to_the_next_without_a_grade_and_to_the_least_certain(desk, grade, assignment):
    sure = make_grade(make_submission(assignment), proposed_score=0.99)
    doubtful = make_grade(make_submission(assignment), proposed_score=0.4)
    empty = make_submission(assignment)
    at = {to: desk.get(reverse("grading:jump", args=[sure.submission_id, to])).url for to in ("ungraded", "uncertain")}
    grade.delete()
    assert f"/{empty.pk}/" in at["ungraded"]
    again = desk.get(reverse("grading:jump", args=[sure.submission_id, "uncertain"])).url
    assert f"/{doubtful.submission_id}/" in again
    assert desk.get(reverse("grading:jump", args=[sure.submission_id, "elsewhere"])).status_code == 404


def test_a_script_is_told_where_approving_leads(desk, grade, assignment):
    later = make_grade(make_submission(assignment, student=make_user("zoe", last_name="Zimmer")))
    body = {"edition": 1, "points": "2", "feedback": "", "internal_note": "", "approve": "1"}
    said = desk.post(reverse("grading:grade_save", args=[grade.pk]), body, headers={"X-Desk": "1"}).json()
    assert f"/{later.submission_id}/" in said["next"]
    assert said["desk"]
    assert Grade.objects.get(pk=grade.pk).state == GradeState.APPROVED


def test_after_the_last_paper_a_script_is_sent_to_the_list_which_says_so(desk, grade, assignment):
    body = {"edition": 1, "points": "2", "feedback": "", "internal_note": "", "approve": "1"}
    said = desk.post(reverse("grading:grade_save", args=[grade.pk]), body, headers={"X-Desk": "1"}).json()
    assert said == {"next": reverse("grading:review_list", args=[assignment.pk]), "desk": False}
    assert "Nothing is left to review here." in desk.get(said["next"]).content.decode()


def test_papers_are_listed_with_their_students(desk, grade, assignment):
    rows = desk.get(reverse("grading:papers", args=[assignment.pk])).json()["papers"]
    assert [(row["name"], row["state"]) for row in rows] == [("Mia Adler", "to review")]
