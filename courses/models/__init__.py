from courses.models.assignment import Assignment, PointStep
from courses.models.course import Course, Language, Membership, Role
from courses.models.history import AppendOnly, CourseEvent, EventKind, HistoryUnlock
from courses.models.rubric import Criterion, Level, Rubric
from courses.models.submission import Submission, SubmissionSource, SubmissionState, UnmatchedFile

__all__ = [
    "AppendOnly",
    "Assignment",
    "Course",
    "CourseEvent",
    "Criterion",
    "EventKind",
    "HistoryUnlock",
    "Language",
    "Level",
    "Membership",
    "PointStep",
    "Role",
    "Rubric",
    "Submission",
    "SubmissionSource",
    "SubmissionState",
    "UnmatchedFile",
]
