"""What a line of the log says besides its words: which request, task, run, job or training it is about.

LOG_FORMAT=plain is for people, LOG_FORMAT=json is one JSON object a line. Only the fields named here are ever written:
what else hangs on a record (Django puts the request there, Celery a task's arguments) stays out.
"""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from gradingsite.redaction import redact

Ids = dict[str, object]

FIELDS = ("request_id", "task", "run", "jobs", "training", "event", "user", "view", "method", "status", "ms")
GIVEN_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")

_ids: ContextVar[Ids] = ContextVar("ids of what is being done")


@contextmanager
def about(**ids: object) -> Iterator[None]:
    """Every line that is written inside says that it is about these."""
    token = begin(**ids)
    try:
        yield
    finally:
        end(token)


def begin(**ids: object) -> Token[Ids]:
    return _ids.set({**_ids.get({}), **ids})


def end(token: Token[Ids]) -> None:
    _ids.reset(token)


def current(name: str) -> object | None:
    return _ids.get({}).get(name)


def new_request_id(given: str = "") -> str:
    """The id that a trusted proxy gave, where it is one, or a new one."""
    return given if GIVEN_ID.fullmatch(given) else secrets.token_hex(8)


class Context(logging.Filter):
    """Puts the ids on a record, and takes out of its words what nobody may read in a log."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(_words(record)), ()
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        request = vars(record).get("request")
        ids: dict[str, Any] = {"request_id": getattr(request, "log_id", ""), **_ids.get({})}
        ids |= {name: vars(record)[name] for name in FIELDS if name in vars(record)}
        told = {
            name: value
            for name, value in ids.items()
            if name in FIELDS and isinstance(value, (str, int)) and value != ""
        }
        vars(record)["ids"] = told
        vars(record)["about"] = "".join(f" {name}={value}" for name, value in told.items())
        return True


def _words(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # arguments that do not fit; the line is worth more than its arguments
        return str(record.msg)


class JsonLines(JsonFormatter):
    """One object a line: time, level, logger, process, message, the ids, and the traceback where there is one."""

    def __init__(self) -> None:
        super().__init__(json_ensure_ascii=False)

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        log_data["time"] = self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{record.msecs:03.0f}Z"
        log_data |= {"level": record.levelname, "logger": record.name, "process": record.process}
        log_data["message"] = record.message
        log_data |= getattr(record, "ids", {})
        if record.exc_text:
            log_data["traceback"] = record.exc_text

    @staticmethod
    def converter(seconds: float | None) -> Any:
        import time

        return time.gmtime(seconds)


def configuration(form: str, level: str) -> dict[str, Any]:
    """Django's LOGGING, which Celery and gunicorn use as well."""
    plain = {"format": "{asctime} {levelname} {name} [{process}] {message}{about}", "style": "{"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"context": {"()": "gradingsite.logs.Context"}},
        "formatters": {"plain": plain, "json": {"()": "gradingsite.logs.JsonLines"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": form, "filters": ["context"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            # At DEBUG it would write every statement with its values: whole answers, and password hashes.
            "django.db.backends": {"level": "INFO"},
            # A line for every request is for programs that read logs; a person's terminal stays quiet.
            "gradingsite.requests": {"level": level if form == "json" else "WARNING"},
            "celery.redirected": {"level": "WARNING"},
            # Two lines for every message, and beat sends one every few seconds; what fails is still told.
            "celery.worker.strategy": {"level": "WARNING"},
            "celery.app.trace": {"level": "WARNING"},
            "axes": {"level": "WARNING"},
        },
    }
