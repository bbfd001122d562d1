"""Assignments and grades: what students can see goes to the platform's gradebook, all of it and nothing else."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from courses.models import Assignment, Submission
from grading import services
from grading.health_platforms import platform_troubles
from grading.models import Grade
from grading.services.release import grade_release_again, grade_withdraw
from gradingsite.lti.keys import key_rotate
from gradingsite.lti.models import Platform, ResourceLink, Score
from gradingsite.lti.services import sending
from gradingsite.lti.services.accounts import Person, person_bind, person_confirm
from gradingsite.lti.services.entering import link_to_assignment
from gradingsite.lti.services.scores import scores_send_again
from tests.factories import PASSWORD
from tests.grading.factories import make_assignment, make_grade, make_submission
from tests.lti.browser import Browser
from tests.lti.conftest import known_as
from tests.lti.platform import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada(platform: Platform, student: User) -> User:
    known_as(platform, student, "s-ada")
    return student


def approve(assignment: Assignment, student: User, teacher: User, points: str = "3.5", **fields: Any) -> Grade:
    submission = Submission.objects.filter(assignment=assignment, student=student).first()
    submission = submission or make_submission(assignment, student=student)
    return make_grade(submission, "approved", points=Decimal(points), approved_by=teacher, **fields)


def release(assignment: Assignment, student: User, teacher: User, points: str = "3.5", **fields: Any) -> Grade:
    grade = approve(assignment, student, teacher, points, **fields)
    services.grades_release(assignment=assignment, by=teacher)
    grade.refresh_from_db()
    return grade


def send() -> Score:
    """What a worker does when it is woken, at the time of the next try."""
    Score.objects.filter(state="queued").update(next_at=timezone.now())
    sending.scores_send_due()
    return Score.objects.get()


def test_a_released_grade_is_sent(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher)
    score = send()
    assert (score.state, score.sent_points, score.trouble) == ("sent", Decimal("3.5"), "")
    (body,) = simulator.scores
    assert body.pop("timestamp").endswith("+00:00")
    assert body == {
        "userId": "s-ada",
        "scoreGiven": 3.5,
        "scoreMaximum": 4.0,
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    }
    assert simulator.asked == ["/token", "/columns/1/scores"]


def test_nothing_is_sent_twice_without_a_change(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher)
    send()
    send()
    assert len(simulator.scores) == 1


@pytest.mark.parametrize("state", ["proposed", "approved", "withdrawn", "rejected", "superseded"])
def test_what_is_not_released_is_never_sent(
    state: str, link: ResourceLink, ada: User, simulator: Simulator, assignment: Assignment, teacher: User
) -> None:
    make_grade(make_submission(assignment, student=ada), state, points=Decimal(1), approved_by=teacher)
    link_to_assignment(link=link, assignment=assignment, by=teacher)
    Score.objects.get_or_create(link=link, student=ada, defaults={"next_at": timezone.now()})
    assert send().state == "sent"
    assert simulator.scores == []


def test_a_release_that_is_rolled_back_leaves_nothing_to_send(
    link: ResourceLink, ada: User, teacher: User, assignment: Assignment
) -> None:
    with transaction.atomic():
        release(assignment, ada, teacher)
        transaction.set_rollback(True)
    assert not Score.objects.exists()


def test_the_feedback_goes_along_only_where_an_admin_wants_it(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    Platform.objects.update(sends_feedback=True)
    release(assignment, ada, teacher, feedback="Well explained <b>indeed</b>.")
    send()
    assert simulator.scores[0]["comment"] == "Well explained <b>indeed</b>."


def test_a_newer_release_and_a_withdrawal_are_sent_anew(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher, "2")
    send()
    newer = release(assignment, ada, teacher, "3")
    send()
    grade_withdraw(grade=newer, by=teacher)
    score = send()
    assert [body.get("scoreGiven") for body in simulator.scores] == [2.0, 3.0, None]
    assert simulator.scores[2]["gradingProgress"] == "Pending"
    assert (score.state, score.sent_points) == ("sent", None)
    grade_release_again(grade=Grade.objects.get(pk=newer.pk), by=teacher)
    send()
    assert simulator.scores[3]["scoreGiven"] == 3.0


def test_a_change_while_it_is_being_sent_is_not_lost(
    link: ResourceLink,
    ada: User,
    teacher: User,
    simulator: Simulator,
    assignment: Assignment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release(assignment, ada, teacher, "2")
    real = sending.score_message

    def meanwhile(grade: Grade | None, sub: str, *, feedback: bool) -> Any:
        message = real(grade, sub, feedback=feedback)
        if not simulator.scores and Grade.objects.count() == 1:
            release(assignment, ada, teacher, "4")
        return message

    monkeypatch.setattr(sending, "score_message", meanwhile)
    sending.scores_send_due()
    assert [body["scoreGiven"] for body in simulator.scores] == [2.0, 4.0]
    assert Score.objects.get().sent_points == 4


def test_a_platform_that_fails_is_tried_again_ever_later(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher)
    simulator.answers = [500, 503, 429, 401]
    waits = []
    for _try in range(4):
        score = send()
        assert (score.state, score.trouble) == ("queued", "refused")
        waits.append(round((score.next_at - timezone.now()).total_seconds(), -1))
    assert waits == [30, 60, 120, 240]
    assert not Score.objects.due(timezone.now()).exists()
    assert send().state == "sent"
    assert len(simulator.scores) == 1


@pytest.mark.parametrize(
    ("twist", "trouble"),
    [
        ("500 /token", "refused"),
        ("redirect /token", "redirect"),
        ("nonsense /token", "nonsense"),
        ("redirect /columns/1/scores", "redirect"),
        ("slow /columns/1/scores", "silent"),
    ],
)
def test_whatever_goes_wrong_the_row_stays_and_says_why(
    twist: str,
    trouble: str,
    link: ResourceLink,
    ada: User,
    teacher: User,
    simulator: Simulator,
    assignment: Assignment,
) -> None:
    release(assignment, ada, teacher)
    simulator.twists.add(twist)
    score = send()
    assert (score.state, score.trouble) == ("queued", trouble)
    assert "/secret" not in simulator.asked
    simulator.twists.clear()
    assert send().state == "sent"


def test_an_answer_that_is_no_json_is_an_answer(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher)
    simulator.twists.add("nonsense /columns/1/scores")
    assert send().state == "sent"


def test_what_the_platform_will_never_take_is_given_up_and_a_teacher_sends_it_again(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment, visitor: Browser
) -> None:
    release(assignment, ada, teacher)
    simulator.answers = [404]
    score = send()
    assert (score.state, score.trouble, score.status) == ("failed", "refused", 404)
    assert send().state == "failed"
    visitor.log_in("teacher@example.org", PASSWORD)
    assert "1 failed" in " ".join(visitor.open(f"/assignments/{assignment.pk}/").text.split())
    page = visitor.open(f"/lti/assignments/{assignment.pk}/scores/")
    assert "The platform refused it (404)." in page.text
    assert scores_send_again(assignment=assignment) == 1
    assert send().state == "sent"
    assert "3.5" in visitor.open(f"/lti/assignments/{assignment.pk}/scores/").text


def test_after_many_tries_it_is_given_up(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher)
    Score.objects.update(tries=sending.MOST_TRIES - 1)
    simulator.answers = [500]
    assert send().state == "failed"


def test_it_waits_for_a_student_who_has_not_come_from_the_platform(
    link: ResourceLink,
    student: User,
    teacher: User,
    simulator: Simulator,
    assignment: Assignment,
    platform: Platform,
) -> None:
    release(assignment, student, teacher)
    score = send()
    assert (score.state, score.trouble) == ("waiting", "no_person")
    assert simulator.scores == []
    person_confirm(platform=platform, sub="s-ada", user=student)
    assert send().state == "sent"
    assert person_bind(platform=platform, person=Person("s-x", "ada@example.org")) is None


def test_a_lost_worker_and_a_lost_broker_lose_nothing(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    """No broker listens in these tests: the release goes through, and the row is found by the next beat. A worker that
    died with the row in its hands is made good after its lease."""
    release(assignment, ada, teacher)
    Score.objects.update(state="sending", claimed_at=timezone.now())
    assert send().state == "sending"
    Score.objects.update(claimed_at=timezone.now() - sending.LEASE - timedelta(seconds=1))
    assert send().state == "sent"
    assert len(simulator.scores) == 1


def test_a_row_is_sent_by_one_worker(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    release(assignment, ada, teacher)
    row = Score.objects.get()
    assert sending._take(row, sending.Post())
    stale = Score.objects.get()
    stale.state = "queued"
    assert not sending._take(stale, sending.Post())
    assert len(simulator.scores) == 1


def test_a_platform_that_is_switched_off_is_not_asked(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    Platform.objects.update(enabled=False)
    release(assignment, ada, teacher)
    assert send().state == "queued"
    assert simulator.asked == []
    Platform.objects.update(enabled=True)
    assert send().state == "sent"


def test_a_link_that_comes_later_gets_what_was_released_before(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    other = make_assignment(assignment.course)
    release(other, ada, teacher, "1.5")
    assert not Score.objects.exists()
    link_to_assignment(link=link, assignment=other, by=teacher)
    assert send().sent_points == Decimal("1.5")
    # And where it leads elsewhere, the points of the first one are taken back.
    link_to_assignment(link=link, assignment=assignment, by=teacher)
    assert send().sent_points is None
    assert "scoreGiven" not in simulator.scores[-1]


def test_a_link_without_a_column_gets_nothing(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment
) -> None:
    ResourceLink.objects.update(line_item="")
    release(assignment, ada, teacher)
    assert not Score.objects.exists()


def test_a_new_key_is_used_at_once(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment, admin: User
) -> None:
    release(assignment, ada, teacher)
    key_rotate(by=admin)
    assert send().state == "sent"


def test_another_students_grade_is_not_sent_to_this_one(
    link: ResourceLink,
    ada: User,
    teacher: User,
    simulator: Simulator,
    assignment: Assignment,
    other_student: User,
    platform: Platform,
) -> None:
    known_as(platform, other_student, "s-bilal")
    approve(assignment, ada, teacher, "1")
    release(assignment, other_student, teacher, "4")
    sending.scores_send_due()
    assert {body["userId"]: body["scoreGiven"] for body in simulator.scores} == {"s-ada": 1.0, "s-bilal": 4.0}


def test_a_silent_platform_holds_nobody_up(
    link: ResourceLink,
    ada: User,
    teacher: User,
    simulator: Simulator,
    assignment: Assignment,
    other_student: User,
    platform: Platform,
) -> None:
    """A class has thirty rows, and each would wait for the time limit: the round ends with the first."""
    known_as(platform, other_student, "s-bilal")
    approve(assignment, ada, teacher)
    release(assignment, other_student, teacher)
    simulator.twists.add("slow /token")
    sending.scores_send_due()
    assert simulator.asked == ["/token"]
    assert sorted(Score.objects.values_list("state", "tries")) == [("queued", 0), ("queued", 1)]
    simulator.twists.clear()
    Score.objects.update(next_at=timezone.now())
    sending.scores_send_due()
    assert len(simulator.scores) == 2


def test_the_health_page_tells_an_admin_what_did_not_go_out(
    link: ResourceLink, ada: User, teacher: User, simulator: Simulator, assignment: Assignment, platform: Platform
) -> None:
    release(assignment, ada, teacher)
    simulator.answers = [404]
    send()
    (trouble,) = platform_troubles()
    assert (trouble.code, trouble.what) == ("platform_scores", "1 score could not be sent to “Hill Moodle”.")
    Platform.objects.update(refused_host="grades.example.org")
    assert [trouble.code for trouble in platform_troubles()] == ["platform_scores", "platform_host"]
    Platform.objects.update(enabled=False)
    assert list(platform_troubles()) == []
