"""What happens when several do the same at the same moment: real threads, each with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from courses.errors import UserError
from grading.models import Grade, GradeState, GradingJob, GradingRun
from grading.services import grade_approve, grade_by_hand, grading_run_start, version_promote, version_register
from grading.services.jobs import jobs_claim
from grading.services.mails import released_mails_send
from grading.services.results import batch_write
from grading.services.training_work import training_claim
from mlcore.schemas import Proposal
from tests.grading.adapters import write_bare_adapter
from tests.grading.factories import make_assignment, make_grade, make_run, make_submission, make_user, make_version

pytestmark = pytest.mark.django_db(transaction=True)


def together(number: int, act: Callable[[int], Any]) -> list[Any]:
    """Call `act(0)`, `act(1)` … at once; what each returned, or the user error that it met."""
    results: list[Any] = [None] * number
    begin = threading.Barrier(number)

    def run(index: int) -> None:
        try:
            begin.wait()
            results[index] = act(index)
        except UserError as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


def test_no_two_claimers_get_the_same_job():
    for _ in range(2):
        assignment = make_assignment()
        make_run(assignment, [make_submission(assignment) for _ in range(20)])

    def claim_all(index: int) -> list[int]:
        mine: list[int] = []
        misses = 0
        # Where rows are skipped because somebody else has locked them, a claim may find nothing for a moment.
        while misses < 3:
            claim = jobs_claim(worker=f"worker-{index}", limit=3)
            misses += claim is None
            mine += [ticket.job_id for ticket in claim.tickets] if claim else []
        return mine

    claimed = [job for jobs in together(4, claim_all) for job in jobs]
    assert sorted(claimed) == sorted(GradingJob.objects.values_list("pk", flat=True))
    assert set(GradingJob.objects.values_list("attempt", "state")) == {(1, "running")}


def test_two_clicks_at_once_start_one_run():
    make_version()
    assignment = make_assignment()
    for _ in range(5):
        make_submission(assignment)
    teacher = make_user()
    runs = together(4, lambda index: grading_run_start(assignment=assignment, by=teacher, scope="all"))
    assert len({run.pk for run in runs}) == 1
    assert (GradingRun.objects.count(), GradingJob.objects.count()) == (1, 5)


def test_of_two_teachers_one_approves():
    grade = make_grade()
    teachers = [make_user(), make_user()]
    results = together(2, lambda index: grade_approve(grade=grade, by=teachers[index], edition=1))
    assert sorted(isinstance(result, UserError) for result in results) == [False, True]
    assert grade.events.filter(action="approved").count() == 1


def test_a_result_and_a_teacher_never_leave_two_open_grades():
    for _ in range(8):
        assignment = make_assignment()
        submission = make_submission(assignment)
        make_run(assignment, [submission])
        claim = jobs_claim(worker="w", limit=1)
        teacher = make_user()

        def act(index: int, claim: Any = claim, submission: Any = submission, teacher: Any = teacher) -> Any:
            if index:
                return grade_by_hand(submission=submission, by=teacher)
            proposals = {ticket.job_id: Proposal("x", 0.5, 2.0) for ticket in claim.tickets}
            return batch_write(claim=claim, proposals=proposals)

        together(2, act)
        assert Grade.objects.open().filter(submission=submission).count() == 1


def test_two_promotions_at_once_leave_one_version_in_use(versions_dir):
    versions = [version_register(directory=write_bare_adapter(versions_dir / name)) for name in ("a", "b", "c")]
    admin = make_user(is_staff=True)
    together(3, lambda index: version_promote(version=versions[index], by=admin))
    assert type(versions[0]).objects.promoted().count() == 1


def test_a_message_that_comes_twice_sends_one_mail(mailoutbox, django_capture_on_commit_callbacks):
    from django.utils import timezone

    grade = make_grade(state=GradeState.RELEASED, points=1, released_at=timezone.now())
    sent = together(3, lambda index: released_mails_send(grade_ids=[grade.pk]))
    assert sorted(sent) == [0, 0, 1]
    assert len(mailoutbox) == 1


def test_a_training_run_has_one_worker():
    from grading.models import TrainingRun

    TrainingRun.objects.create(request_key="00000000-0000-0000-0000-000000000001", config={})
    claims = together(3, lambda index: training_claim(worker=f"w{index}"))
    assert sum(claim is not None for claim in claims) == 1
