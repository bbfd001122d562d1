"""axe-core on each kind of page, as teacher, student and admin, in both colour schemes and widths: nothing serious."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600)]

ANYBODY = ["/accounts/login/", "/accounts/password_reset/"]
TEACHER = [
    "/",
    "/courses/",
    "/courses/new/",
    "/courses/{course}/",
    "/courses/{course}/edit/",
    "/courses/{course}/members/",
    "/courses/{course}/enrol/",
    "/courses/{course}/assignments/new/",
    "/assignments/{read}/edit/",
    "/assignments/{read}/rubric/",
    "/assignments/{read}/files/",
    "/assignments/{read}/table/",
    "/submissions/{paper}/",
    "/grading/groups/{group}/",
    "/grading/acceptances/{acceptance}/",
    "/grading/courses/{course}/import/",
    "/grading/courses/{course}/comments/",
    "/assignments/{read}/",
    "/grading/assignments/{read}/review/",
    "/grading/assignments/{alike}/groups/",
    "/grading/assignments/{sure}/promise/",
    "/grading/assignments/{sure}/release/",
    "/grading/submissions/{paper}/review/",
    "/grading/submissions/{released_paper}/review/",
    "/grading/runs/{run}/",
    "/grading/assignments/{released}/regrades/",
    "/grading/assignments/{read}/pilot/",
    "/grading/assignments/{sure}/second-marks/",
]
STUDENT = [
    "/",
    "/courses/{course}/",
    "/assignments/{released}/",
    "/assignments/{read}/submit/",
    "/submissions/{released_paper}/",
    "/grading/submissions/{released_paper}/grade/",
]
ADMIN = [
    "/grading/versions/",
    "/grading/versions/{version}/",
    "/grading/training/",
    "/grading/training/new/",
    "/grading/training/sets/",
    "/grading/health/",
    "/grading/people/",
    "/grading/style/",
]
PEOPLE = [("teacher@example.org", TEACHER), ("student1@example.org", STUDENT), ("admin@example.org", ADMIN)]
HEIGHT = 900


def test_axe_sees_what_is_wrong(sign_in: Callable[[str], Page]) -> None:
    page = sign_in("student1@example.org")
    page.evaluate("document.querySelector('main').innerHTML = '<button></button>'")
    assert any("button-name" in finding for finding in serious(page))


@pytest.mark.parametrize(("email", "paths"), PEOPLE, ids=["teacher", "student", "admin"])
def test_axe_finds_nothing_serious(
    email: str, paths: list[str], sign_in: Callable[[str], Page], evening: dict[str, int]
) -> None:
    page = sign_in(email)
    found = [entry for path in paths for entry in looked_at(page, path.format(**evening))]
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_serious_for_somebody_not_logged_in(
    sign_in: Callable[[str], Page], evening: dict[str, int]
) -> None:
    page = sign_in("student1@example.org")
    page.context.clear_cookies()
    found = [entry for path in ANYBODY for entry in looked_at(page, path)]
    assert found == [], "\n".join(found)


def looked_at(page: Page, path: str) -> list[str]:
    """What axe calls serious or critical on one page, in each scheme and width."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == 200, f"{path}: {answer.status}"
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in (390, 1440):
            page.set_viewport_size({"width": width, "height": HEIGHT})
            found += [f"{path} {scheme} {width}: {finding}" for finding in serious(page)]
    return found


def serious(page: Page) -> list[str]:
    rows = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{row['id']} at {node['target']}"
        for row in rows
        if row["impact"] in ("serious", "critical")
        for node in row["nodes"][:3]
    ]
