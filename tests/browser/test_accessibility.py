"""axe-core on every page (visits.py), as each kind of person, in both colour schemes and widths: nothing serious."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route

from tests.browser.system import Site, log_in
from tests.browser.visits import STUDENT, VISITS

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

HEIGHT = 900
# What depends on the colour scheme is looked at in both, the rest in one.
SCHEMES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
SERIOUS = """options => axe.run({...options, resultTypes: ["violations"]}).then(({violations}) => violations
    .filter(row => ["serious", "critical"].includes(row.impact))
    .flatMap(row => row.nodes.slice(0, 3).map(node => `${row.id} at ${node.target}`)))"""


def test_axe_sees_what_is_wrong(sign_in: Callable[[str], Page]) -> None:
    page = sign_in("student1@example.org")
    page.evaluate("document.querySelector('main').innerHTML = '<button></button><p>Grey</p>'")
    page.evaluate("document.querySelector('main p').style.color = '#777'")
    found = serious(page)
    assert any("button-name" in finding for finding in found)
    assert any("color-contrast" in finding for finding in found)
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert any("color-contrast" in finding for finding in serious(page, SCHEMES["dark"]))


@pytest.mark.parametrize("email", VISITS, ids=["anybody", "student", "teacher", "admin"])
def test_axe_finds_nothing_serious(email: str, sign_in: Callable[[str], Page], evening: dict[str, Any]) -> None:
    page = sign_in(email or STUDENT)
    if not email:
        page.context.clear_cookies()
    found = [entry for visit in VISITS[email] for entry in looked_at(page, visit.address(evening))]
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_serious_on_what_an_error_shows(site: Site, browser: Browser) -> None:
    with browser.new_context(locale="en-GB", base_url=site.address) as context:
        page = context.new_page()
        log_in(page, STUDENT)
        found = looked_at(page, "/nothing-here/", status=404)
        found += looked_at(page, "/grading/training/", status=403)
        page.route("**/courses/", with_the_host_of_another_site)
        found += looked_at(page, "/courses/", status=400)
        # These are shown to a form that was sent; what they look like does not depend on it.
        for name, html in rendered(site, "413", "500", "403_csrf").items():
            page.route(f"**/{name}/", showing(html))
            found += looked_at(page, f"/{name}/")
    assert found == [], "\n".join(found)


def with_the_host_of_another_site(route: Route) -> None:
    route.fulfill(response=route.fetch(headers={**route.request.headers, "host": "elsewhere.example"}))


def rendered(site: Site, *names: str) -> dict[str, str]:
    """The templates of these names, as the site renders them."""
    code = f"""
import json
from django.template.loader import render_to_string
print(json.dumps({{name: render_to_string(name + ".html") for name in {names!r}}}))
"""
    return dict(json.loads(site.shell(code).splitlines()[-1]))


def showing(html: str) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")


def looked_at(page: Page, path: str, status: int = 200) -> list[str]:
    """What axe calls serious or critical on one page, in each scheme and width."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, f"{path}: {answer.status}"
    found = []
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            found += [f"{path} {scheme} {width}: {finding}" for finding in serious(page, options)]
    return found


def serious(page: Page, options: dict[str, Any] | None = None) -> list[str]:
    """What axe calls serious or critical; a page is given axe once."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    return list(page.evaluate(SERIOUS, options or {}))
