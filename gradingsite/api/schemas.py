"""What goes out and comes in. Points are numbers; they are multiples of the assignment's step, which a float holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, Field

from gradingsite.api.paging import Key

LONGEST_TEXT = 1_000_000


def _storable(text: str) -> str:
    """
    Raises:
        ValueError: no database keeps it.
    """
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("has characters that cannot be kept")
    return text


Words = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_storable)]
Short = Annotated[str, Field(max_length=150), AfterValidator(_storable)]
Points = Annotated[float, Field(ge=0, le=9999.99, allow_inf_nan=False)]


class ErrorBody(Schema):
    code: str = Field(description="for the program; stays the same")
    message: str = Field(description="for a person, in the language of Accept-Language")
    field: str | None = Field(description="which part of the request it is about, where it is about one")


class Error(Schema):
    error: ErrorBody


class CourseOut(Schema):
    id: int
    name: str
    term: str
    language: str
    role: str | None = Field(description="yours: teacher, assistant or student; null for an admin who is no member")


class AssignmentOut(Schema):
    id: int
    course: int
    title: str
    question: str
    max_points: float
    step: float
    language: str
    due_at: datetime | None
    published: bool
    names_hidden: bool = Field(description="grades come without their students' names")
    reference_answer: str | None = Field(description="null for students")
    marking_instructions: str | None = Field(description="null for students")


class PersonOut(Schema):
    id: int
    name: str
    email: str


class SubmissionOut(Schema):
    id: int
    assignment: int
    student: PersonOut
    state: str
    source: str
    submitted_at: datetime
    late: bool
    file_name: str
    problem: str = Field(description="why the file could not be read; empty where it could")
    external_id: str


class SubmissionTextOut(SubmissionOut):
    text: str


class SubmissionIn(Schema):
    text: Words
    student: Short | None = Field(None, description="the student's e-mail address; left out by students")
    external_id: Short = Field("", description="what this answer is called where it comes from; of course staff only")


class CriterionOut(Schema):
    id: int
    title: str
    points: float | None
    max_points: float
    proposed_points: float | None = Field(description="null for students")


class GradeOut(Schema):
    id: int
    submission: int
    assignment: int
    student: PersonOut | None = Field(description="null where names are hidden while marking")
    state: str
    points: float | None
    max_points: float
    feedback: str
    criteria: list[CriterionOut]
    proposed_by_model: bool
    proposed_points: float | None = Field(description="null for students, and while the paper is to be marked blind")
    edition: int | None = Field(description="goes up with every change; null for students")
    approved_by: str
    approved_at: datetime | None
    released_at: datetime | None


class CriterionIn(Schema):
    id: Key
    points: Points | None


class GradeIn(Schema):
    edition: int = Field(ge=0, le=2**31 - 1, description="the edition that you read; a newer one is not overwritten")
    points: Points | None = Field(None, description="left out: as it is, or the sum of the criteria")
    criteria: list[CriterionIn] = Field(default_factory=list, max_length=200)
    feedback: Words | None = Field(None, description="left out: as it is")


class ReleaseOut(Schema):
    released: int


class RunIn(Schema):
    scope: Literal["all", "ungraded", "selected"] = "ungraded"
    submissions: list[Key] = Field(default_factory=list, max_length=2000, description="for the scope “selected”")
    with_feedback: bool = True


class RunOut(Schema):
    id: int
    assignment: int
    scope: str
    with_feedback: bool
    model_version: str
    created_at: datetime
    cancelled_at: datetime | None
    active: bool
    total: int
    queued: int
    running: int
    done: int
    failed: int
    cancelled: int
    scored: int = Field(description="answers that have points, those of unfinished batches included")
    written: int = Field(description="the same of texts of feedback")
    seconds_left: int | None


# Every operation may answer with these.
ANSWERS: dict[Any, Any] = {frozenset({400, 401, 403, 404, 405, 409, 413, 422, 429}): Error}
