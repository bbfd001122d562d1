"""Every page of the site with whom it is shown to, for whatever looks at all pages. A named address that answers GET
and is neither visited here nor listed with a reason fails `test_visits.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from tests.access_table import API

ANYBODY, STUDENT, TEACHER, ADMIN = "", "student1@example.org", "teacher@example.org", "admin@example.org"


@dataclass(frozen=True)
class Visit:
    """One page as one person sees it. `keys` are the address's arguments, by the name of a row of the evening."""

    name: str
    keys: tuple[tuple[str, str], ...] = ()
    query: str = ""

    def address(self, rows: dict[str, Any]) -> str:
        return reverse(self.name, kwargs={key: rows[row] for key, row in self.keys}) + self.query


def of(name: str, row: str = "", query: str = "") -> Visit:
    return Visit(name, (("pk", row),) if row else (), query)


VISITS: dict[str, list[Visit]] = {
    ANYBODY: [
        of("login"),
        of("password_reset"),
        of("password_reset_done"),
        of("password_reset_complete"),
        Visit("password_reset_confirm", (("uidb64", "uid"), ("token", "token"))),
        Visit("password_reset_confirm", (("uidb64", "uid"), ("token", "spent_token"))),
    ],
    STUDENT: [
        of("courses:home"),
        of("courses:course_list"),
        of("courses:course", "course"),
        of("courses:assignment", "released"),
        of("courses:submit", "read"),
        of("courses:submission", "released_paper"),
        of("grading:my_grade", "released_paper"),
        of("password_change"),
        of("password_change_done"),
        of("mfa_index"),
        of("sessions"),
        of("tokens"),
        of("api_docs"),
        of("mfa_activate_totp"),
        of("mfa_generate_recovery_codes"),
        of("account_reauthenticate"),
    ],
    TEACHER: [
        of("courses:home"),
        of("courses:course_list"),
        of("courses:course_new"),
        of("courses:course", "course"),
        of("courses:course_edit", "course"),
        of("courses:members", "course"),
        of("courses:enrol", "course"),
        of("courses:assignment_new", "course"),
        of("courses:assignment", "read"),
        of("courses:assignment_edit", "read"),
        of("courses:rubric_edit", "read"),
        of("courses:upload_files", "read"),
        of("courses:upload_table", "read"),
        of("courses:submission", "paper"),
        of("grading:course_history", "course"),
        of("grading:course_retention", "course"),
        of("grading:import_marked", "course"),
        of("grading:comments", "course"),
        of("grading:comment_edit", "comment"),
        of("grading:pilot", "read"),
        of("grading:pilot", "tried"),
        of("grading:run", "run"),
        of("grading:review_list", "read"),
        of("grading:review", "paper"),
        of("grading:review", "released_paper"),
        of("grading:dashboard", "sure"),
        of("grading:dashboard", "read"),
        of("grading:groups", "alike"),
        of("grading:group", "group"),
        of("grading:promise", "sure"),
        of("grading:acceptance", "acceptance"),
        of("grading:second_marks", "seconds"),
        of("grading:second_mark", "second_paper"),
        of("grading:second_settle", "second_mark"),
        of("grading:release", "sure"),
        of("grading:regrades", "released"),
        of("grading:gradebook", "released"),
        of("grading:my_grade", "released_paper"),
        of("lti:context", "platform_course"),
        of("lti:members", "platform_course"),
        of("lti:link", "platform_link"),
        of("lti:scores", "released"),
    ],
    ADMIN: [
        of("grading:versions"),
        of("grading:version", "version"),
        of("grading:version_promote", "version"),
        of("grading:version_import"),
        of("grading:drift", "version"),
        of("grading:student_groups"),
        of("grading:training_list"),
        of("grading:training_new"),
        of("grading:training", "training"),
        of("grading:training_new", query="?again=1&smaller"),
        of("grading:examples"),
        of("grading:examples", query="?odd=contradicted&language=en"),
        of("grading:example", "example"),
        of("grading:training_sets"),
        of("grading:training_set_delete", "training_set"),
        of("grading:health"),
        of("grading:history"),
        of("grading:retention"),
        of("grading:research", "course"),
        of("grading:people"),
        of("grading:person", "person"),
        of("grading:style_guide"),
        of("lti:platforms"),
        of("lti:platform_new"),
        of("lti:platform", "platform"),
    ],
}
# Addresses that answer GET and are no page of their own, with the reason.
NO_PAGE = {
    "grading:run_progress": "part of the run's page",
    "grading:pilot_progress": "part of the pilot's page",
    "grading:training_progress": "part of the training's page",
    "grading:training_log": "a file",
    "grading:trial": "part of the version's page",
    "grading:version_export": "a file",
    "grading:examples_export": "a file",
    "grading:nearest": "part of the desk",
    "grading:rewrite": "part of the desk",
    "grading:comments_list": "part of the desk",
    "grading:papers": "JSON for the desk",
    "grading:consistency": "part of the release page",
    "grading:jump": "leads on to a paper",
    "grading:export": "a file",
    "grading:version_card": "a file",
    "grading:person_data": "a file",
    "grading:history_csv": "a file",
    "grading:course_history_csv": "a file",
    "grading:my_data": "a file",
    "courses:submission_original": "a file",
    "healthz": "JSON for machines",
    "session_end": "takes POST only and leads back to the list",
    "sessions_end_others": "takes POST only and leads back to the list",
    "account_login": "the page of login",
    "account_inactive": "a refusal, with its status",
    "mfa_authenticate": "shown in the middle of a login; tests/signin looks at it",
    "mfa_reauthenticate": "shown to those with a second factor only; tests/signin looks at it",
    "mfa_deactivate_totp": "shown to those with a second factor only; tests/signin looks at it",
    "mfa_view_recovery_codes": "shown to those with a second factor only; tests/signin looks at it",
    **dict.fromkeys(API, "JSON for programs"),
    "sso_start": "takes POST only and leads to the provider",
    "sso_callback": "leads back from the provider",
    "lti:login": "leads to the platform; tests/lti",
    "lti:launch": "takes POST only, from platforms; tests/lti",
    "lti:follow": "leads on; tests/lti",
    "lti:jwks": "JSON for machines",
    "lti:canvas": "JSON for machines",
    "lti:confirm": "shown after a launch only; tests/lti/test_in_browser.py looks at it",
    "lti:enter": "leads on; tests/lti",
    "lti:deep_link": "shown after a launch only; tests/lti",
    "livez": "JSON for machines",
    "readyz": "JSON for machines",
    "metrics": "text for machines",
    "csp_report": "takes POST only, from browsers",
    "javascript-catalog": "a script",
    "set_language": "leads back to the page that it was sent from",
    "logout": "takes POST only and leads to the login page",
}
