# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""A term played through: `python docs/learning.py --data DIR --out DIR`; `--table` prints what was found so far.

Two courses work through questions that the starter never saw, over ten weeks: science at school (ScientsBank, right or
wrong) and computer networks at a university (SAF, parts of points). A question is asked in the week in which it is new,
and again in each of the three weeks after it, of another group of students each time, as parallel classes do. Each
week's answers are marked by the version in use, then the data's own marks are the teachers'. Every second week a
training goes on from the starter with all marks so far, of one course or of the whole site, and its result is put in
use unless it is worse than what it would replace on a fifth of the answers that was kept out of it. What is done
already in `--out` is not done again.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlcore.beside import beside  # noqa: E402
from mlcore.config import BaseConfig, LoraConfig, TrainConfig  # noqa: E402
from mlcore.engine import Engine  # noqa: E402
from mlcore.evaluate import mark_examples  # noqa: E402
from mlcore.intervals import draws_of  # noqa: E402
from mlcore.manifest import read_manifest  # noqa: E402
from mlcore.rows import read_examples, write_rows  # noqa: E402
from mlcore.schemas import Example, group_by_question  # noqa: E402
from mlcore.train import train  # noqa: E402

BASE = ROOT / "var" / "models" / "smollm2-135m-instruct"
STARTER = ROOT / "mlcore" / "starter"
COURSES = {"science": "scientsbank", "networks": "saf_english"}
WEEKS, GROUPS = 10, 4
RETRAIN_AFTER = (2, 4, 6, 8)
MOST_ANSWERS = {"science": 24, "networks": 80}  # of one question, in four groups
WAYS = {"none": "the starter, never retrained", "course": "a version of the course", "site": "one version for both"}
# A proposal stands where it is off by less than this: in right or wrong the nearer end is the mark.
STANDS = {"science": 0.5, "networks": 0.1}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.table:
        Term(options).run()
    print(table(json.loads((options.out / "weeks.json").read_text())))  # noqa: T201


class Term:
    """Ten weeks of two courses, with the versions that come out of them."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.weeks = timetable(options.data)
        self.engine = Engine(BaseConfig(BASE, device="cpu"))
        self.in_use: dict[str, Path] = {}
        self.log: list[dict[str, Any]] = []

    def run(self) -> None:
        for week in range(1, WEEKS + 1):
            self.mark(week)
            if week in RETRAIN_AFTER:
                for name in COURSES:
                    self.retrain(week, name, [name])
                self.retrain(week, "site", list(COURSES))
            (self.options.out / "weeks.json").write_text(json.dumps(self.log, indent=1))

    def mark(self, week: int) -> None:
        """What each way proposes for the week's answers, before anybody marks them."""
        for course in COURSES:
            rows = self.weeks[week][course]
            before = {row.question.id for earlier in range(1, week) for row in self.weeks[earlier][course]}
            facts = {
                "week": week,
                "course": course,
                "questions": [row.question.id for row in rows],
                "asked_before": [row.question.id in before for row in rows],
                "given": [row.score for row in rows],
            }
            for way, scope in (("none", ""), ("course", course), ("site", "site")):
                found = self.scores(self.in_use.get(scope, STARTER), rows) if rows else []
                self.log.append({**facts, "way": way, "found": found})

    def retrain(self, week: int, scope: str, courses: Sequence[str]) -> None:
        """One training on all marks so far; what comes out is in use from the next week on, unless it is worse."""
        known = [row for earlier in range(1, week + 1) for name in courses for row in self.weeks[earlier][name]]
        kept_out = [row for row in known if _fifth(row)]
        learnt = [row for row in known if not _fifth(row)]
        output = self.options.out / f"{scope}-{week}"
        began = time.monotonic()
        if not output.exists():
            train(self.config(output, learnt))
        seconds = time.monotonic() - began
        old = self.in_use.get(scope, STARTER)
        verdict = beside(kept_out, self.scores(output, kept_out), self.scores(old, kept_out))
        if verdict.verdict != "worse":
            self.in_use[scope] = output
        facts = {"difference": verdict.difference, "verdict": verdict.verdict, "minutes": seconds / 60}
        self.log.append({"week": week, "trained": scope, "answers": len(learnt), **facts})
        print(json.dumps(self.log[-1]), flush=True)  # noqa: T201

    def config(self, output: Path, learnt: Sequence[Example]) -> TrainConfig:
        """A training of the scorer alone, on one pass over the answers."""
        rows = output.with_suffix(".jsonl")
        write_rows(rows, learnt)
        settings = read_manifest(STARTER).parts["scorer"].settings
        return TrainConfig(
            output=output,
            train_files=(rows,),
            base=BaseConfig(BASE, device="cpu"),
            parts=("scorer",),
            lora=LoraConfig(**settings["lora"]),
            learning_rate=self.options.learning_rate,
            head_learning_rate=2.5 * self.options.learning_rate,
            epochs=self.options.epochs,
            validation_share=0.1,
            validation_limit=60,
            evaluations=3,
            seed=1,
            start_from=STARTER,
        )

    def scores(self, version: Path, rows: Sequence[Example]) -> list[float]:
        """The version's scores of these rows; kept, so that a second call costs nothing."""
        digest = hashlib.sha256("".join(row.marked.answer.id for row in rows).encode()).hexdigest()[:12]
        kept = self.options.out / "scores" / f"{version.name}-{digest}.json"
        if not kept.exists():
            self.engine.use(version)
            found = [proposal.score for proposal in mark_examples(self.engine, rows)]
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(found))
            gc.collect()
        return list(json.loads(kept.read_text()))


def timetable(data: Path) -> dict[int, dict[str, list[Example]]]:
    """Week by week the answers of each course: a new question's first group, and another group of older ones."""
    held_out = set(read_manifest(STARTER).training["held_out_questions"])
    weeks: dict[int, dict[str, list[Example]]] = {week: {name: [] for name in COURSES} for week in range(1, WEEKS + 1)}
    for course, folder in COURSES.items():
        rows = [row for name in ("train", "val") for row in read_examples(data / folder / f"{name}.jsonl")]
        questions = group_by_question([row for row in rows if row.question.id in held_out])
        for place, key in enumerate(sorted(questions, key=_number)):
            new_in = 1 + round(place * (WEEKS - GROUPS) / (len(questions) - 1))
            answers = sorted(questions[key], key=lambda row: _number(row.marked.answer.id))
            for number, row in enumerate(answers[: MOST_ANSWERS[course]]):
                weeks[new_in + number % GROUPS][course].append(row)
    return weeks


def _number(key: str) -> int:
    """An order that has nothing to do with what an id says."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)


def _fifth(row: Example) -> bool:
    """Whether an answer is kept out of every training: a fifth of them, by its id."""
    return hashlib.sha256(row.marked.answer.id.encode()).digest()[0] < 51


def table(log: Sequence[dict[str, Any]]) -> str:
    """Week by week: MAE in % of the maximum; then by what the teachers had to change; then the trainings."""
    marked = [row for row in log if "way" in row]
    lines = ["Error of the proposals (MAE, % of the maximum), both courses together:", "", *_header("week | answers")]
    for week in sorted({row["week"] for row in marked}):
        rows = {way: _pairs(marked, way, weeks=(week, week)) for way in WAYS}
        usual = _mae(rows["none"])
        cells = [
            f"{_mae(rows[way]):.1f} ({100 * _mae(rows[way]) / usual - 100:+.0f} %)" for way in WAYS if way != "none"
        ]
        lines.append(f"| {week} | {len(rows['none'])} | {usual:.1f} | {' | '.join(cells)} |")
    lines += ["", "The same by periods (in brackets the difference and its 95 %, paired bootstrap over answers):", ""]
    lines += _header("weeks | answers")
    for weeks in ((3, 6), (7, WEEKS)):
        rows = {way: _pairs(marked, way, weeks=weeks) for way in WAYS}
        lines.append(f"| {weeks[0]} to {weeks[1]} | {len(rows['none'])} | {_beside(rows)} |")
    for course in COURSES:
        lines += ["", f"The {course} course after the first retraining, weeks 3 to {WEEKS}:", ""]
        lines += _header(" | answers")
        for words, before in (("all answers", None), ("to questions asked before", True), ("to new questions", False)):
            rows = {way: _pairs(marked, way, course=course, weeks=(3, WEEKS), before=before) for way in WAYS}
            lines.append(f"| {words}, MAE % | {len(rows['none'])} | {_beside(rows)} |")
        rows = {way: _pairs(marked, way, course=course, weeks=(3, WEEKS)) for way in WAYS}
        changes = [f"{sum(abs(f - g) >= STANDS[course] for g, f in rows[way])}" for way in WAYS]
        lines.append(f"| proposals that the teacher has to change | {len(rows['none'])} | {' | '.join(changes)} |")
    lines += [
        "",
        "| training after week | of | answers | minutes | difference on the answers kept out |",
        "|---" * 5 + "|",
    ]
    lines += [
        f"| {row['week']} | {row['trained']} | {row['answers']} | {row['minutes']:.0f} | "
        f"{100 * row['difference']:+.1f} ({row['verdict']}) |"
        for row in log
        if "trained" in row
    ]
    return "\n".join(lines)


def _header(first: str) -> list[str]:
    return [f"| {first} | {' | '.join(WAYS.values())} |", "|---" * (len(WAYS) + 2) + "|"]


def _pairs(
    marked: Sequence[dict[str, Any]],
    way: str,
    *,
    weeks: tuple[int, int],
    course: str | None = None,
    before: bool | None = None,
) -> list[tuple[float, float]]:
    """(given, found) of the answers that were marked in one way, in the order of the log."""
    return [
        (given, found)
        for row in marked
        if row["way"] == way and weeks[0] <= row["week"] <= weeks[1] and course in (None, row["course"])
        for given, found, known in zip(row["given"], row["found"], row["asked_before"], strict=True)
        if before in (None, known)
    ]


def _beside(rows: dict[str, list[tuple[float, float]]]) -> str:
    usual = rows["none"]
    others = [f"{_mae(rows[way]):.1f} ({_less(rows[way], usual)})" for way in WAYS if way != "none"]
    return " | ".join([f"{_mae(usual):.1f}", *others])


def _mae(pairs: Sequence[tuple[float, float]]) -> float:
    return 100 * statistics.mean(abs(found - given) for given, found in pairs)


def _less(pairs: Sequence[tuple[float, float]], others: Sequence[tuple[float, float]]) -> str:
    """How much less the error is than the others', with its interval of 95 % (paired bootstrap over answers)."""
    change = np.abs(np.diff(pairs, axis=1)) - np.abs(np.diff(others, axis=1))
    drawn = [change[sample].mean() for sample in draws_of([""] * len(change), "rows")]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return f"{100 * change.mean():+.1f}, {100 * low:+.1f} to {100 * high:+.1f}"


if __name__ == "__main__":
    main()
