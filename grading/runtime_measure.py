"""A new version beside the one in use, on the same held-out answers, as the training process measures it. No Django."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlcore.answers import read_answer
from mlcore.beside import beside
from mlcore.config import BaseConfig, Part, Task, TrainTask
from mlcore.curve import learning_curve
from mlcore.engine import Engine
from mlcore.evaluate import compare as agreement
from mlcore.evaluate import evaluate, mark_examples
from mlcore.manifest import AdapterError, read_manifest
from mlcore.robustness import measure_robustness
from mlcore.rows import read_examples
from mlcore.schemas import Example, Proposal

# Feedback is written for so many held-out answers only: it takes far longer than marking.
MOST_FEEDBACK = 24
# Wrong answers that are attacked, and texts of each kind of nonsense: enough to see a version that can be talked round.
ATTACKED = 10
# Each answer's two scores are kept for the pages; of more answers than this, the first ones.
MOST_SCORES = 3000
# Intervals are tried as they are once a teacher has marked so many answers of a question.
INTERVAL_MARKS = 10


@dataclass(frozen=True)
class Measuring:
    """How versions are measured.

    Attributes:
        base: the base model as it is loaded for marking.
        trained_on: files with the rows that the candidate learnt, for the cheap rivals.
        parts: what was trained; feedback is compared where it was.
        told: called with what is measured and how far that is, and may raise to stop.
    """

    base: BaseConfig
    trained_on: Sequence[Path]
    parts: Sequence[Part]
    told: Callable[[TrainTask], None]

    def counting(self, what: Task, of: int) -> Callable[[int], None]:
        """Tells how many of a task are done."""
        return lambda done: self.told(TrainTask(what, done, of))


def compare(how: Measuring, examples: Sequence[Example], candidate: Path, in_use: Path | None) -> dict[str, Any]:
    """Both versions on the same held-out answers, as they would mark them, as JSON-able values."""
    known = [example for path in how.trained_on for example in read_examples(path)]
    how.told(TrainTask("loading"))
    engine = Engine(how.base)
    engine.use(candidate)
    if "scorer" not in read_manifest(candidate).parts:
        return {"n": len(examples), "candidate": None, "in_use": None, "in_use_reason": ""}
    found: dict[str, Any] = {"n": len(examples), "in_use": None, "in_use_reason": ""}
    found["candidate"], mine = _measure(engine, how, "candidate", candidate, examples, known)
    if in_use is None:
        return found
    try:
        engine.use(in_use)
        found["in_use"], theirs = _measure(engine, how, "in_use", in_use, examples, ())
    except AdapterError as error:
        return {**found, "in_use_reason": str(error)}
    found["beside"] = _beside(examples, mine, theirs)
    found["scores"] = [
        [example.marked.answer.id, round(ours, 4), round(other, 4)]
        for example, ours, other in zip(examples, mine, theirs, strict=True)
    ][:MOST_SCORES]
    return found


def _measure(
    engine: Engine, how: Measuring, task: Task, version: Path, examples: Sequence[Example], known: Sequence[Example]
) -> tuple[dict[str, Any], list[float]]:
    """How well the version that the engine uses agrees with the teachers, and its score for each example."""
    proposals = mark_examples(engine, examples, on_progress=how.counting(task, len(examples)))
    result = agreement(examples, proposals, training_examples=known)
    result["robustness"] = _robustness(engine, how, examples)
    result["intervals"] = _intervals(examples, proposals)
    written = [example for example in examples if example.marked.feedback][:MOST_FEEDBACK]
    if written and "feedback" in how.parts and "feedback" in read_manifest(version).parts:
        count = how.counting("feedback", len(written))
        result["feedback"] = evaluate(engine, written, feedback=True, on_progress=count)["feedback"]
    return result, [proposal.score for proposal in proposals]


def _robustness(engine: Engine, how: Measuring, examples: Sequence[Example]) -> dict[str, Any] | None:
    """What attacks on the held-out answers achieve; None where none of them is wrong enough to be attacked."""
    try:
        found = measure_robustness(
            engine, examples, size=ATTACKED, on_progress=lambda done, of: how.told(TrainTask("attacks", done, of))
        )
    except ValueError:
        return None
    return {**asdict(found), "holds": found.holds}


def _intervals(examples: Sequence[Example], proposals: Sequence[Proposal]) -> dict[str, Any] | None:
    """Whether intervals hold what they promise, with a teacher's first marks played; None with too few answers."""
    answers = [
        read_answer(example.question, example.marked.answer.text, proposal)
        for example, proposal in zip(examples, proposals, strict=True)
    ]
    try:
        found = learning_curve(answers, [example.score for example in examples], marks=(INTERVAL_MARKS,), draws=200)
    except ValueError:
        return None
    point = found["points"][0]
    if point.get("coverage") is None:
        return None
    ends = point["intervals"].get("coverage")
    return {"level": found["level"], "coverage": point["coverage"], "ends": ends, "questions": found["questions"]}


def _beside(examples: Sequence[Example], candidate: Sequence[float], in_use: Sequence[float]) -> dict[str, Any]:
    """The comparison as JSON, each question with its words: ids say nothing to the people who read it."""
    found = asdict(beside(examples, candidate, in_use))
    texts = {example.question.id: " ".join(example.question.text.split()) for example in examples}
    for entry in found["questions"]:
        entry["question"] = textwrap.shorten(texts[entry["question_id"]], 120, placeholder=" …")
    return found
