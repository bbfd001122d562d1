"""The site admin's pages hold accounts alone: none is deleted there, and no change goes unrecorded or untold."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from gradingsite.signin.models import AccountEvent, ApiToken
from gradingsite.signin.tasks import mail_account_change
from gradingsite.signin.tokens import token_make
from tests.factories import UserFactory
from tests.proof import log_in_now, long_ago


@pytest.mark.django_db
def test_no_account_is_deleted_on_the_site_admins_pages(client: Client) -> None:
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    log_in_now(client, root)
    assert client.get(reverse("admin:auth_user_change", args=[person.pk])).status_code == 200
    assert client.post(reverse("admin:auth_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
    client.post(reverse("admin:auth_user_changelist"), chosen)
    assert User.objects.filter(pk=person.pk).exists()


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["admin:auth_user_change", "admin:auth_user_password_change", "admin:auth_user_add"])
def test_roles_addresses_and_passwords_ask_who_it_is_and_keep_nothing_typed(client: Client, page: str) -> None:
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    log_in_now(client, root)
    url = reverse(page, args=[] if page.endswith("add") else [person.pk])
    assert client.get(url).status_code == 200
    long_ago(client)
    typed = {
        "email": "mine@example.org",
        "is_superuser": "on",
        "password1": "typed-secret",
        "password2": "typed-secret",
    }
    for answer in (client.get(url), client.post(url, typed)):
        assert answer.headers["Location"].startswith(reverse("account_reauthenticate"))
    assert "typed-secret" not in str(dict(client.session))
    person.refresh_from_db()
    assert not person.is_superuser


@pytest.fixture
def root(client: Client, db: None) -> User:
    user = UserFactory(is_staff=True, is_superuser=True)
    log_in_now(client, user)
    return user


def saved(client: Client, person: User, **changes: str) -> None:
    typed = {"username": person.username, "first_name": person.first_name, "last_name": person.last_name}
    typed |= {"email": person.email, "is_active": "on"} | changes
    page = reverse("admin:auth_user_change", args=[person.pk])
    answer = client.post(page, {name: value for name, value in typed.items() if value})
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def told(person: User) -> list[tuple[str, int | None]]:
    return list(AccountEvent.objects.filter(user=person).order_by("pk").values_list("kind", "by"))


def test_its_page_for_ones_own_password_leads_to_the_one_with_limits_and_record(client: Client, root: User) -> None:
    for answer in (client.get(reverse("admin:password_change")), client.post(reverse("admin:password_change"), {})):
        assert answer.headers["Location"] == reverse("password_change")


def test_a_password_set_by_an_admin_is_on_record_mailed_and_ends_what_was_open(
    client: Client, root: User, mailed: Any
) -> None:
    person = UserFactory()
    there = log_in_now(Client(), person)
    token_make(user=person, name="Script", scope="read", expires_at=None, request=None)
    page, password = reverse("admin:auth_user_password_change", args=[person.pk]), "a quite long new one"
    with mailed() as addresses:
        typed = {"password1": password, "password2": password, "usable_password": "true"}
        assert client.post(page, typed).status_code == 302
    assert ("password_set", root.pk) in told(person)
    assert person.email in addresses
    assert there.get("/courses/").status_code == 302
    assert not ApiToken.objects.exists()


def test_a_changed_address_is_on_record_and_told_to_the_old_one_too(client: Client, root: User, mailed: Any) -> None:
    person = UserFactory(email="old@example.org")
    with mailed() as addresses:
        saved(client, person, email="new@example.org")
    assert told(person) == [("address_changed", root.pk)]
    assert set(addresses) == {"old@example.org", "new@example.org"}


def test_flags_and_closing_are_on_record_and_told(client: Client, root: User, mailed: Any) -> None:
    person = UserFactory()
    with mailed() as addresses:
        saved(client, person, is_staff="on")
        saved(client, person, is_staff="on", is_active="")
        saved(client, person, is_staff="on")
    kinds = [kind for kind, _by in told(person)]
    assert kinds == ["rights_changed", "closed", "opened"]
    assert addresses == [person.email] * 3


def test_a_change_of_a_name_is_no_line(client: Client, root: User) -> None:
    person = UserFactory()
    saved(client, person, first_name="Another")
    assert told(person) == []


def test_nothing_but_accounts_is_there(client: Client, root: User) -> None:
    assert {model._meta.label for model in admin.site._registry} == {"auth.User"}
    page = client.get(reverse("admin:auth_user_change", args=[UserFactory().pk])).content.decode()
    assert "user_permissions" not in page


@pytest.fixture
def mailed(django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The addresses to which mails of changed accounts were queued meanwhile."""

    @contextlib.contextmanager
    def watched() -> Iterator[list[str]]:
        addresses: list[str] = []
        monkeypatch.setattr(mail_account_change, "delay", lambda _event, _language, to: addresses.append(to))
        with django_capture_on_commit_callbacks(execute=True):
            yield addresses

    return watched
