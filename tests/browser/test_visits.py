"""No page of the site is forgotten by what looks at all pages."""

from __future__ import annotations

from django.urls import get_resolver

from tests.access_table import POST, names_of
from tests.browser.visits import NO_PAGE, VISITS


def test_every_named_page_is_visited_or_says_why_not() -> None:
    # Django's own admin is not ours to mend; what takes only POST has no page (test_access_by_role sees to that).
    named = {name for name in names_of(get_resolver().url_patterns) if not name.startswith("admin:")}
    visited = {visit.name for visits in VISITS.values() for visit in visits}
    assert visited | set(NO_PAGE) == named - set(POST)
    assert not visited & set(NO_PAGE)
