"""Who may do what: every named address of the site, the kind of row it is about, and the people for whom it opens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, reverse

from tests.lti import access as lti

# Who may do it. Everybody else is refused: 404 where the row is not theirs to see, 403 where it is.
ADMIN = frozenset({"admin"})
OWNERS = ADMIN | {"teacher"}
STAFF = OWNERS | {"assistant"}
THE_STUDENT = STAFF | {"student"}
MEMBERS = THE_STUDENT | {"other_student"}
TEACHING = STAFF | {"outsider"}
EVERYBODY = MEMBERS | {"outsider"}

GET = {
    "courses:home": ("", EVERYBODY),
    "courses:course_list": ("", EVERYBODY),
    "courses:course_new": ("", OWNERS | {"outsider"}),
    "courses:course": ("course", MEMBERS),
    "courses:course_edit": ("course", OWNERS),
    "courses:members": ("course", STAFF),
    "courses:enrol": ("course", OWNERS),
    "courses:assignment_new": ("course", STAFF),
    "courses:assignment": ("assignment", MEMBERS),
    "courses:assignment_edit": ("assignment", STAFF),
    "courses:rubric_edit": ("assignment", STAFF),
    "courses:submit": ("assignment", frozenset({"student", "other_student"})),
    "courses:upload_files": ("assignment", STAFF),
    "courses:upload_table": ("assignment", STAFF),
    "courses:submission": ("submission", THE_STUDENT),
    "courses:submission_original": ("submission", THE_STUDENT),
    "grading:import_marked": ("course", OWNERS),
    "grading:pilot": ("assignment", STAFF),
    "grading:second_marks": ("assignment", STAFF),
    "grading:second_mark": ("approved_paper", STAFF),
    "grading:second_settle": ("second_mark", STAFF),
    "grading:pilot_progress": ("assignment", STAFF),
    "grading:run": ("run", STAFF),
    "grading:run_progress": ("run", STAFF),
    "grading:review_list": ("assignment", STAFF),
    "grading:dashboard": ("assignment", STAFF),
    "grading:groups": ("assignment", STAFF),
    "grading:promise": ("assignment", STAFF),
    "grading:acceptance": ("acceptance", STAFF),
    "grading:nearest": ("submission", STAFF),
    "grading:consistency": ("assignment", STAFF),
    "grading:group": ("group", STAFF),
    "grading:review": ("submission", STAFF),
    "grading:comments": ("course", STAFF),
    "grading:comments_list": ("course", STAFF),
    "grading:comment_edit": ("comment", STAFF),
    "grading:rewrite": ("grade", STAFF),
    "grading:papers": ("assignment", STAFF),
    "grading:jump": ("submission", STAFF),
    "grading:release": ("assignment", STAFF),
    "grading:regrades": ("assignment", STAFF),
    "grading:export": ("assignment", STAFF),
    "grading:gradebook": ("assignment", STAFF),
    "grading:my_grade": ("submission", THE_STUDENT),
    "grading:versions": ("", ADMIN),
    "grading:version": ("version", ADMIN),
    "grading:version_promote": ("version", ADMIN),
    "grading:version_card": ("version", ADMIN),
    "grading:version_import": ("", ADMIN),
    "grading:version_export": ("version", ADMIN),
    "grading:drift": ("version", ADMIN),
    "grading:trial": ("trial", ADMIN),
    "grading:student_groups": ("", ADMIN),
    "grading:examples": ("", ADMIN),
    "grading:example": ("example", ADMIN),
    "grading:examples_export": ("", ADMIN),
    "grading:training_log": ("training", ADMIN),
    "grading:training_list": ("", ADMIN),
    "grading:training_new": ("", ADMIN),
    "grading:training_sets": ("", ADMIN),
    "grading:training_set_delete": ("training_set", ADMIN),
    "grading:training": ("training", ADMIN),
    "grading:training_progress": ("training", ADMIN),
    "grading:health": ("", ADMIN),
    "grading:style_guide": ("", ADMIN),
    "grading:people": ("", ADMIN),
    "grading:person": ("person", ADMIN),
    "grading:person_data": ("person", ADMIN),
    "grading:history": ("", ADMIN),
    "grading:history_csv": ("", ADMIN),
    "grading:course_history": ("course", OWNERS),
    "grading:course_history_csv": ("course", OWNERS),
    "grading:retention": ("", ADMIN),
    "grading:course_retention": ("course", OWNERS),
    "grading:research": ("course", ADMIN),
    **lti.GET,
}
POST = {
    "grading:version_delete": ("version", ADMIN),
    "grading:version_shadow": ("version", ADMIN),
    "grading:version_try": ("version", ADMIN),
    "grading:student_groups_forget": ("", ADMIN),
    "grading:examples_exclude": ("", ADMIN),
    "grading:examples_restore": ("", ADMIN),
    "grading:training_suggested": ("", ADMIN),
    "grading:training_resume": ("training", ADMIN),
    "courses:consent": ("course", frozenset({"student", "other_student"})),
    "courses:member_role": ("membership", OWNERS),
    "courses:member_remove": ("membership", OWNERS),
    "courses:member_invite": ("membership", OWNERS),
    "courses:unmatched_assign": ("unmatched", STAFF),
    "courses:unmatched_discard": ("unmatched", STAFF),
    "grading:run_start": ("assignment", STAFF),
    "grading:pilot_start": ("assignment", STAFF),
    "grading:refit": ("assignment", STAFF),
    "grading:group_confirm": ("group", STAFF),
    "grading:group_split": ("group", STAFF),
    "grading:group_merge": ("group", STAFF),
    "grading:run_cancel": ("run", STAFF),
    "grading:run_retry": ("run", STAFF),
    "grading:grade_by_hand": ("submission", STAFF),
    "grading:grade_save": ("grade", STAFF),
    "grading:grade_autosave": ("grade", STAFF),
    "grading:comment_remove": ("comment", STAFF),
    "grading:rewrite_ask": ("grade", STAFF),
    "grading:rewrite_end": ("grade", STAFF),
    "grading:anchor": ("grade", STAFF),
    "grading:anchor_remove": ("grade", STAFF),
    "grading:presence": ("submission", STAFF),
    "grading:flag": ("submission", STAFF),
    "grading:undo": ("assignment", STAFF),
    "grading:grade_reopen": ("grade", STAFF),
    "grading:grade_reject": ("grade", STAFF),
    "grading:grade_regrade": ("grade", STAFF),
    "grading:withdraw": ("grade", STAFF),
    "grading:release_plan": ("assignment", STAFF),
    "grading:release_plan_cancel": ("plan", STAFF),
    "grading:regrade_ask": ("submission", frozenset({"student"})),
    "grading:regrade_take_back": ("regrade", frozenset({"student"})),
    "grading:regrade_answer": ("regrade", STAFF),
    "grading:release_again": ("grade", STAFF),
    "grading:version_retire": ("version", ADMIN),
    "grading:version_reject": ("version", ADMIN),
    "grading:version_roll_back": ("", ADMIN),
    "grading:training_cancel": ("training", ADMIN),
    "grading:person_delete": ("person", ADMIN),
    "grading:training_estimate": ("", ADMIN),
    "factor_reset": ("person", ADMIN),
    "sso_unlink": ("person", ADMIN),
    "person_sessions_end": ("person", ADMIN),
    "token_withdraw": ("token", frozenset({"student"})),
    **lti.POST,
}
# Behind tokens, where a session's cookie counts for nothing; tests/api/test_who_may_what.py has their table.
API = {
    "api:api-root",
    "api:openapi-json",
    "api:courses",
    "api:course",
    "api:assignments",
    "api:assignment",
    "api:submissions",
    "api:submission",
    "api:submission_file",
    "api:grades",
    "api:grade",
    "api:grade_approve",
    "api:release",
    "api:runs",
    "api:run",
    "api:run_cancel",
    "api_unknown",
}
# Pages about one's own account or about nobody: there is nothing of others behind them.
OPEN = {
    "healthz",
    "livez",
    "readyz",
    # For programs: behind a token or on this machine alone; tests/site/test_metrics.py.
    "metrics",
    "csp_report",
    "grading:my_data",
    "login",
    "account_login",
    "account_inactive",
    "account_reauthenticate",
    "mfa_index",
    "mfa_authenticate",
    "mfa_reauthenticate",
    "mfa_activate_totp",
    "mfa_deactivate_totp",
    "mfa_view_recovery_codes",
    "mfa_generate_recovery_codes",
    "sso_start",
    "sso_callback",
    "sessions",
    "session_end",
    "sessions_end_others",
    "tokens",
    "api_docs",
    "logout",
    "password_change",
    "password_change_done",
    "password_reset",
    "password_reset_done",
    "password_reset_confirm",
    "password_reset_complete",
    "set_language",
    "javascript-catalog",
    *lti.OPEN,
}


def names_of(patterns: list[Any], space: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from names_of(pattern.url_patterns, f"{space}{pattern.namespace}:" if pattern.namespace else space)
        elif isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}"


def address(name: str, kind: str, rows: dict[str, int]) -> str:
    keys: dict[str, Any] = {"pk": rows[kind]} if kind else {}
    if name == "grading:export":
        keys["kind"] = "csv"
    if name == "grading:examples_export":
        keys["kind"] = "jsonl"
    if name == "grading:jump":
        keys["to"] = "ungraded"
    return reverse(name, kwargs=keys)
