"""Lines for programs: what they hold, what they leave out, and how a request's id gets to a worker."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from grading import tasks
from gradingsite import celery_app, logs
from gradingsite.celery import REQUEST_HEADER, log_about_nothing, log_about_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a process with LOG_FORMAT=json writes."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(logs.Context())
    handler.setFormatter(logs.JsonLines())
    root, requests = logging.getLogger(), logging.getLogger("gradingsite.requests")
    root.addHandler(handler)
    requests.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    requests.setLevel(logging.WARNING)


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_leaves_one_line_with_its_id_which_the_answer_names(
    client: Client, admin: User, lines: io.StringIO
) -> None:
    client.force_login(admin)
    answer = client.get(reverse("grading:health"))
    told = [line for line in read(lines) if line["logger"] == "gradingsite.requests"]
    assert len(told) == 1
    assert told[0]["request_id"] == answer.headers["X-Request-ID"]
    assert (told[0]["view"], told[0]["status"], told[0]["user"]) == ("grading:health", 200, admin.pk)
    assert isinstance(told[0]["ms"], int)


def test_an_address_that_logs_somebody_in_is_not_written(client: Client, lines: io.StringIO) -> None:
    client.get("/accounts/reset/MQ/d0h2-hunter22/")
    client.get("/accounts/reset/MQ/d0h2-hunter22/nowhere")
    assert lines.getvalue()
    assert "hunter22" not in lines.getvalue()


def test_what_django_says_of_a_refusal_carries_the_id_too(client: Client, lines: io.StringIO) -> None:
    answer = client.get("/nowhere/at/all")
    told = [line["request_id"] for line in read(lines)]
    assert told == [answer.headers["X-Request-ID"]] * 2


def test_a_password_that_is_sent_is_not_written(client: Client, lines: io.StringIO) -> None:
    client.post(reverse("login"), {"username": "ada@example.org", "password": "hunter22-and-more"})
    assert lines.getvalue()
    assert "hunter22" not in lines.getvalue()


def test_the_text_of_an_answer_is_not_written_when_its_page_fails(
    client: Client, student: User, assignment: Any, lines: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("row refused\nDETAIL:  Failing row contains (The zebra crossed the burning river).")

    monkeypatch.setattr("courses.views.submissions.submission_create", fail)
    client.force_login(student)
    client.raise_request_exception = False
    answer = client.post(
        reverse("courses:submit", args=[assignment.pk]), {"text": "The zebra crossed the burning river."}
    )
    assert answer.status_code == 500
    assert "RuntimeError" in lines.getvalue()
    assert "zebra" not in lines.getvalue()


@pytest.mark.parametrize(("proxies", "believed"), [(0, False), (1, True)])
def test_an_id_that_came_along_is_believed_from_a_proxy_of_ones_own_only(
    client: Client, settings: Any, proxies: int, believed: bool
) -> None:
    settings.TRUSTED_PROXIES = proxies
    given = client.get("/livez", headers={"X-Request-ID": "abcdef-123456"}).headers["X-Request-ID"]
    assert (given == "abcdef-123456") is believed


def test_an_id_that_is_none_is_replaced(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    assert client.get("/livez", headers={"X-Request-ID": 'x" {}\t'}).headers["X-Request-ID"].isalnum()


def test_fields_that_libraries_hang_on_a_record_stay_out(lines: io.StringIO) -> None:
    logging.getLogger("celery.app.trace").error("it failed", extra={"data": {"args": "student text"}, "run": 7})
    (told,) = read(lines)
    assert set(told) == {"time", "level", "logger", "process", "message", "run"}
    assert "student text" not in lines.getvalue()


def test_a_message_carries_the_requests_id_and_a_task_writes_it(lines: io.StringIO) -> None:
    sent: dict[str, Any] = {}
    broker = celery_app.connection_for_write("memory://")
    with logs.about(request_id="request-17"), broker as connection, connection.SimpleQueue("marking") as queue:
        tasks.mark_next.apply_async(connection=connection, queue="marking")
        sent = queue.get(timeout=5).headers
    assert sent[REQUEST_HEADER] == "request-17"
    tasks.mark_next.push_request(**sent)
    try:
        log_about_task(task_id="task-1", task=tasks.mark_next)
        logging.getLogger("grading.runtime").warning("marked")
        log_about_nothing(task=tasks.mark_next)
        logging.getLogger("grading.runtime").warning("idle")
    finally:
        tasks.mark_next.pop_request()
    first, second = read(lines)
    assert (first["request_id"], first["task"]) == ("request-17", "task-1")
    assert "request_id" not in second


def test_plain_lines_name_what_they_are_about() -> None:
    form = logs.configuration("plain", "INFO")["formatters"]["plain"]
    record = logging.LogRecord("grading.runtime", logging.INFO, "f", 1, "a batch of %s", (8,), None)
    with logs.about(run=7, jobs="1,2"):
        logs.Context().filter(record)
    assert logging.Formatter(form["format"], style="{").format(record).endswith("a batch of 8 run=7 jobs=1,2")


def test_statements_with_their_values_are_never_written() -> None:
    assert logs.configuration("json", "DEBUG")["loggers"]["django.db.backends"] == {"level": "INFO"}
