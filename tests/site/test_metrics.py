"""/metrics: who may read it, what is in it, and that counts of several processes come together."""

from __future__ import annotations

import threading
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from courses.models import Assignment
from grading.models import GradingJob, LastTime, Tally, Worker
from gradingsite import tallies
from gradingsite.mail import CountingBackend
from tests.grading.factories import make_run, make_submission

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_counted() -> None:
    tallies._forget()


def scrape(client: Client) -> dict[str, float]:
    """Every sample by its name and labels, read with Prometheus' own parser."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.content.decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.mark.parametrize(
    ("address", "headers", "status"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.1.2.3", {}, 403),
        ("", {}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "10.1.2.3"}, 403),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),
        ("127.0.0.1", {"Forwarded": "for=10.1.2.3"}, 403),
    ],
)
def test_without_a_token_this_machine_alone_may_read_it(
    client: Client, address: str, headers: dict[str, str], status: int
) -> None:
    assert client.get("/metrics", headers=headers, REMOTE_ADDR=address).status_code == status


def test_behind_a_proxy_of_ones_own_nobody_is_local(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = 1
    assert client.get("/metrics").status_code == 403


@pytest.mark.parametrize(
    ("given", "status"), [("Bearer right-token", 200), ("Bearer wrong", 403), ("right-token", 403), ("", 403)]
)
def test_with_a_token_whoever_has_it_may_read_it_and_nobody_else(
    client: Client, settings: Any, given: str, status: int
) -> None:
    settings.METRICS_TOKEN = "right-token"
    answer = client.get("/metrics", headers={"Authorization": given}, REMOTE_ADDR="10.1.2.3")
    assert answer.status_code == status
    assert client.get("/metrics").status_code == 403, "not even this machine"


def test_a_write_is_refused(client: Client) -> None:
    assert client.post("/metrics").status_code == 405


def test_requests_are_counted_by_view_and_status_with_their_time(client: Client) -> None:
    for _ in range(3):
        client.get("/livez")
    client.get("/nowhere/at/all")
    found = scrape(client)
    assert found["marginalia_http_requests_total{method=GET,status=200,view=livez}"] == 3
    assert found["marginalia_http_requests_total{method=GET,status=404,view=none}"] == 1
    assert found["marginalia_http_request_seconds_count{view=livez}"] == 3
    assert found["marginalia_http_request_seconds_bucket{le=+Inf,view=livez}"] == 3
    assert 0 < found["marginalia_http_request_seconds_sum{view=livez}"] < 60


def test_buckets_count_all_that_is_smaller(client: Client) -> None:
    for seconds in (0.01, 0.2, 0.2, 700):
        tallies.observe("http_request_seconds", seconds, view="x")
    found = scrape(client)
    by_edge = {
        edge: found[f"marginalia_http_request_seconds_bucket{{le={edge},view=x}}"] for edge in ("0.05", "0.25", "+Inf")
    }
    assert by_edge == {"0.05": 1, "0.25": 3, "+Inf": 4}


def test_what_waits_is_told_by_kind_with_its_age(client: Client, assignment: Assignment) -> None:
    make_run(assignment, [make_submission(assignment), make_submission(assignment)])
    GradingJob.objects.filter(pk=GradingJob.objects.first().pk).update(queued_at=timezone.now() - timedelta(minutes=5))
    found = scrape(client)
    assert found["marginalia_queue_length{kind=marking}"] == 2
    assert 299 < found["marginalia_queue_oldest_seconds{kind=marking}"] < 330
    assert found["marginalia_queue_oldest_seconds{kind=training}"] == 0
    assert found["marginalia_grading_jobs{state=queued}"] == 2


def test_workers_alive_and_how_busy_they_are(client: Client) -> None:
    now = timezone.now()
    for name, share in (("a", 0.5), ("b", 1.0)):
        Worker.objects.create(name=name, kind="marking", started_at=now, seen_at=now, busy_share=share)
    Worker.objects.create(name="gone", kind="training", started_at=now, seen_at=now - timedelta(hours=1))
    found = scrape(client)
    assert found["marginalia_workers{kind=marking}"] == 2
    assert found["marginalia_workers{kind=training}"] == 0
    assert found["marginalia_worker_busy_ratio{kind=marking}"] == 0.75


def test_marks_a_second_are_those_of_the_last_minute(client: Client, assignment: Assignment) -> None:
    run = make_run(assignment, [make_submission(assignment) for _ in range(3)])
    run.jobs.update(state="succeeded", finished_at=timezone.now())
    run.jobs.filter(pk=run.jobs.first().pk).update(finished_at=timezone.now() - timedelta(minutes=2))
    assert scrape(client)["marginalia_marks_per_second{}"] == pytest.approx(2 / 60)


def test_a_mail_server_that_refuses_is_counted_and_remembered(client: Client, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    with pytest.raises((OSError, SMTPServerDisconnected)):
        CountingBackend().send_messages([EmailMessage("s", "b", "a@example.org", ["b@example.org"])])
    assert scrape(client)["marginalia_mail_failures_total{kind=ConnectionRefusedError}"] == 1
    assert LastTime.objects.get().name == "mail_failed"


def test_without_a_broker_the_rest_is_still_told(client: Client) -> None:
    found = scrape(client)
    assert (found["marginalia_up_database{}"], found["marginalia_up_broker{}"]) == (1, 0)


def test_without_a_database_it_still_answers(client: Client) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise DatabaseError("the server closed the connection")

    tallies.count("marks", 7)
    with connection.execute_wrapper(refuse):
        assert scrape(client)["marginalia_up_database{}"] == 0
    assert scrape(client)["marginalia_marks_total{}"] == 7, "what was counted meanwhile is not lost"


def test_counts_of_two_processes_come_together() -> None:
    tallies.count("marks", 3)
    tallies.flush()
    tallies._forget()  # another process
    tallies.count("marks", 4)
    tallies.flush()
    assert Tally.objects.get(name="marks").value == 7


def test_no_count_is_lost_between_threads() -> None:
    threads = [threading.Thread(target=lambda: [tallies.count("marks") for _ in range(500)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tallies.flush()
    assert Tally.objects.get(name="marks").value == 4000


def test_nothing_in_it_names_a_person(client: Client, assignment: Assignment) -> None:
    submission = make_submission(assignment, "An answer about lamps.")
    make_run(assignment, [submission])
    text = client.get("/metrics").content.decode()
    assert submission.student.email not in text
    assert "lamps" not in text
