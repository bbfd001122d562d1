"""An admin who is no engineer trains by one click, reads the comparison, and is kept from a mistake. The training
that one click starts takes minutes: `make retraining` waits for it, `make test` stops it once it is under way."""

from __future__ import annotations

import json
import os
import re
import uuid
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from grading.splits import HELD_OUT, SplitItem, split_examples
from tests.browser.conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1200)]
MINUTES = 60_000
TO_THE_END = os.environ.get("RETRAINING") == "1"

# A question, its reference answer, right answers and wrong ones.
QUESTIONS = {
    "Why does iron rust?": (
        "Iron reacts with oxygen and water; the reaction makes iron oxide, which is rust.",
        [
            "Iron reacts with oxygen and water to iron oxide.",
            "The reaction of iron with water and oxygen makes iron oxide.",
            "Oxygen and water react with the iron; rust is iron oxide.",
        ],
        ["Because the sun dries it out.", "It is old and tired.", "Magnets pull it apart."],
    ),
    "Why does ice float on water?": (
        "Ice is less dense than liquid water, because its molecules stand further apart.",
        ["Ice is less dense than water.", "Its molecules stand further apart.", "It has a lower density."],
        ["Because it is cold.", "The wind holds it up.", "Water is blue."],
    ),
    "Why is the sky blue?": (
        "Air scatters blue light more than red light.",
        ["Blue light is scattered most by air.", "Air scatters blue more than red.", "Scattering of blue light."],
        ["It mirrors the sea.", "Space is blue.", "Because of clouds."],
    ),
    "Why do we see lightning before thunder?": (
        "Light travels much faster than sound.",
        ["Light is faster than sound.", "Sound travels slower than light.", "Light travels much faster."],
        ["Thunder is shy.", "Rain slows the ears.", "They are unrelated."],
    ),
    "Why do leaves turn yellow in autumn?": (
        "The tree breaks down its green chlorophyll, and yellow pigments remain.",
        ["Chlorophyll breaks down, yellow remains.", "Green chlorophyll goes.", "Yellow pigments remain."],
        ["They are painted.", "Frost is yellow.", "Because of school."],
    ),
}
HONEST = "Why does iron rust?"


def rows(*, harmed: bool) -> list[dict[str, object]]:
    """Marked answers; harmed, right and wrong are exchanged for every question but one."""
    found: list[dict[str, object]] = []
    for question, (reference, right, wrong) in QUESTIONS.items():
        swap = harmed and question != HONEST
        for answers, good in ((right, True), (wrong, False)):
            for answer in answers:
                body = {"question": question, "reference_answer": reference, "answer": answer}
                found.append({**body, "question_id": question, "score": int(good != swap)})
    return found


@pytest.fixture
def examples_file(tmp_path: Path) -> Callable[[str], Path]:
    def write(name: str) -> Path:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(harmed=name == "Harmed")), encoding="utf-8")
        return path

    return write


def test_an_admin_retrains_by_one_click_and_is_kept_from_promoting_a_harmed_version(
    site: Site, sign_in: Callable[[str], Page], examples_file: Callable[[str], Path]
) -> None:
    page = sign_in("admin@example.org")
    before = site.health()["model"]
    upload(page, "Honest", examples_file("Honest"))
    look_at_the_examples(page)
    start_what_is_suggested(page)
    if TO_THE_END:
        watch_it_to_the_end(page)
        see_the_comparison(page)
    else:
        stop_it(page)

    upload(page, "Harmed", examples_file("Harmed"))
    harmed = train_on_harmed(page, site)
    see_the_comparison(page)
    refused(page)
    overrule(page)
    assert site.health()["model"] == harmed
    page.goto("/grading/versions/")
    page.get_by_role("button", name=f"Roll back to “{before}”").click()
    expect(page.get_by_text(f"“{before}” is in use again")).to_be_visible()
    assert site.health()["model"] == before


def upload(page: Page, name: str, file: Path) -> None:
    page.goto("/grading/training/sets/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Licence or source").fill("made up")
    page.locator("#id_file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("30 marked answers were taken.")).to_be_visible()


def look_at_the_examples(page: Page) -> None:
    page.goto("/grading/training/examples/")
    page.get_by_label("Words of the question").fill("iron rust")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_text("6 examples", exact=True)).to_be_visible()


def start_what_is_suggested(page: Page) -> None:
    page.goto("/grading/training/new/")
    page.get_by_role("button", name="Start the suggested training").click()
    page.wait_for_url(re.compile(r"/grading/training/\d+/"))


def watch_it_to_the_end(page: Page) -> None:
    """The page moves by itself until there is a version."""
    step = page.get_by_text(re.compile(r"^\s*\d+ of \d+"))
    expect(step).to_be_visible(timeout=4 * MINUTES)
    seen = step.inner_text()
    expect(step).not_to_have_text(seen, timeout=4 * MINUTES)
    expect(page.get_by_role("link", name="Open the new version")).to_be_visible(timeout=8 * MINUTES)


def stop_it(page: Page) -> None:
    """Once it has said what it does; the worker is free for the next one."""
    expect(page.locator("#training-live dt", has_text="Now")).to_be_visible(timeout=2 * MINUTES)
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel the training").click()
    expect(page.locator("#training-live .chip")).to_have_text("cancelled", timeout=2 * MINUTES)


def see_the_comparison(page: Page) -> None:
    main = page.locator("main")
    expect(main.get_by_text("Both marked the same")).to_be_visible()
    expect(main.locator(".verdict")).to_be_visible()
    expect(main.get_by_text("teacher", exact=False).first).to_be_visible()


def train_on_harmed(page: Page, site: Site) -> str:
    """Learn the exchanged marks thoroughly, measured on the one question whose marks are right; the version's name."""
    page.goto("/grading/training/new/")
    page.get_by_label(re.compile(r"^\s*Harmed")).check()
    page.get_by_label("the scorer alone: points").check()
    page.locator("#id_epochs").fill("8")
    page.get_by_text("All settings").click()
    page.locator("#id_learning_rate").fill("0.002")
    keys = json.loads(site.shell(_KEYS))
    page.locator("[name=request_key]").last.evaluate("(field, key) => { field.value = key }", key_that_holds_out(keys))
    page.get_by_role("button", name="Start the training").click()
    page.wait_for_url(re.compile(r"/grading/training/\d+/"))
    opened = page.get_by_role("link", name="Open the new version")
    expect(opened).to_be_visible(timeout=8 * MINUTES)
    opened.click()
    return page.locator("[aria-current=page]").last.inner_text().strip()


_KEYS = """
import json
from grading.models import TrainingExample
rows = TrainingExample.objects.filter(training_set__name="Harmed")
print(json.dumps([[row.pk, row.row["question"], row.row["answer"]] for row in rows]))
"""


def key_that_holds_out(found: list[list[str]]) -> str:
    """A request key by whose seed the honest question, and no other, is held out of the training."""
    items = [SplitItem(int(pk), question, "", answer) for pk, question, answer in found]
    honest = {item.key for item in items if item.question == HONEST}
    for number in range(1000):
        key = str(uuid.UUID(int=number))
        sides = split_examples(items, zlib.crc32(key.encode()) & 0x7FFFFFFF).sides
        if {pk for pk, side in sides.items() if side == HELD_OUT} == honest:
            return key
    raise AssertionError("no key holds out that question")


def refused(page: Page) -> None:
    expect(page.get_by_text("What speaks against putting it in use")).to_be_visible()
    expect(page.get_by_text("Its marks are worse overall, by more than noise explains.")).to_be_visible()
    page.get_by_role("link", name="Put in use…").click()
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_text(re.compile("is in use: the next grading run marks with it"))).to_have_count(0)
    expect(page.locator("main [role=alert], main .alert").first).to_be_visible()


def overrule(page: Page) -> None:
    page.get_by_label("Note").fill("Only to see what happens.")
    page.locator("main form button[type=submit]").last.click()
    expect(page.get_by_text(re.compile("is in use: the next grading run marks with it"))).to_be_visible()
    history = page.locator("aside ol.rows")
    expect(history.get_by_text("put in use against what was measured")).to_be_visible()
    expect(history.get_by_text("Only to see what happens.")).to_be_visible()
