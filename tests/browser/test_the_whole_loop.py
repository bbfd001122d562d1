"""From answers to a released grade to a model version of one's own, against the running system with the real model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(900)]

RUST = {
    "question_id": "loop/rust",
    "question": "Why does iron rust?",
    "reference_answer": "Iron reacts with oxygen and water; the reaction makes iron oxide, which is rust.",
    "min_score": 0,
    "max_score": 2,
}
ICE = {
    "question_id": "loop/ice",
    "question": "Why does ice float on water?",
    "reference_answer": "Ice is less dense than liquid water, because its molecules stand further apart.",
    "min_score": 0,
    "max_score": 2,
}
RUST_ANSWERS = [
    "Iron reacts with oxygen and water and becomes iron oxide.",
    "Because of oxygen and water together.",
    "It gets wet.",
    "Iron is a metal and metals are hard.",
    "Oxygen from the air joins the iron when there is water, and that makes iron oxide, rust.",
    "The sun dries it out.",
    "Water and air attack it.",
    "Rust is a kind of paint.",
    "A chemical reaction of iron with oxygen and moisture.",
    "I do not know.",
    "It is old.",
    "Iron and oxygen make iron oxide if water is there.",
    "The air makes it brown.",
    "",
]
ICE_ANSWERS = [
    "Ice is less dense than water.",
    "Because it is cold.",
    "Its molecules are further apart, so it is lighter.",
]
FEEDBACK = "Half of it: say what the iron becomes."
MINUTES = 60_000


@pytest.fixture
def answers_file(tmp_path: Path) -> Path:
    rows = [{**RUST, "id": f"rust-{i}", "answer": text} for i, text in enumerate(RUST_ANSWERS)]
    rows += [{**ICE, "id": f"ice-{i}", "answer": text} for i, text in enumerate(ICE_ANSWERS)]
    rows[0]["student"] = "student1@example.org"
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_answers_are_marked_reviewed_released_learned_from_and_marked_again(
    site: Site, sign_in: Callable[[str], Page], answers_file: Path
) -> None:
    teacher = sign_in("teacher@example.org")
    rust, ice = bring_in(teacher, answers_file)
    mark(teacher, rust)
    starter = proposed_by(teacher)
    approve_all(teacher, rust)
    release(teacher, rust)

    read_as_student(sign_in("student1@example.org"))

    admin = sign_in("admin@example.org")
    version = fine_tune(admin)
    assert version != starter
    promote(admin)
    assert site.health()["model"] == version

    mark(teacher, ice)
    assert proposed_by(teacher) == version


def bring_in(page: Page, file: Path) -> tuple[str, str]:
    """A course with both questions' answers, ungraded; the paths of the two assignments."""
    page.goto("/courses/new/")
    page.get_by_label("Name").fill("Materials")
    page.get_by_role("button", name="Save").or_(page.get_by_role("button", name="Make")).first.click()
    page.get_by_role("link", name="Import marked answers").click()
    page.locator("#id_file").set_input_files(file)
    page.get_by_label("Take the points and feedback, too").uncheck()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Answers taken")).to_be_visible()
    paths = [link.get_attribute("href") for link in page.locator("main ul.rows a").all()]
    assert len(paths) == 2
    return str(paths[0]), str(paths[1])


def mark(page: Page, assignment: str) -> None:
    page.goto(assignment)
    page.get_by_role("button", name="Start marking").click()
    expect(page.get_by_text("The run is over.")).to_be_visible(timeout=4 * MINUTES)
    page.get_by_role("link", name="Review what is done").click()


def proposed_by(page: Page) -> str:
    """The model version that the first proposal in the list names."""
    page.locator("main table tbody a").first.click()
    words = page.get_by_text(re.compile(r"^\s*Proposed by .+\.\s*$")).inner_text()
    return words.strip().removeprefix("Proposed by ").removesuffix(".").partition(",")[0]


def approve_all(page: Page, assignment: str) -> None:
    """One is corrected by hand, the others go by the key, also those that stand before it in the list."""
    page.goto(assignment.replace("/assignments/", "/grading/assignments/") + "review/?show=to_review")
    expect(page.locator("main table tbody tr")).to_have_count(len(RUST_ANSWERS))
    page.get_by_role("link", name="Ada Brandt").click()
    page.locator("#id_points").fill("1,5")
    page.locator("#id_feedback").fill(FEEDBACK)
    approve(page, lambda: page.get_by_role("button", name="Approve, next").click())
    for _ in range(len(RUST_ANSWERS) - 1):
        approve(page, lambda: page.keyboard.press("a"))
    expect(page.get_by_text("Nothing is left to review here.")).to_be_visible()


def approve(page: Page, act: Callable[[], None]) -> None:
    before = page.url
    act()
    page.wait_for_url(lambda url: url != before)


def release(page: Page, assignment: str) -> None:
    page.goto(assignment)
    page.get_by_role("link", name=re.compile(r"^\s*Release")).click()
    page.get_by_role("button", name=re.compile(r"^\s*Release \d+ grades")).click()
    expect(page.get_by_text(f"{len(RUST_ANSWERS)} grades were released.")).to_be_visible()


def read_as_student(page: Page) -> None:
    page.goto("/")
    page.get_by_role("link", name="1.5 of 2 points").click()
    expect(page.get_by_text("A language model proposed this grade.")).to_be_visible()
    expect(page.get_by_text(FEEDBACK)).to_be_visible()


def fine_tune(page: Page) -> str:
    page.goto("/grading/training/new/")
    page.get_by_label(re.compile(r"^\s*Materials")).check()
    page.get_by_label("the scorer alone: points").check()
    page.locator("#id_epochs").fill("1")
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url(re.compile(r"/grading/training/\d+/"))
    opened = page.get_by_role("link", name="Open the new version")
    expect(opened).to_be_visible(timeout=8 * MINUTES)
    opened.click()
    return page.locator("[aria-current=page]").last.inner_text().strip()


def promote(page: Page) -> None:
    page.get_by_role("link", name="Put in use…").click()
    page.get_by_label("Note").fill("Tried on the class's own answers.")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_text(re.compile("is in use: the next grading run marks with it"))).to_be_visible()
