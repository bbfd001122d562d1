"""What a promise saves: a teacher who marks held-out questions with a model version beside them, played through.

For each question the papers come in a random order. The teacher (the marks of the data set) marks ten at a time; the
proposals of the others are corrected after each ten. As soon as a promise can be made it is taken: what it covers is
accepted unread but for its blind sample, and the teacher reads all the others. A broken promise means reading all.

    python -m mlcore.simulation --data marked.jsonl --model DIR
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlcore.marked import correct
from mlcore.promise import broken, promise, sample_size
from mlcore.rows import Row
from mlcore.schemas import Example, Proposal

BATCH = 10
STARTER = Path(__file__).with_name("starter")


@dataclass(frozen=True)
class Step:
    """After so many marks: what was suggested for each paper, in [0, 1]; for the marked ones, before they were."""

    read: int
    suggested: tuple[float, ...]


@dataclass(frozen=True)
class Played:
    """One class: which papers the teacher read, and the final marks, in [0, 1]."""

    read: tuple[bool, ...]
    final: tuple[float, ...]
    promised: bool
    kept: bool


def play(examples: Sequence[Example], proposals: Sequence[Proposal]) -> list[Step]:
    """The suggestions for the answers to one question as the marks come in, in the order given.

    Raises:
        ValueError: there are not as many proposals as answers.
    """
    if len(examples) != len(proposals):
        raise ValueError(f"{len(proposals)} proposals do not go with {len(examples)} answers")
    current = [proposal.score for proposal in proposals]
    steps = [Step(0, tuple(current))]
    for read in range(BATCH, len(examples), BATCH):
        rows = [Row(example.question, example.marked.answer) for example in examples[read:]]
        found = correct(rows, proposals[read:], examples[:read], proposals[:read])
        current[read:] = [entry.score for entry in found]
        steps.append(Step(read, tuple(current)))
    return steps


def promised(
    examples: Sequence[Example], steps: Sequence[Step], *, tolerance: float, risk: float, seed: int = 0
) -> Played:
    """One class with the first promise that can be made. `tolerance` is a share of the maximum."""
    given = [example.score for example in examples]
    everything = Played((True,) * len(given), tuple(given), promised=False, kept=True)
    for step in steps:
        doubts = [score * (1 - score) for score in step.suggested]
        errors = [abs(mark - score) for mark, score in zip(given[: step.read], step.suggested, strict=False)]
        found = promise(errors, doubts[: step.read], doubts[step.read :], tolerance=tolerance, risk=risk)
        size = sample_size(len(found.accepted))
        if len(found.accepted) > size:
            return _accepted(given, step, found.accepted, size, tolerance, risk, seed)
    return everything


def _accepted(
    given: Sequence[float], step: Step, rows: Sequence[int], size: int, tolerance: float, risk: float, seed: int
) -> Played:
    chosen = [step.read + row for row in rows]
    sample = set(np.random.default_rng(seed).choice(chosen, size, replace=False).tolist())
    wrong = sum(abs(given[row] - step.suggested[row]) > tolerance + 1e-9 for row in sample)
    if broken(wrong, size, risk):
        return Played((True,) * len(given), tuple(given), promised=True, kept=False)
    unread = set(chosen) - sample
    read = tuple(row not in unread for row in range(len(given)))
    final = tuple(
        mark if seen else step.suggested[row] for row, (mark, seen) in enumerate(zip(given, read, strict=True))
    )
    return Played(read, final, promised=True, kept=True)


def table(
    classes: Sequence[tuple[Sequence[Example], Sequence[Step]]], tolerances: Sequence[float], risks: Sequence[float]
) -> str:
    """The figures of all classes together, as Markdown."""
    given = np.concatenate([[example.score for example in examples] for examples, _ in classes])
    proposed = np.concatenate([steps[0].suggested for _, steps in classes])
    lines = [
        "| way | papers read | MAE, % | off by more, of the unread | classes with a promise | broken |",
        "|---|---|---|---|---|---|",
        "| reading all | 100 % | 0.0 | – | – | – |",
    ]
    for tolerance in tolerances:
        off = np.mean(np.abs(given - proposed) > tolerance + 1e-9)
        mae = 100 * np.mean(np.abs(given - proposed))
        name = f"off by more than {tolerance:.0%} of the maximum"
        lines.append(f"| accepting all ({name}) | 0 % | {mae:.1f} | {off:.1%} | – | – |")
        lines += [_line(classes, given, tolerance, risk) for risk in risks]
    return "\n".join(lines) + "\n"


def _line(
    classes: Sequence[tuple[Sequence[Example], Sequence[Step]]], given: np.ndarray, tolerance: float, risk: float
) -> str:
    played = [
        promised(examples, steps, tolerance=tolerance, risk=risk, seed=seed)
        for seed, (examples, steps) in enumerate(classes)
    ]
    read = np.concatenate([one.read for one in played])
    errors = np.abs(np.concatenate([one.final for one in played]) - given)
    off = f"{np.mean(errors[~read] > tolerance + 1e-9):.1%}" if (~read).any() else "–"
    offered, gone = sum(one.promised for one in played), sum(not one.kept for one in played)
    name = f"promise: at most {risk:.0%} off by more than {tolerance:.0%} of the maximum"
    mean = 100 * errors.mean()
    return f"| {name} | {read.mean():.0%} | {mean:.1f} | {off} | {offered} of {len(played)} | {gone} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Mark the held-out questions of a data set, play the review, print the table."""
    options = _options().parse_args(arguments)
    from mlcore.cli.evaluating import of_questions
    from mlcore.config import BaseConfig
    from mlcore.engine import Engine
    from mlcore.evaluate import mark_examples
    from mlcore.manifest import read_manifest
    from mlcore.rows import read_examples

    rows = [row for path in options.data for row in read_examples(path)]
    examples = of_questions(rows, options.questions, read_manifest(options.model))
    engine = Engine(BaseConfig(options.base))
    engine.use(options.model)
    proposals = mark_examples(engine, examples, feedback=False)
    classes = []
    for question in sorted({example.question.id for example in examples}):
        places = [row for row, example in enumerate(examples) if example.question.id == question]
        for seed in range(options.orders):
            order = np.random.default_rng(seed).permutation(places)
            own = [examples[row] for row in order]
            classes.append((own, play(own, [proposals[row] for row in order])))
    papers = len(examples)
    sys.stdout.write(f"{papers} papers of {len(classes) // options.orders} questions, {options.orders} orders each\n\n")
    sys.stdout.write(table(classes, (0.1, 0.25), (0.05, 0.1)))


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mlcore.simulation", description=main.__doc__)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="marked answers (JSONL)")
    parser.add_argument("--model", type=Path, default=STARTER, metavar="DIR", help="default: the starter model")
    parser.add_argument("--base", type=Path, default=Path("var/models/smollm2-135m-instruct"), metavar="DIR")
    parser.add_argument("--questions", choices=["all", "held-out", "trained"], default="held-out")
    parser.add_argument("--orders", type=int, default=3, help="random orders of each question's papers")
    return parser


if __name__ == "__main__":
    main()
