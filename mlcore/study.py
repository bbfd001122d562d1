"""The one evaluation: marks, feedback and the rivals on the same rows, with intervals and what a page needs to show.

`mlcore.evaluate.compare` gives the figures; here they get bootstrap intervals, the feedback is asked whether it agrees
with its points, and sets with SemEval's verdicts are measured in three classes. No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from mlcore.evaluate import compare, pooled_bands
from mlcore.floors import SCORE_FLOORS, nearest_feedback
from mlcore.intervals import DRAWS, LEVEL, Unit, draws_of, intervals
from mlcore.metrics import bleu, rouge_rows, score_metrics
from mlcore.schemas import Example, Proposal
from mlcore.threeway import three_way
from mlcore.verdicts import Verdicts, fit_verdicts

if TYPE_CHECKING:
    from numpy.typing import NDArray

# BLEU reads the whole corpus anew for each draw.
_BLEU_DRAWS = 200
_CALIBRATION_BINS = 10


def unit_of(examples: Sequence[Example], seen: Sequence[Example], held_out: frozenset[str]) -> Unit:
    """What is drawn again: rows where any question was seen in training, otherwise questions (if there are several)."""
    asked = {example.question.id for example in examples}
    known = {example.question.id for example in seen} - held_out
    return "rows" if asked & known or len(asked) < 2 or not (known or asked <= held_out) else "questions"


def study(
    examples: Sequence[Example],
    proposals: Sequence[Proposal],
    *,
    feedback: bool = False,
    training_examples: Sequence[Example] = (),
    unit: Unit = "rows",
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, Any]:
    """Everything that is measured of proposals, given in the order of the examples, as JSON-able values.

    Args:
        feedback: compare feedback, and ask whether it agrees with the proposed points.
        training_examples: what the floors learn from, and the classifier of verdicts too.
        unit: what the intervals draw again, see `mlcore.intervals`.
        draws: samples for the intervals; 0 leaves them out.

    Returns:
        What `mlcore.evaluate.compare` returns, and beside it "intervals" ({measure: [low, high]} for the marks, also in
        each floor and in the feedback), "bootstrap" (how they were drawn), "calibration" (rows of {"n", "predicted",
        "given"} by the proposed score), "three_way" where the rows carry SemEval's verdicts (in the ridge floor, too),
        and in "feedback" what `mlcore.verdicts` finds: of the model's texts, and of the teachers' own ("teachers").
    """
    result = compare(examples, proposals, feedback=feedback, training_examples=training_examples)
    predicted = np.array([proposal.score for proposal in proposals])
    samples = draws_of([example.question.id for example in examples], unit, draws, seed) if draws else []
    marks = {"": predicted}
    if training_examples:
        marks |= {name: floor(training_examples, examples) for name, floor in SCORE_FLOORS.items()}
    for name, scores in marks.items():
        entry = result["floors"][name] if name else result
        entry["intervals"] = _mark_intervals(examples, scores, samples)
        if name in ("", "ridge") and (found := three_way(examples, scores.tolist())):
            entry["three_way"] = found
    result["bootstrap"] = {"draws": draws, "unit": unit, "seed": seed, "level": LEVEL}
    result["calibration"] = calibration(examples, predicted)
    if result["feedback"]:
        _measure_texts(result, examples, proposals, training_examples, unit, draws, seed)
    return result


def calibration(examples: Sequence[Example], predicted: Sequence[float] | NDArray[np.float64]) -> list[dict[str, Any]]:
    """By tenths of the proposed score: rows, their mean proposed and mean given score; no empty tenths."""
    given = np.array([example.score for example in examples])
    scores = np.asarray(predicted, dtype=np.float64)
    tenth = np.minimum((scores * _CALIBRATION_BINS).astype(int), _CALIBRATION_BINS - 1)
    rows = []
    for number in range(_CALIBRATION_BINS):
        here = tenth == number
        if here.any():
            rows.append(
                {"n": int(here.sum()), "predicted": float(scores[here].mean()), "given": float(given[here].mean())}
            )
    return rows


def _mark_intervals(
    examples: Sequence[Example], scores: NDArray[np.float64], samples: Sequence[NDArray[np.intp]]
) -> dict[str, list[float]]:
    given, bands = np.array([example.score for example in examples]), pooled_bands(examples)

    def measure(rows: NDArray[np.intp]) -> Mapping[str, Any]:
        found = score_metrics(given[rows].tolist(), scores[rows].tolist(), bands)
        return {name: value for name, value in found.items() if name != "n"}

    return intervals(samples, measure)


def _measure_texts(
    result: dict[str, Any],
    examples: Sequence[Example],
    proposals: Sequence[Proposal],
    training: Sequence[Example],
    unit: Unit,
    draws: int,
    seed: int,
) -> None:
    """Intervals of the texts' figures, and whether they agree with their points; the rival's stand beside them."""
    verdicts = fit_verdicts(training)
    if verdicts:
        result["verdicts"] = {"accuracy": verdicts.accuracy, "learnt_from": verdicts.learnt_from}
    rows = [
        i
        for i, (e, p) in enumerate(zip(examples, proposals, strict=True))
        if e.marked.feedback is not None and p.feedback is not None
    ]
    given = [examples[row].marked.feedback or "" for row in rows]
    texts = [proposals[row].feedback or "" for row in rows]
    samples = draws_of([examples[row].question.id for row in rows], unit, draws, seed) if draws else []
    points = [_scaled(examples[row], proposals[row]) for row in rows]
    _add(result["feedback"], given, texts, samples, verdicts, points)
    if verdicts:
        result["feedback"]["teachers"] = verdicts.contradictions(given, [examples[row].score for row in rows])
    if rival := result["floors"].get("nearest_feedback"):
        near = nearest_feedback(training, [examples[row] for row in rows])
        _add(rival, given, [text or "" for text in near], samples, verdicts, points)


def _add(
    entry: dict[str, Any],
    given: Sequence[str],
    texts: Sequence[str],
    samples: Sequence[NDArray[np.intp]],
    verdicts: Verdicts | None,
    points: Sequence[float],
) -> None:
    pairs = {kind: np.array(values) for kind, values in rouge_rows(given, texts).items()}

    def rouge_of(rows: NDArray[np.intp]) -> Mapping[str, Any]:
        return {kind: values[rows].mean() for kind, values in pairs.items()}

    def bleu_of(rows: NDArray[np.intp]) -> Mapping[str, Any]:
        return {"bleu": bleu([given[row] for row in rows], [texts[row] for row in rows])}

    entry["intervals"] = intervals(samples, rouge_of) | intervals(samples[:_BLEU_DRAWS], bleu_of)
    if verdicts:
        entry |= verdicts.contradictions(texts, points)


def _scaled(example: Example, proposal: Proposal) -> float:
    """The points that the feedback was told, in [0, 1]."""
    question = example.question
    return (proposal.points - question.min_points) / (question.max_points - question.min_points)
