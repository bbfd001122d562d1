"""The admins' pages of learning platforms, and the key of this site."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from gradingsite.lti.keys import key_set, private_pem, signing_key, usable_key
from gradingsite.lti.models import Platform, PlatformEvent, ToolKey
from gradingsite.redaction import redact
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db
NEW = reverse("lti:platform_new")
FORM = {
    "name": "Hill Moodle",
    "issuer": "https://moodle.example.org",
    "client_id": "AbC123",
    "deployments": "1\n 2 \n\n1",
    "auth_login_url": "https://moodle.example.org/mod/lti/auth.php",
    "auth_token_url": "https://moodle.example.org/mod/lti/token.php",
    "key_set_url": "https://moodle.example.org/mod/lti/certs.php",
    "service_hosts": "Grades.Example.org",
    "staff_cap": "none",
    "makes_accounts": "on",
    "enabled": "on",
}


@pytest.fixture
def office(client: Client, admin: User) -> Client:
    """An admin who has only just logged in: others are asked for their password again."""
    client.post("/accounts/login/", {"username": admin.username, "password": PASSWORD})
    return client


def registered(office: Client, **change: str) -> Platform:
    answer = office.post(NEW, {**FORM, **change})
    assert answer.status_code == 302, answer.content.decode()
    return Platform.objects.get(client_id=change.get("client_id", "AbC123"))


def test_a_platform_is_registered_with_its_history(office: Client, admin: User) -> None:
    row = registered(office)
    assert row.deployments == ["1", "2"]
    assert row.service_hosts == ["grades.example.org"]
    page = reverse("lti:platform", args=[row.pk])
    assert office.post(page, {**FORM, "staff_cap": "teacher", "enabled": ""}).status_code == 302
    row.refresh_from_db()
    assert (row.enabled, row.staff_cap) == (False, "teacher")
    events = PlatformEvent.objects.filter(platform=row).order_by("pk")
    assert [(event.action, event.actor) for event in events] == [("registered", admin), ("changed", admin)]
    assert events[1].before == {"enabled": True, "staff_cap": "none"}
    text = " ".join(office.get(page).content.decode().split())
    assert "its teachers become here: none → teacher" in text
    assert "http://testserver/lti/login/" in text


def test_saving_without_a_change_writes_no_history(office: Client) -> None:
    row = registered(office)
    office.post(reverse("lti:platform", args=[row.pk]), FORM)
    assert PlatformEvent.objects.filter(platform=row).count() == 1


def test_the_history_of_a_platform_cannot_be_changed(office: Client) -> None:
    registered(office)
    with pytest.raises(IntegrityError, match="never changed"):
        PlatformEvent.objects.update(action="x")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("issuer", "moodle"),
        ("issuer", "ftp://moodle.example.org"),
        ("deployments", " \n"),
        ("deployments", "x" * 300),
        ("deployments", "1\0"),
        ("auth_token_url", "javascript:alert(1)"),
        ("key_set_url", ""),
        ("service_hosts", "https://grades.example.org/"),
        ("service_hosts", "localhost"),
        ("staff_cap", "admin"),
    ],
)
def test_nonsense_is_not_registered(field: str, value: str, office: Client) -> None:
    answer = office.post(NEW, {**FORM, field: value})
    assert answer.status_code == 200
    assert not Platform.objects.exists()


def test_behind_https_a_platform_has_to_be_too(office: Client, settings: Any) -> None:
    settings.HTTPS = True
    answer = office.post(NEW, {**FORM, "key_set_url": "http://moodle.example.org/certs.php"})
    assert "must begin with https:// as well" in answer.content.decode()


def test_a_platform_is_registered_once(office: Client) -> None:
    registered(office)
    answer = office.post(NEW, FORM)
    assert "is registered with this client ID already" in answer.content.decode()
    registered(office, client_id="another")


def test_an_open_session_is_not_enough_to_open_a_door(client: Client, admin: User) -> None:
    client.force_login(admin, backend="gradingsite.accounts.EmailBackend")
    assert client.post(NEW, FORM)["Location"].startswith("/accounts/reauthenticate/")
    assert client.post(reverse("lti:key_rotate"))["Location"].startswith("/accounts/reauthenticate/")
    assert not Platform.objects.exists()


def test_the_key_is_made_once_and_its_private_half_is_shown_nowhere(office: Client) -> None:
    key = signing_key()
    assert signing_key() == key
    pem = private_pem(key)
    secret = "".join(pem.splitlines()[1:-1])[:60]
    everything = "".join(repr(row) for row in ToolKey.objects.values())
    row = registered(office)
    for address in (reverse("lti:platforms"), NEW, reverse("lti:platform", args=[row.pk]), reverse("lti:jwks")):
        everything += office.get(address).content.decode()
    assert "PRIVATE KEY" not in everything
    assert secret not in everything
    assert office.get("/site-admin/").content.decode().count("lti") == 0
    published = json.loads(office.get(reverse("lti:jwks")).content)["keys"]
    assert all(not {"d", "p", "q"} & set(entry) for entry in published)


def test_a_private_key_never_stands_in_a_log() -> None:
    pem = private_pem(signing_key())
    for line in (f"failed with {pem}", pem[:400], f"key {pem!r}"):
        assert pem.splitlines()[1][:40] not in redact(line)


def test_a_new_key_signs_and_the_old_one_stays_published(office: Client) -> None:
    old = signing_key()
    assert office.post(reverse("lti:key_rotate")).status_code == 302
    new = signing_key()
    assert [entry["kid"] for entry in key_set()["keys"]] == [new.kid, old.kid]
    assert PlatformEvent.objects.get().after == {"key": new.kid}
    assert "made a new key" in office.get(reverse("lti:platforms")).content.decode()


def test_under_another_secret_a_new_key_takes_over(settings: Any) -> None:
    old = signing_key()
    settings.SECRET_KEY = "another secret of this site, long enough to be one"
    with pytest.raises(InvalidToken):
        private_pem(old)
    key, pem = usable_key()
    assert key != old
    assert pem.startswith("-----BEGIN PRIVATE KEY-----")
    settings.SECRET_KEY_FALLBACKS = ["yet another"]
    assert usable_key()[0] == key


def test_a_second_key_cannot_sign_beside_the_first() -> None:
    signing_key()
    with pytest.raises(IntegrityError):
        ToolKey.objects.create(kid="x", public_pem="x", sealed_pem="x")


def test_the_addresses_are_those_that_people_use(client: Client, settings: Any) -> None:
    """Behind a proxy the site may be called by another name than the one in the browser."""
    settings.SITE_URL = "https://marking.example.org"
    config = client.get(reverse("lti:canvas")).json()
    assert config["oidc_initiation_url"] == "https://marking.example.org/lti/login/"
    assert config["extensions"][0]["domain"] == "marking.example.org"
