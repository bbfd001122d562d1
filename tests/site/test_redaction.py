"""What must never stand in a log, put into lines in the ways in which it gets there."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from gradingsite import logs
from gradingsite.redaction import HIDDEN, LONGEST_LINE, hiding, redact

ANSWER = "The gap in the bulb opens the circuit, so that no current flows through the second lamp."


@pytest.mark.parametrize(
    "line",
    [
        "connect to postgres://marginalia:hunter22@db/marginalia failed",
        "redis://:hunter22@127.0.0.1:6379/0 does not answer",
        "password=hunter22",
        "EMAIL_HOST_PASSWORD: 'hunter22'",
        '{"password": "hunter22", "username": "ada"}',
        "POST data: {'new_password1': 'hunter22'}",
        "Authorization: Bearer hunter22hunter22",
        "client_secret=hunter22&grant_type=code",
        "csrfmiddlewaretoken=hunter22",
        "Set-Cookie: sessionid=hunter22; Path=/",
        "api_key = hunter22",
        "Not Found: /accounts/reset/MQ/hunter22-abcdef/",
        "id_token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIyMiJ9.hunter22",
    ],
)
def test_secrets_are_hidden_in_whatever_words_they_come(line: str) -> None:
    assert "hunter22" not in redact(line)
    assert HIDDEN in redact(line)


@pytest.mark.parametrize("name", ["SECRET_KEY", "EMAIL_HOST_PASSWORD", "METRICS_TOKEN"])
def test_this_sites_own_secrets_are_hidden_wherever_they_turn_up(name: str, settings: Any) -> None:
    setattr(settings, name, "quite-a-long-secret")
    assert "quite-a-long-secret" not in redact("it began with quite-a-long-secret and went on")


def test_the_password_of_the_broker_and_of_the_database_are_hidden(settings: Any) -> None:
    settings.CELERY_BROKER_URL = "redis://:sesame%20street@127.0.0.1:6379/0"
    settings.DATABASES["default"]["PASSWORD"] = "open-sesame"
    assert "sesame" not in redact("open-sesame or sesame street")
    settings.DATABASES["default"]["PASSWORD"] = ""


@pytest.mark.parametrize(
    "line",
    [
        "a batch of 8 took 2.1 s",
        "run 7: the adapter at /srv/versions/starter-3 cannot be read",
        "GET grading:review 200",
        "training_failed: exit code 1",
        "marking@node:12-3fb2 has the base model tiny-llama loaded",
        "the token limit is 512",
        "tokenizer: cannot read",
    ],
)
def test_plain_lines_stay_as_they_are(line: str) -> None:
    assert redact(line) == line


def test_the_row_that_postgresql_repeats_is_hidden() -> None:
    row = f"DETAIL:  Failing row contains (7, {ANSWER},\n second line of it, null)."
    line = f'null value in column "text"\n{row}\nCONTEXT: x'
    told = redact(line)
    assert "circuit" not in told
    assert "second line of it" not in told
    assert told.startswith('null value in column "text"')
    assert told.endswith("CONTEXT: x")


def test_a_long_quotation_is_measured_and_not_repeated() -> None:
    assert redact(f"could not convert {ANSWER!r} to float") == f"could not convert ‹{len(ANSWER)} characters› to float"


@pytest.mark.parametrize("form", [ANSWER, repr(ANSWER), json.dumps(ANSWER), ANSWER[10:60], ANSWER.replace(" ", "\\n")])
def test_what_is_worked_on_is_hidden_however_it_is_quoted(form: str) -> None:
    with hiding([ANSWER]):
        told = redact(f"tokenizer: cannot read <{form}> at 3")
    assert "opens the circuit" not in told.replace("\\n", " ")
    assert told.startswith("tokenizer: cannot read <")
    assert told.endswith(" at 3")


def test_hiding_ends_with_the_work() -> None:
    with hiding([ANSWER]):
        pass
    assert redact("the bulb opens the circuit") == "the bulb opens the circuit"


@given(st.lists(st.text("abcdefgäöü", min_size=2, max_size=6), min_size=5, max_size=40))
def test_no_five_words_of_an_answer_get_through(words: list[str]) -> None:
    text = " ".join(words)
    with hiding([text]):
        told = redact(f"ValueError: bad input {text!r}")
    assert not any(" ".join(words[at : at + 5]) in told for at in range(len(words) - 4))


@given(st.text(max_size=300))
def test_whatever_a_line_is_it_comes_through_and_stays_short(line: str) -> None:
    assert len(redact(line * 40)) <= LONGEST_LINE + 100


@pytest.mark.parametrize("part", ["a-", "token", "token=", "'a ", '"\\', "DETAIL:\n", "://", "/reset/", "eyJaaaaaaaa."])
def test_no_line_takes_long(part: str) -> None:
    begun = time.process_time()
    with hiding(["some words of an answer that is marked"]):
        redact(part * 50_000)
    assert time.process_time() - begun < 5


def test_a_traceback_goes_through_the_same_door(caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise IntegrityError(f"bad\nDETAIL:  Failing row contains (1, {ANSWER}).")
    except IntegrityError:
        record = logging.LogRecord(
            "a", logging.ERROR, "f", 1, "password=%s", ("hunter22",), __import__("sys").exc_info()
        )
    assert logs.Context().filter(record)
    told = json.loads(logs.JsonLines().format(record))
    assert told["message"] == f"password={HIDDEN}"
    assert "circuit" not in told["traceback"]
    assert "IntegrityError" in told["traceback"]
