"""Accounts are not deleted past the histories on the site admin's pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

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
