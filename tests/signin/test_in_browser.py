"""In Chromium, under the policy of the site: single sign-on to the end, and axe-core on the pages that need a state."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page

from tests.browser.test_accessibility import looked_at, serious
from tests.factories import PASSWORD
from tests.signin.codes import code
from tests.signin.provider import Provider

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(live_server: Any, browser: Browser) -> Any:
    with browser.new_context(locale="en-GB", base_url=live_server.url) as context:
        opened = context.new_page()
        blocked: list[str] = []
        opened.on("console", lambda line: blocked.append(line.text) if "Content Security" in line.text else None)
        yield opened
        assert blocked == []


def password(page: Page) -> None:
    page.goto("/accounts/login/")
    page.fill("#id_username", "teacher@example.org")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")


def test_the_button_leads_through_the_provider_and_back(page: Page, provider: Provider, teacher: User) -> None:
    provider.is_about("teacher@example.org")
    page.goto("/accounts/login/?next=/courses/new/")
    page.get_by_role("button", name="Log in with Hill School").click()
    page.wait_for_url("**/courses/new/")
    assert page.get_by_text("Miriam Osei").count()


def test_the_second_factor_from_the_picture_to_the_next_login(page: Page, teacher: User) -> None:
    password(page)
    page.wait_for_url(re.compile(r"/$"))
    page.goto("/accounts/second-factor/on/")
    assert page.locator("img.qr").evaluate("picture => picture.naturalWidth") > 20
    page.fill("#id_code", code(str(page.locator("code.secret").text_content())))
    page.press("#id_code", "Enter")
    page.wait_for_url("**/codes/")
    spare = str(page.locator(".recovery-codes code").first.text_content())
    assert serious(page) == []
    found = []
    for path in ("/accounts/second-factor/", "/accounts/second-factor/off/", "/accounts/second-factor/again/"):
        found += looked_at(page, path)
    assert found == []
    page.context.clear_cookies()
    password(page)
    page.wait_for_url("**/second-factor/code/")
    assert serious(page) == []
    page.fill("#id_code", spare)
    page.press("#id_code", "Enter")
    page.wait_for_url(re.compile(r"/$"))
    assert page.get_by_text("Miriam Osei").count()
