"""Every address of the site with random values in every field that any form has, as those who may: never a 500.

Which fields there are is read from the code: names of form fields, and of what views take from a request by name.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import QueryDict
from django.test import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.access_table import GET, POST, address
from tests.everybody import _uploads_go_away, everybody, people, rows
from tests.hardening.strategies import archives, files, safe_words, tables
from tests.hardening.tally import FUZZ, TALLY, tries
from tests.proof import log_in_now

__all__ = ["_uploads_go_away", "everybody", "people", "rows"]  # fixtures

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(3600)]
ROOT = Path(__file__).resolve().parents[2]
_TAKEN = re.compile(r"""(?:POST|GET)(?:\.get|\.getlist)?[(\[]\s*["'](\w+)["']""")
PHASES = [Phase.generate] if FUZZ else list(Phase)
# They change who is who for the tests after them, or answer with the work of minutes.
TARGETS = sorted((method, name) for method, table in (("get", GET), ("post", GET), ("post", POST)) for name in table)


def every_form(kind: type = forms.BaseForm) -> list[type]:
    return [each for child in kind.__subclasses__() for each in (child, *every_form(child))]


def field_names() -> list[str]:
    import grading.urls  # noqa: F401 (the forms are known once the views are)

    ours = [form for form in every_form() if form.__module__.split(".")[0] in ("courses", "grading", "gradingsite")]
    found = {name for form in ours for name in getattr(form, "base_fields", {})}
    for path in [*ROOT.glob("courses/**/*.py"), *ROOT.glob("grading/**/*.py")]:
        found |= set(_TAKEN.findall(path.read_text(encoding="utf-8")))
    return sorted(found)


FIELDS = field_names()
numbered = st.builds(
    lambda stem, number, tail: f"{stem}-{number}-{tail}",
    st.sampled_from(["criteria", "criterion", "levels", "form", "points", "score"]),
    st.sampled_from(["0", "1", "-1", "x", "TOTAL_FORMS"]),
    st.sampled_from(["title", "points", "description", "id", "levels-0-points", "DELETE"]),
)
uploads = st.builds(SimpleUploadedFile, safe_words.map(lambda word: word or "a"), tables | files | archives)


def test_the_fields_that_forms_have_are_found() -> None:
    assert {"question", "max_points", "email", "uploads", "page"} <= set(FIELDS)


@settings(
    max_examples=tries(0.2, 150),
    deadline=None,
    database=None,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_no_address_fails_on_any_values(
    data: st.DataObject, rows: dict[str, Any], people: dict[str, User], scratch: Path
) -> None:
    method, name = data.draw(st.sampled_from(TARGETS))
    role = data.draw(st.sampled_from(["admin", "teacher", "student"]))
    keys = st.sampled_from([str(pk) for pk in rows.values()])
    values = st.lists(safe_words | keys | keys, min_size=1, max_size=3)
    sent: dict[str, Any] = data.draw(st.dictionaries(st.sampled_from(FIELDS) | numbered, values, max_size=12))
    query = data.draw(st.dictionaries(st.sampled_from(FIELDS), safe_words, max_size=3))
    if method == "post":
        sent |= data.draw(st.dictionaries(st.sampled_from(["file", "uploads"]), uploads, max_size=1))
    kind = (GET.get(name) or POST[name])[0]
    url = address(name, kind, rows)
    if query:
        encoded = QueryDict(mutable=True)
        encoded.update(query)
        url += f"?{encoded.urlencode()}"
    client = log_in_now(Client(raise_request_exception=True), people[role])
    headers = {"HX-Request": "true"} if data.draw(st.booleans()) else {}
    with TALLY.one(f"{method} {url} as {role} with {sent!r:.600}", scratch), transaction.atomic():
        answer = client.post(url, sent, headers=headers) if method == "post" else client.get(url, sent, headers=headers)
        assert answer.status_code < 500
        if answer.streaming:
            b"".join(answer.streaming_content)
        transaction.set_rollback(True)
