"""All writes of the app. Keyword-only; who may call them is decided by courses.access before."""

from courses.services.assignments import assignment_create, assignment_update
from courses.services.courses import course_create, course_update
from courses.services.enrolment import (
    EnrolmentReport,
    enrol_from_csv,
    enrol_preview,
    member_add,
    member_change_role,
    member_invite_again,
    member_remove,
)
from courses.services.rubrics import CriterionData, LevelData, rubric_save
from courses.services.submissions import submission_create
from courses.services.uploads import (
    UploadReport,
    submissions_from_files,
    unmatched_file_assign,
    unmatched_file_discard,
)

__all__ = [
    "CriterionData",
    "EnrolmentReport",
    "LevelData",
    "UploadReport",
    "assignment_create",
    "assignment_update",
    "course_create",
    "course_update",
    "enrol_from_csv",
    "enrol_preview",
    "member_add",
    "member_change_role",
    "member_invite_again",
    "member_remove",
    "rubric_save",
    "submission_create",
    "submissions_from_files",
    "unmatched_file_assign",
    "unmatched_file_discard",
]
