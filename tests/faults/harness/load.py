"""What people do meanwhile: students hand in and look, a teacher has answers marked, reviews and releases."""

from __future__ import annotations

import contextlib
import random
import re
import threading
import traceback
import uuid
from collections.abc import Callable

from django.contrib.auth.models import User
from django.utils import timezone

from courses.models import Assignment, Submission
from grading.forms import criterion_field
from grading.models import Grade, GradeState, TrainingRun, TrainingSet
from grading.services import training_run_start
from tests.faults.harness.asking import asking
from tests.faults.harness.browser import Away, Browser
from tests.faults.harness.model import Accepted, Approval, Model, Seen

MARK = re.compile(r"FB-[0-9a-f]{32}")
ANSWER = re.compile(r"ANS-[0-9a-f]{32}")


class Load:
    """Each person is a thread. `stop` ends what changes something; `leave` ends the looking, too."""

    def __init__(self, base: str, password: str, model: Model, seed: int) -> None:
        self.base, self.password, self.model, self.seed = base, password, model, seed
        self.stop, self.leave = threading.Event(), threading.Event()
        self.threads: list[threading.Thread] = []
        self.errors: list[str] = []
        self.assignments = list(Assignment.objects.order_by("pk").values_list("pk", flat=True))

    def begin(self, students: list[str], *, training_every: float) -> None:
        for number, email in enumerate(students):
            self._person(self.student, email, number)
        self._person(self.teacher, "teacher@example.org", 1000)
        self._person(lambda email, chance: self.trainer(training_every), "", 2000)

    def _person(self, life: Callable[[str, random.Random], None], email: str, number: int) -> None:
        def run() -> None:
            while not self.leave.is_set():
                try:
                    life(email, random.Random(self.seed * 10_000 + number))
                    return
                except Exception:  # noqa: BLE001 - a person who cannot go on is a finding, told at the end
                    self.errors.append(traceback.format_exc())
                    self.leave.wait(1)

        thread = threading.Thread(target=run, daemon=True)
        self.threads.append(thread)
        thread.start()

    def join(self) -> None:
        self.leave.set()
        for thread in self.threads:
            thread.join(timeout=60)

    # --- a student ---------------------------------------------------------------------------------------------------
    def student(self, email: str, chance: random.Random) -> None:
        browser = Browser(self.base, email, self.password, self.model)
        browser.log_in()
        mine: list[int] = []
        while not self.leave.wait(chance.uniform(0.5, 2.5)):
            with contextlib.suppress(Away):
                if not self.stop.is_set() and (not mine or chance.random() < 0.15):
                    self.hand_in(browser, chance, mine)
                self.look(browser, chance.choice(mine[-6:]) if mine else 0)

    def hand_in(self, browser: Browser, chance: random.Random, mine: list[int]) -> None:
        token = f"ANS-{uuid.uuid4().hex}"
        text = f"{token} The gap opens the circuit, so no current flows. " * chance.randint(1, 4)
        as_file, assignment = chance.random() < 0.5, chance.choice(self.assignments)
        with self.model.lock:
            self.model.unsure.add(token)
        files = {"file": ("answer.txt", text.encode())} if as_file else None
        data = {"replace": "on", "text": "" if as_file else text}
        answer = browser.post(f"/assignments/{assignment}/submit/", data, files)
        found = re.search(r"/submissions/(\d+)/", answer.headers.get("Location", ""))
        if answer.status_code == 302 and found:
            pk = int(found[1])
            with self.model.lock:
                self.model.unsure.discard(token)
                self.model.uploads[token] = Accepted(pk, browser.email, assignment, text.encode(), as_file)
            mine.append(pk)

    def look(self, browser: Browser, submission: int) -> None:
        """Every page of a student that could show something of a grade."""
        self._looked(browser, "/", 0)
        if submission:
            self._looked(browser, f"/submissions/{submission}/", submission)
            self._looked(browser, f"/submissions/{submission}/grade/", submission)

    def _looked(self, browser: Browser, path: str, submission: int) -> None:
        answer = browser.get(path)
        if answer.status_code != 200:
            return
        graded = path.endswith("/grade/")
        marks = frozenset(MARK.findall(answer.text) + ANSWER.findall(answer.text))
        if graded or marks:
            with self.model.lock:
                self.model.seen.append(Seen(browser.email, submission, marks, graded, timezone.now()))

    # --- a teacher ---------------------------------------------------------------------------------------------------
    def teacher(self, email: str, chance: random.Random) -> None:
        browser = Browser(self.base, email, self.password, self.model)
        browser.log_in()
        acts = [self.start_run, self.review, self.review, self.review, self.release]
        while not self.stop.wait(chance.uniform(0.2, 1.0)):
            with contextlib.suppress(Away):
                chance.choice(acts)(browser, chance.choice(self.assignments), chance)

    def start_run(self, browser: Browser, assignment: int, chance: random.Random) -> None:
        data = {"scope": chance.choice(["ungraded", "all"])}
        if chance.random() < 0.2:
            data["with_feedback"] = "on"
        answer = browser.post(f"/grading/assignments/{assignment}/runs/new/", data)
        if found := re.search(r"/runs/(\d+)/", answer.headers.get("Location", "")):
            self.model.runs.add(int(found[1]))

    def review(self, browser: Browser, assignment: int, chance: random.Random) -> None:
        rows = Grade.objects.filter(submission__assignment=assignment, state=GradeState.PROPOSED)
        rows = rows.exclude(submission__state="superseded").prefetch_related("criterion_scores")
        for grade in asking(lambda: list(rows.order_by("?")[:3])):
            self.approve(browser, grade, chance)

    def approve(self, browser: Browser, grade: Grade, chance: random.Random) -> None:
        mark = f"FB-{uuid.uuid4().hex}"
        scores = {criterion_field(s): chance.choice(["0", "1", "2"]) for s in grade.criterion_scores.all()}
        points = str(sum(map(int, scores.values())))
        data = {"edition": str(grade.edition), "feedback": f"Well seen. {mark}", "points": points, "internal_note": ""}
        data |= scores
        approve = chance.random() < 0.8
        if approve:
            data["approve"] = "1"
        try:
            answer = browser.post(f"/grading/grades/{grade.pk}/save/", data)
        except Away:
            self.model.approved(grade.pk, Approval(points, mark, sure=False))
            raise
        if answer.status_code == 302:
            self.model.approved(grade.pk, Approval(points, mark, sure=True))
        else:
            self.model.counted("review refused")

    def release(self, browser: Browser, assignment: int, chance: random.Random) -> None:
        if chance.random() < 0.6:
            return
        rows = Grade.objects.filter(submission__assignment=assignment, state=GradeState.APPROVED)
        ready = set(asking(lambda: list(rows.exclude(submission__state="superseded").values_list("pk", flat=True))))
        if browser.post(f"/grading/assignments/{assignment}/release/", {}).status_code == 302:
            self.model.must_be_released |= ready

    # --- trainings ---------------------------------------------------------------------------------------------------
    def trainer(self, every: float) -> None:
        while not self.stop.is_set():
            if not asking(lambda: TrainingRun.objects.active().exists()):
                key = uuid.uuid4()
                # The key makes asking twice harmless: that is what it is for.
                run = asking(lambda key=key: _train(key))  # type: ignore[misc]
                self.model.trainings.add(run.pk)
            self.stop.wait(every)


def _train(key: uuid.UUID) -> TrainingRun:
    return training_run_start(
        by=User.objects.get(username="admin@example.org"),
        request_key=key,
        courses=[],
        training_sets=list(TrainingSet.objects.all()),
        parts=["scorer"],
        method="lora",
        rank=2,
        learning_rate=1e-3,
        epochs=4,
    )


def current_ungraded() -> int:
    """Answers that wait for a proposal."""
    rows = Submission.objects.filter(state="ready").exclude(grades__state__in=["proposed", "approved", "released"])
    return rows.count()
