"""The settings as a bare process would meet them: each test runs the file anew, with an environment of its own."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

SETTINGS = Path(__file__).resolve().parents[2] / "gradingsite" / "settings.py"
Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Read:
    """`read(NAME="value", ...)` gives what the settings file makes of that environment."""

    def run(**environment: str) -> dict[str, Any]:
        for name in ("DEBUG", "HTTPS", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "STATIC_MANIFEST"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {"MARGINALIA_VAR": str(tmp_path), **environment}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return run


def test_a_bare_environment_is_safe_and_local(read: Read, tmp_path: Path) -> None:
    found = read()
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert found["SESSION_COOKIE_SECURE"] is False
    assert found["DATABASES"]["default"]["NAME"] == tmp_path / "db.sqlite3"
    assert found["DATABASES"]["default"]["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert found["CELERY_BROKER_URL"].startswith("redis+socket:///")
    assert found["SECRET_KEY"] == (tmp_path / "secret_key").read_text(encoding="utf-8")


def test_behind_tls_cookies_are_secure_and_browsers_are_told_to_stay(read: Read) -> None:
    found = read(HTTPS="1")
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_SSL_REDIRECT"]
    assert found["SECURE_HSTS_SECONDS"] == 31_536_000


def test_a_proxy_is_believed_only_where_one_stands(read: Read) -> None:
    assert read()["SECURE_PROXY_SSL_HEADER"] is None
    assert read(TRUSTED_PROXIES="1")["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_a_database_url_brings_postgresql_with_a_time_limit(read: Read) -> None:
    database = read(DATABASE_URL="postgres://m:secret@db.example.org:5433/marginalia")["DATABASES"]["default"]
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.org", 5433, "marginalia")
    assert database["OPTIONS"]["connect_timeout"] == 5


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DATABASE_URL", "mysql://db/marginalia", "DATABASE_URL must begin with one of"),
        ("REDIS_URL", "amqp://guest@localhost", "REDIS_URL must begin with one of"),
        ("MARGINALIA_QUANTISATION", "int3", "MARGINALIA_QUANTISATION is 'int3'"),
        ("MARGINALIA_DEVICE", "tpu", "MARGINALIA_DEVICE is 'tpu'"),
        ("LANGUAGE_CODE", "fr", "LANGUAGE_CODE is 'fr'"),
        ("TIME_ZONE", "Mars/Base", "TIME_ZONE is 'Mars/Base'"),
        ("LOGIN_FAILURE_LIMIT", "0", "LOGIN_FAILURE_LIMIT is 0"),
        ("HTTPS", "perhaps", "HTTPS is 'perhaps'"),
    ],
)
def test_it_refuses_nonsense_by_name(read: Read, name: str, value: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        read(**{name: value})


def test_it_refuses_debug_on_a_site_that_the_world_can_reach(read: Read) -> None:
    with pytest.raises(ImproperlyConfigured, match="DEBUG and HTTPS are both on"):
        read(DEBUG="1", HTTPS="1")


def test_behind_tls_cookies_belong_to_this_host_alone(read: Read) -> None:
    names = ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "LANGUAGE_COOKIE_NAME")
    found = read(HTTPS="1")
    assert all(found[name].startswith("__Host-") for name in names)
    # What the prefix asks of a cookie: no domain, the whole site as its path.
    assert not [name for name in found if name.endswith(("COOKIE_DOMAIN", "COOKIE_PATH"))]
    assert not [name for name in names if name in read()]  # a browser drops such a name over plain HTTP
