"""Workers of two kinds at once, each a real process that takes only its queues: one without torch for mail and other
short work, one for marking. A second one for marking joins a run that is on."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes
from pathlib import Path

import pytest
import redis
from django.utils import timezone

from grading import tasks
from grading.models import Grade, GradingJob, JobState, Worker
from grading.services import grading_run_cancel, grading_run_start, run_progress
from tests.faults.conftest import Workers, until
from tests.grading.factories import make_assignment, make_grade, make_submission, make_user, make_version

pytestmark = [pytest.mark.faults, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

ANSWERS = 24


class Mailbox(socketserver.ThreadingTCPServer):
    """As much of a mail server as takes a mail."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Speaker)
        self.mails: list[bytes] = []


class _Speaker(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (part := self.rfile.readline()) != b".\r\n":
                    lines.append(part)
                self.server.mails.append(b"".join(lines))  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 well\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_each_kind_takes_only_its_queues(workers: Workers, mailbox: Mailbox, tiny_adapter: Path) -> None:
    workers.environment |= {
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(mailbox.server_address[1]),
        "EMAIL_USE_TLS": "0",
        "LOG_FORMAT": "json",
    }
    make_version(directory=tiny_adapter)
    assignment = make_assignment(criteria=(2, 2))
    for number in range(ANSWERS):
        make_submission(assignment, f"The gap number {number} opens the circuit.")
    run = grading_run_start(assignment=assignment, by=make_user(), scope="all")
    student = make_user("told")
    released = make_grade(
        make_submission(make_assignment(), student=student), state="released", points=1, released_at=timezone.now()
    )
    tasks.mail_released.delay([released.pk])

    cpu = workers.start("default")
    until(lambda: mailbox.mails, "the mail gets out")
    assert message_from_bytes(mailbox.mails[0])["To"] == "told@example.org"
    assert run_progress(run).queued == ANSWERS, "the CPU worker leaves the marking alone"
    assert set(Worker.objects.values_list("kind", flat=True)) == {"default"}
    maps = Path(f"/proc/{cpu.pid}/maps").read_text()
    assert "libtorch" not in maps, "and needs no torch"

    tasks.train_next.delay()  # for a worker that is not there
    workers.start("marking")
    until(lambda: run_progress(run).done == ANSWERS, "the marking worker marks")
    assert set(Worker.objects.values_list("kind", flat=True)) == {"default", "marking"}
    by = {name.partition("@")[0] for name in GradingJob.objects.values_list("worker", flat=True)}
    assert by == {"marking"}
    assert len(mailbox.mails) == 1
    broker = redis.Redis.from_url(workers.environment["REDIS_URL"].replace("redis+socket", "unix"))
    assert broker.llen("training") == 1, "neither took the message for training"
    _nothing_went_wrong(workers.log.read_text())


def _nothing_went_wrong(log: str) -> None:
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert not [line for line in lines if line["level"] in {"ERROR", "CRITICAL"}], lines


def test_a_second_marking_worker_shares_a_run_that_is_on(workers: Workers, tiny_adapter: Path) -> None:
    make_version(directory=tiny_adapter)
    assignment = make_assignment(criteria=(2, 2))
    for number in range(400):
        make_submission(assignment, f"The gap number {number} opens the circuit, so no current flows. " * 8)
    teacher = make_user()
    run = grading_run_start(assignment=assignment, by=teacher, scope="all")
    workers.start("marking")
    until(lambda: run_progress(run).done, "the first worker marks")
    workers.start("marking")
    marked = run.jobs.filter(state=JobState.SUCCEEDED).order_by()
    until(lambda: marked.values("worker").distinct().count() == 2, "both have marked some of it")
    grading_run_cancel(run=run, by=teacher)
    until(lambda: not run_progress(run).running, "both have heard of it")
    assert Grade.objects.count() == marked.count() < 400
    assert set(marked.values_list("attempt", flat=True)) == {1}, "no answer twice"
