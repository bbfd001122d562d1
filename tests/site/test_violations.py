"""Reports of the content security policy become lines of the log: few, short, and about nobody."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from gradingsite import violations

pytestmark = pytest.mark.django_db
OLD = {
    "csp-report": {
        "document-uri": "https://school.example/accounts/reset/MQ/abc-secret/?next=/x",
        "referrer": "https://school.example/grading/people/?q=Brandt",
        "violated-directive": "script-src-elem",
        "effective-directive": "script-src-elem",
        "blocked-uri": "https://user:word@evil.example:8443/path?stolen=cookie",
        "script-sample": "alert('Ada Brandt')",
    }
}
NEW = [{"type": "csp-violation", "body": {"effectiveDirective": "img-src", "blockedURL": "data", "documentURL": "/"}}]


def sent(client: Client, report: Any, **more: Any) -> int:
    body = report if isinstance(report, (bytes, str)) else json.dumps(report)
    return client.post("/csp-report", body, content_type="application/csp-report", **more).status_code


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == violations.__name__]


def test_every_answer_names_the_address(client: Client) -> None:
    policy = client.get("/accounts/login/").headers["Content-Security-Policy"]
    assert "report-uri /csp-report" in policy


def test_a_report_is_told_without_anything_of_a_person(caplog: pytest.LogCaptureFixture) -> None:
    # As a browser sends it: with no token of a form.
    assert sent(Client(enforce_csrf_checks=True), OLD) == 204
    expected = "The content security policy held back script-src-elem from evil.example:8443 on password_reset_confirm"
    assert lines(caplog) == [expected]


def test_the_new_form_and_inline_things_are_told_too(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert sent(client, NEW) == 204
    assert sent(client, {"csp-report": {"effective-directive": "style-src", "blocked-uri": "inline"}}) == 204
    assert [line.removeprefix("The content security policy held back ") for line in lines(caplog)] == [
        "img-src from data on courses:home",
        "style-src from inline on an unknown page",
    ]


def test_no_line_is_forged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    sent(client, {"csp-report": {"effective-directive": "x\nERROR root: all is lost", "blocked-uri": "a\nb"}})
    assert lines(caplog) == ["The content security policy held back x from elsewhere on an unknown page"]


def test_a_large_one_is_not_read(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    assert sent(client, {**OLD, "more": "x" * violations.LARGEST}) == 204
    assert lines(caplog) == []


def test_so_many_lines_are_written_in_an_hour_and_no_more(
    client: Client, caplog: pytest.LogCaptureFixture, settings: Any
) -> None:
    settings.TRIES_PER_HOUR = {**settings.TRIES_PER_HOUR, "csp_report": 3}
    for _ in range(5):
        assert sent(client, OLD) == 204
    assert len(lines(caplog)) == 3


FIELDS = sorted(OLD["csp-report"])
anything = some.recursive(some.none() | some.text() | some.integers(), lambda inner: some.lists(inner, max_size=3))


@given(some.one_of(some.binary(max_size=200), some.dictionaries(some.sampled_from(FIELDS), anything)))
def test_whatever_is_sent_no_error_comes_of_it(report: Any) -> None:
    logging.disable(logging.CRITICAL)
    try:
        assert sent(Client(), report if isinstance(report, bytes) else {"csp-report": report}) == 204
    finally:
        logging.disable(logging.NOTSET)


def test_it_takes_nothing_but_reports(client: Client) -> None:
    assert client.get("/csp-report").status_code == 405
