"""Which passwords are taken: long enough ones that nobody tries first, of any kind, exactly as they were typed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.factories import PASSWORD
from tests.proof import log_in_now

pytestmark = pytest.mark.django_db
PAGE = reverse("password_change")


def changed(client: Client, user: User, new: str, old: str = PASSWORD) -> bool:
    log_in_now(client, user)
    client.post(PAGE, {"old_password": old, "new_password1": new, "new_password2": new})
    user.refresh_from_db()
    return user.check_password(new)


@pytest.mark.parametrize(
    "new",
    ["sevenxy", "password123", "iloveyou1", "7318264950127", "ada@example.org", "my-marginalia-1", "Hillschool-77xq"],
    ids=["short", "common", "also_common", "a_number", "ones_own_name", "the_sites_name", "the_schools_name"],
)
def test_what_is_tried_first_is_refused(client: Client, student: User, settings: Any, new: str) -> None:
    settings.PASSWORD_WORDS = ["marginalia", "hillschool"]
    assert not changed(client, student, new)


def test_the_hosts_name_is_refused_and_its_short_parts_are_not(client: Client, student: User, settings: Any) -> None:
    settings.SITE_URL = "https://marking.hill-school.example"
    assert not changed(client, student, "our-hill-school-9")
    settings.SITE_URL = "https://a.b.io"
    assert changed(client, student, "quiet abio lake 9")


@pytest.mark.parametrize(
    "new",
    ["zqxwvuts", "ZQXWVUTS", "  spaces kept  ", "Überlänge Ω \N{GRINNING FACE}", "x1" * 64, "'; DROP TABLE--<b>"],
    ids=["only_small", "only_large", "blanks_at_the_ends", "any_letters", "128_long", "signs"],
)
def test_any_kind_of_letters_and_any_length_is_taken_as_it_is(client: Client, student: User, new: str) -> None:
    assert changed(client, student, new)
    assert not student.check_password(new.strip() + "x")
    if new != new.strip():
        assert not student.check_password(new.strip())
    if new != new.lower():
        assert not student.check_password(new.lower())
    assert not student.check_password(new[:72] if len(new) > 72 else new[:-1])


def test_the_old_one_is_asked_for(client: Client, student: User) -> None:
    assert not changed(client, student, "quite another one", old="wrong")


def test_fields_hide_what_is_typed_and_let_it_be_pasted_and_remembered(client: Client, student: User) -> None:
    log_in_now(client, student)
    for page in (Client().get("/accounts/login/").text, client.get(PAGE).text):
        fields = re.findall(r'<input[^>]*name="[^"]*password[^"]*"[^>]*>', page)
        assert fields
        for field in fields:
            assert 'type="password"' in field
            assert re.search(r'autocomplete="(current|new)-password"', field)
            assert "onpaste" not in field
            assert "maxlength" not in field
