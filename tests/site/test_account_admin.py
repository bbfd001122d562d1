"""Accounts are not deleted past the histories on the site admin's pages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import UserFactory


@pytest.mark.django_db
def test_no_account_is_deleted_on_the_site_admins_pages(client: Client) -> None:
    root, person = UserFactory(is_staff=True, is_superuser=True), UserFactory()
    client.force_login(root, backend="gradingsite.accounts.EmailBackend")
    assert client.get(reverse("admin:auth_user_change", args=[person.pk])).status_code == 200
    assert client.post(reverse("admin:auth_user_delete", args=[person.pk]), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
    client.post(reverse("admin:auth_user_changelist"), chosen)
    assert User.objects.filter(pk=person.pk).exists()
