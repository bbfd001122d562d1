"""What the environment may say of single sign-on and what refuses to start, in words that name the variable."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured

SETTINGS = Path(__file__).resolve().parents[2] / "gradingsite" / "settings.py"
WHOLE = {"OIDC_ISSUER": "https://login.example/", "OIDC_CLIENT_ID": "m", "OIDC_CLIENT_SECRET": "s"}
Read = Callable[..., dict[str, Any]]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Read:
    def run(**environment: str) -> dict[str, Any]:
        for name, value in {"MARGINALIA_VAR": str(tmp_path), "HTTPS": "0", **environment}.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return run


def test_nothing_is_on_that_nobody_asked_for(read: Read) -> None:
    found = read()
    assert found["OIDC_ISSUER"] == ""
    assert found["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"] == []
    assert not any(found[name] for name in ("REQUIRE_STAFF_TWO_FACTOR", "OIDC_TRUST_EMAIL", "OIDC_CREATE_ACCOUNTS"))


def test_a_provider_is_taken_from_the_environment(read: Read, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("out of a file\n", encoding="utf-8")
    given = {**WHOLE, "OIDC_CLIENT_SECRET": "", "OIDC_CLIENT_SECRET_FILE": str(secret), "OIDC_BUTTON": "Hill School"}
    (app,) = read(**given)["SOCIALACCOUNT_PROVIDERS"]["openid_connect"]["APPS"]
    assert (app["name"], app["client_id"], app["secret"]) == ("Hill School", "m", "out of a file")
    assert app["settings"]["server_url"] == "https://login.example/"


@pytest.mark.parametrize("missing", ["OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"])
def test_half_a_provider_is_refused(read: Read, missing: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=missing):
        read(**{**WHOLE, missing: ""})


def test_behind_tls_the_provider_must_be_too(read: Read) -> None:
    with pytest.raises(ImproperlyConfigured, match="OIDC_ISSUER"):
        read(**{**WHOLE, "OIDC_ISSUER": "http://login.example/", "HTTPS": "1"})


def test_behind_tls_every_cookie_is_secure(read: Read) -> None:
    found = read(HTTPS="1")
    assert found["SESSION_COOKIE_SECURE"]
    assert found["SESSION_COOKIE_HTTPONLY"]
    assert found["SESSION_COOKIE_SAMESITE"] == "Lax"


def test_the_site_admin_shows_no_secrets_and_configures_no_providers() -> None:
    shown = {model._meta.label for model in admin.site._registry}
    assert "auth.User" in shown
    assert not [label for label in shown if label.split(".")[0] in ("account", "mfa", "socialaccount", "signin")]
