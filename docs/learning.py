# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""A term played through: `python docs/learning.py --data DIR --out DIR`; `--table` prints what was found so far.

Two courses get questions that the starter never saw, over ten weeks: science school questions (ScientsBank) and, beside
it, electricity (Beetle). Each week's answers are marked by the version in use, then the data's own marks are the
teacher's. Every second week a training goes on from the starter with all marks so far, of one course or of the whole
site, and its result is put in use unless it is worse than what it would replace on a fifth of the answers that was kept
out of it. What is done already in `--out` is not done again.
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

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlcore.beside import beside  # noqa: E402
from mlcore.config import BaseConfig, LoraConfig, TrainConfig  # noqa: E402
from mlcore.engine import Engine  # noqa: E402
from mlcore.evaluate import mark_examples  # noqa: E402
from mlcore.manifest import read_manifest  # noqa: E402
from mlcore.rows import read_examples, write_rows  # noqa: E402
from mlcore.schemas import Example, group_by_question  # noqa: E402
from mlcore.train import train  # noqa: E402

BASE = ROOT / "var" / "models" / "smollm2-135m-instruct"
STARTER = ROOT / "mlcore" / "starter"
COURSES = {"science": "scientsbank", "electricity": "beetle"}
WEEKS = 10
RETRAIN_AFTER = (2, 4, 6, 8)
MOST_ANSWERS = 40  # of one question: a class
WAYS = {"none": "the starter, never retrained", "course": "a version of the course", "site": "one version for both"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
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
                self.retrain(week, "course", ["science"])
                self.retrain(week, "site", list(COURSES))
            (self.options.out / "weeks.json").write_text(json.dumps(self.log, indent=1))

    def mark(self, week: int) -> None:
        """What each way proposes for the week's answers of the science course, before anybody marks them."""
        rows = self.weeks[week]["science"]
        given = [row.score for row in rows]
        for way in WAYS:
            found = self.scores(self.in_use.get(way, STARTER), rows, f"week-{week}")
            self.log.append({"week": week, "way": way, "given": given, "found": found})

    def retrain(self, week: int, way: str, courses: Sequence[str]) -> None:
        """One training on all marks so far; what comes out is in use from the next week on, unless it is worse."""
        known = [row for earlier in range(1, week + 1) for name in courses for row in self.weeks[earlier][name]]
        kept_out = [row for row in known if _fifth(row)]
        learnt = [row for row in known if not _fifth(row)]
        output = self.options.out / f"{way}-{week}"
        began = time.monotonic()
        if not output.exists():
            train(self.config(output, learnt))
        seconds = time.monotonic() - began
        old = self.in_use.get(way, STARTER)
        verdict = beside(
            kept_out,
            self.scores(output, kept_out, f"{way}-{week}-new"),
            self.scores(old, kept_out, f"{way}-{week}-old"),
        )
        if verdict.verdict != "worse":
            self.in_use[way] = output
        facts = {"difference": verdict.difference, "verdict": verdict.verdict, "minutes": seconds / 60}
        self.log.append({"week": week, "trained": way, "answers": len(learnt), **facts})
        print(json.dumps(self.log[-1]), flush=True)  # noqa: T201

    def config(self, output: Path, learnt: Sequence[Example]) -> TrainConfig:
        """What the site's “suggested” training would take on so few answers, on two passes."""
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

    def scores(self, version: Path, rows: Sequence[Example], name: str) -> list[float]:
        """The version's scores of these rows; kept, so that a second call costs nothing."""
        digest = hashlib.sha256("".join(sorted(row.marked.answer.id for row in rows)).encode()).hexdigest()[:12]
        kept = self.options.out / "scores" / f"{version.name}-{digest}.json"
        if not kept.exists():
            self.engine.use(version)
            found = [proposal.score for proposal in mark_examples(self.engine, rows)]
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(json.dumps(found))
            print(name, version.name, len(rows), flush=True)  # noqa: T201
            gc.collect()
        return json.loads(kept.read_text())


def timetable(data: Path) -> dict[int, dict[str, list[Example]]]:
    """Week by week the answers to the questions that are new in it, for each course."""
    held_out = set(read_manifest(STARTER).training["held_out_questions"])
    weeks: dict[int, dict[str, list[Example]]] = {week: {name: [] for name in COURSES} for week in range(1, WEEKS + 1)}
    for course, folder in COURSES.items():
        rows = [row for name in ("train", "val") for row in read_examples(data / folder / f"{name}.jsonl")]
        questions = group_by_question([row for row in rows if row.question.id in held_out])
        order = sorted(questions, key=lambda key: hashlib.sha256(key.encode()).hexdigest())
        for place, key in enumerate(order):
            week = 1 + place * WEEKS // len(order)
            weeks[week][course] += questions[key][:MOST_ANSWERS]
    return weeks


def _fifth(row: Example) -> bool:
    """Whether an answer is kept out of every training: a fifth of them, by its id."""
    return hashlib.sha256(row.marked.answer.id.encode()).digest()[0] < 51


def table(log: Sequence[dict[str, Any]]) -> str:
    """Week by week: MAE in % of the maximum, and how many proposals a teacher need not change."""
    heads = [f"{words}: MAE %" for words in WAYS.values()]
    lines = [f"| week | answers | {' | '.join(heads)} |", "|---" * (len(heads) + 2) + "|"]
    marked = [row for row in log if "way" in row]
    for week in sorted({row["week"] for row in marked}):
        rows = {row["way"]: row for row in marked if row["week"] == week}
        figures = " | ".join(f"{100 * _mae([rows[way]]):.1f}" for way in WAYS)
        lines.append(f"| {week} | {len(rows['none']['given'])} | {figures} |")
    lines += ["", f"| | {' | '.join(WAYS.values())} |", "|---" * (len(WAYS) + 1) + "|"]
    for name, least, most in (("weeks 1 and 2", 1, 2), ("weeks 3 to 6", 3, 6), ("weeks 7 to 10", 7, 10)):
        chosen = {way: [r for r in marked if r["way"] == way and least <= r["week"] <= most] for way in WAYS}
        if all(chosen.values()):
            lines.append(f"| {name}, MAE % | {' | '.join(f'{100 * _mae(rows):.1f}' for rows in chosen.values())} |")
            shares = " | ".join(f"{_untouched(rows):.0%}" for rows in chosen.values())
            lines.append(f"| {name}, proposals that need no change | {shares} |")
    for row in log:
        if "trained" in row:
            lines.append(
                f"\nAfter week {row['week']}, {WAYS[row['trained']]}: {row['answers']} answers, "
                f"{row['minutes']:.0f} min, "
                f"{100 * row['difference']:+.1f} points of 100 on the answers kept out ({row['verdict']})."
            )
    return "\n".join(lines)


def _mae(rows: Sequence[dict[str, Any]]) -> float:
    return statistics.mean(abs(a - b) for row in rows for a, b in zip(row["given"], row["found"], strict=True))


def _untouched(rows: Sequence[dict[str, Any]]) -> float:
    """These sets know right and wrong: a proposal stands where its nearer end is the teacher's mark."""
    pairs = [pair for row in rows for pair in zip(row["given"], row["found"], strict=True)]
    return statistics.mean(round(given) == round(found) for given, found in pairs)


if __name__ == "__main__":
    main()
