"""axe-core on every page (visits.py), as each kind of person, in both colour schemes and widths: nothing serious."""

from __future__ import annotations

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
SCHEMES = {"light": {}, "dark": {"runOnly": {"type": "tag", "values": ["cat.color"]}}}
SERIOUS = """options => axe.run({...options, resultTypes: ["violations"]}).then(({violations}) => violations
    .filter(row => ["serious", "critical"].includes(row.impact))
    .flatMap(row => row.nodes.slice(0, 3).map(node => `${row.id} at ${node.target}`)))"""


def test_axe_sees_what_is_wrong(sign_in: Callable[[str], Page]) -> None:
    page = sign_in("student1@example.org")
    page.evaluate("document.querySelector('main').innerHTML = '<button></button><p style=\"color: #777\">Grey</p>'")
    page.evaluate(Axe().axe_script)
    found = serious(page, SCHEMES["light"])
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
        for name in ("413", "500", "403_csrf"):
            page.route(f"**/{name}/", shown_by(site, name))
            found += looked_at(page, f"/{name}/")
    assert found == [], "\n".join(found)


def with_the_host_of_another_site(route: Route) -> None:
    route.fulfill(response=route.fetch(headers={**route.request.headers, "host": "elsewhere.example"}))


def shown_by(site: Site, name: str) -> Callable[[Route], None]:
    code = f"from django.template.loader import render_to_string; print(render_to_string('{name}.html'))"
    html = site.shell(code)
    return lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8")


def looked_at(page: Page, path: str, status: int = 200) -> list[str]:
    """What axe calls serious or critical on one page, in each scheme and width."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, f"{path}: {answer.status}"
    page.evaluate(Axe().axe_script)
    found = []
    for scheme, options in SCHEMES.items():
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            found += [f"{path} {scheme} {width}: {finding}" for finding in serious(page, options)]
    return found


def serious(page: Page, options: dict[str, Any]) -> list[str]:
    """What axe, which the page has been given, calls serious or critical."""
    return list(page.evaluate(SERIOUS, options))
