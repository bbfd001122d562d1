"""The review desk: what a teacher types is kept, and what the model proposed stays beside it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from courses.models import Assignment
from grading.models import Grade, GradeState
from grading.services import grade_approve, grade_change
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user


@pytest.fixture
def desk(client: Client, teacher: User) -> Client:
    client.force_login(teacher)
    return client


@pytest.fixture
def grade(assignment: Assignment) -> Grade:
    return make_grade(make_submission(assignment, student=make_user("mia", last_name="Adler")))


def page(desk: Client, grade: Grade) -> str:
    return desk.get(reverse("grading:review", args=[grade.submission_id])).content.decode()


def save(desk: Client, grade: Grade, query: str = "", **typed: Any) -> Any:
    values = {"edition": grade.edition, "points": "2", "feedback": "Well explained.", "internal_note": "", **typed}
    return desk.post(reverse("grading:grade_save", args=[grade.pk]) + query, values)


def test_a_changed_mark_is_kept_beside_the_proposal(desk, grade, teacher):
    response = save(desk, grade, points="3,5", feedback="Say why.\r\nThen how.", internal_note="see me")
    assert response.status_code == 302
    grade.refresh_from_db()
    assert (grade.points, grade.proposed_points, grade.state) == (Decimal("3.5"), 2, GradeState.PROPOSED)
    assert grade.feedback.text == "Say why.\nThen how."
    assert grade.feedback.proposed_text == "Well explained."
    html = page(desk, grade)
    assert "you differ" in html
    assert "As the model wrote it" in html
    assert "see me" in html


def test_approving_goes_on_to_the_next_that_waits(desk, grade, assignment):
    later = make_grade(make_submission(assignment, student=make_user("zoe", last_name="Zimmer")))
    done = make_grade(make_submission(assignment, student=make_user("ben", last_name="Becker")), "approved", points=2)
    response = save(desk, grade, approve="1")
    assert reverse("grading:review", args=[later.submission_id]) in response.url
    grade.refresh_from_db()
    assert grade.state == GradeState.APPROVED
    assert done.submission_id != later.submission_id


def test_at_the_end_it_returns_to_what_was_skipped_at_the_beginning(desk, grade, assignment):
    last = make_grade(make_submission(assignment, student=make_user("zoe", last_name="Zimmer")))
    response = save(desk, last, approve="1")
    assert reverse("grading:review", args=[grade.submission_id]) in response.url
    response = save(desk, grade, approve="1")
    assert response.url == reverse("grading:review_list", args=[assignment.pk])


@pytest.mark.parametrize("order", ["waiting", "points", "state"])
def test_a_queue_keeps_its_order_from_paper_to_paper(desk, grade, assignment, order):
    make_grade(make_submission(assignment, student=make_user("zoe", last_name="Zimmer")))
    response = save(desk, grade, f"?show=to_review&order={order}", approve="1")
    assert response.url.endswith(f"?show=to_review&order={order}")


@pytest.mark.parametrize(("points", "words"), [("4.5", "0 to 4"), ("0.3", "steps of 0.5"), ("many", "Enter a number")])
def test_it_refuses_points_off_the_scale_and_keeps_what_was_typed(desk, grade, points, words):
    response = save(desk, grade, points=points, feedback="A long and careful text.")
    assert response.status_code == 422
    html = response.content.decode()
    assert words in html
    assert "A long and careful text." in html
    assert "data-unsaved" in html
    grade.refresh_from_db()
    assert grade.edition == 1


def test_a_criterion_changes_the_total_and_shows_that_it_differs(desk, course):
    grade = make_grade(make_submission(make_assignment(course, criteria=(2, 2))))
    one, two = grade.criterion_scores.all()
    save(desk, grade, points="2", **{f"criterion-{one.pk}": "2", f"criterion-{two.pk}": "1"})
    grade.refresh_from_db()
    one.refresh_from_db()
    assert (grade.points, one.points, one.proposed_points) == (3, 2, 1)
    assert '<li class="changed">' in page(desk, grade)


def test_two_people_at_one_grade_lose_nothing(desk, grade, assistant):
    grade_change(grade=grade, by=assistant, edition=1, points=Decimal(1), feedback="Theirs.")
    response = save(desk, grade, points="3", feedback="Mine.", internal_note="my note", approve="1")
    assert response.status_code == 409
    html = response.content.decode()
    assert '<td class="written">Theirs.</td>' in html
    assert '<td class="written was">Mine.</td>' in html
    assert "my note" in html
    grade.refresh_from_db()
    assert (grade.points, grade.state) == (1, GradeState.PROPOSED)
    assert save(desk, grade, points="3", feedback="Mine.").status_code == 302, "the page can be saved after that"


def test_what_was_typed_is_shown_even_if_the_grade_was_approved_meanwhile(desk, grade, assistant):
    grade_approve(grade=grade, by=assistant, edition=1)
    response = save(desk, grade, points="not even a number", feedback="An hour of work.")
    assert response.status_code == 409
    html = response.content.decode()
    assert "An hour of work." in html
    assert "not even a number" in html
    assert "approved now" in html


def test_a_stale_page_rejects_nothing(desk, grade, assistant):
    grade_change(grade=grade, by=assistant, edition=1, points=Decimal(1))
    desk.post(reverse("grading:grade_reject", args=[grade.pk]), {"edition": "1", "note": "bad"})
    grade.refresh_from_db()
    assert grade.state == GradeState.PROPOSED


def test_a_rejected_proposal_leaves_room_to_mark_by_hand(desk, grade):
    desk.post(reverse("grading:grade_reject", args=[grade.pk]), {"edition": "1", "note": "off the topic"})
    html = page(desk, grade)
    assert "Mark by hand" in html
    desk.post(reverse("grading:grade_by_hand", args=[grade.submission_id]))
    own = grade.submission.grades.open().get()
    assert own.source == "teacher"
    assert "no proposal" in page(desk, own)


def test_an_empty_grade_is_not_approved_without_points(desk, grade):
    desk.post(reverse("grading:grade_reject", args=[grade.pk]), {"note": ""})
    desk.post(reverse("grading:grade_by_hand", args=[grade.submission_id]))
    own = grade.submission.grades.open().get()
    response = save(desk, own, points="", approve="1")
    assert response.status_code == 422
    assert "Give points before you approve" in response.content.decode()


def test_an_approved_grade_is_opened_again(desk, grade):
    save(desk, grade, approve="1")
    grade.refresh_from_db()
    assert 'id="desk-form"' not in page(desk, grade)
    desk.post(reverse("grading:grade_reopen", args=[grade.pk]), {"edition": grade.edition})
    assert 'id="desk-form"' in page(desk, grade)


def test_a_released_grade_is_read_only_and_marked_anew_beside_it(desk, assignment, teacher):
    old = make_grade(make_submission(assignment), "released", points=2)
    html = page(desk, old)
    assert 'id="desk-form"' not in html
    assert "Withdraw" in html
    desk.post(reverse("grading:grade_regrade", args=[old.pk]))
    old.refresh_from_db()
    assert old.state == GradeState.RELEASED
    assert 'id="desk-form"' in page(desk, old)


def test_history_names_who_did_what(desk, grade, teacher):
    save(desk, grade, points="3")
    html = page(desk, grade)
    assert "Miriam Osei" in html
    assert "→ 3" in html or "points 3" in html


def test_student_text_is_escaped_everywhere(desk, assignment):
    nasty = "</textarea><script>alert(1)</script>"
    grade = make_grade(
        make_submission(assignment, text=nasty, student=make_user(last_name=nasty[:150])),
        feedback=nasty,
        internal_note=nasty,
    )
    for name, pk in (("review", grade.submission_id), ("review_list", assignment.pk)):
        assert "<script>alert" not in desk.get(reverse(f"grading:{name}", args=[pk])).content.decode()


def test_it_shows_where_the_model_stopped_reading(desk, assignment):
    grade = make_grade(make_submission(assignment, text="read" + "unread"), unread_characters=6)
    html = page(desk, grade)
    assert "read the first 4 characters" in html
    read, line, unread = (html.index(part) for part in ('"0">read</div>', '<hr class="cut"', '"4">unread</div>'))
    assert read < line < unread


def test_line_breaks_and_letters_of_all_scripts_arrive_as_written(desk, assignment):
    text = "first\n\nשלום 🙂 second"
    grade = make_grade(make_submission(assignment, text=text))
    assert text in page(desk, grade)


def test_an_unreadable_answer_says_why_and_can_be_marked_by_hand(desk, assignment):
    row = make_submission(assignment, text=" ", state="unreadable", unreadable_reason="encrypted")
    html = desk.get(reverse("grading:review", args=[row.pk])).content.decode()
    assert "This file could not be read." in html
    assert "Mark by hand" in html


def test_the_page_needs_as_many_queries_for_many_papers_as_for_few(
    desk, grade, assignment, django_assert_max_num_queries
):
    for _ in range(12):
        make_grade(make_submission(assignment))
    with django_assert_max_num_queries(22):
        page(desk, grade)
