"""The headers that Mozilla Observatory looks at, on a page, a refusal, a file and a script, as behind TLS."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db
ADDRESSES = ["/accounts/login/", "/nothing-here/", "/healthz", "/jsi18n/", "/accounts/password_reset/"]


@pytest.fixture(autouse=True)
def behind_tls(settings: Any) -> None:
    settings.SECURE_HSTS_SECONDS = 31_536_000
    settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = settings.SECURE_HSTS_PRELOAD = True
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = True


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_has_the_headers_of_the_list(client: Client, address: str) -> None:
    headers = client.get(address, secure=True).headers
    policy = {rule.split()[0]: rule.split()[1:] for rule in headers["Content-Security-Policy"].split("; ")}
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == ["'self'"]
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"} & {
        part for rule in policy.values() for part in rule
    }
    assert headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains; preload"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in headers
    assert not {"Server", "X-Powered-By"} & set(headers)


def test_plain_http_leads_to_https_on_the_same_host(client: Client) -> None:
    answer = client.get("/accounts/login/")
    assert (answer.status_code, answer.headers["Location"]) == (301, "https://testserver/accounts/login/")


def test_every_cookie_is_kept_to_tls_and_to_this_site(client: Client) -> None:
    client.get("/accounts/login/", secure=True)
    assert client.cookies
    for cookie in client.cookies.values():
        assert cookie["secure"]
        assert cookie["samesite"] in ("Lax", "Strict")


def test_nothing_on_a_page_comes_from_elsewhere(client: Client) -> None:
    page = client.get("/accounts/login/", secure=True).content.decode()
    assert 'src="http' not in page
    assert 'href="http' not in page
