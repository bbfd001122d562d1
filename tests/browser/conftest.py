"""A running system for all browser tests, and a page of their own for each person who looks at it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.system import Site, log_in, running_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("var")) as running:
        yield running


@pytest.fixture(scope="session")
def evening(site: Site) -> dict[str, int]:
    """The numbers of the rows that an evening of marking is tested with; see tests.browser.evening."""
    return dict(json.loads(site.shell("from tests.browser.evening import make; make()").splitlines()[-1]))


@pytest.fixture
def sign_in(site: Site, browser: Browser) -> Iterator[Callable[[str], Page]]:
    """A page of its own for each person, in a browser context of their own; any page error fails the test."""
    contexts = []
    errors: list[str] = []

    def open_as(email: str) -> Page:
        context = browser.new_context(locale="en-GB", accept_downloads=True, base_url=site.address)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        log_in(page, email)
        return page

    yield open_as
    for context in contexts:
        context.close()
    assert errors == []
