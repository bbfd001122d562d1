from __future__ import annotations

from ninja import NinjaAPI

from gradingsite.api import courses, errors, grades, runs, submissions
from gradingsite.api.auth import TokenAuth

api = NinjaAPI(
    title="Marginalia",
    version="1",
    description=(
        "Courses, assignments, submissions, grades and grading runs. A token can do what its owner may on the pages."
    ),
    auth=TokenAuth(),
    urls_namespace="api",
    docs_url=None,
)
errors.register(api)
for part in (courses, submissions, grades, runs):
    api.add_router("", part.router)
