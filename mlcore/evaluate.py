"""How a model version marks answers that a teacher has marked, beside the cheap rivals on the same rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from mlcore.floors import SCORE_FLOORS, nearest_feedback
from mlcore.metrics import POOLED_BANDS, score_metrics, text_metrics
from mlcore.schemas import Answer, Example, Proposal, Question, group_by_question

# More steps than this and a question is as good as continuous: kappa then uses tenths of the maximum.
_MOST_STEPS = 50


class Marker(Protocol):
    """What is evaluated: `mlcore.engine.Engine`, or anything else that marks."""

    def mark(
        self,
        question: Question,
        answers: Sequence[Answer],
        *,
        feedback: bool = True,
        points: Mapping[str, float] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Proposal]: ...


def evaluate(
    engine: Marker,
    examples: Sequence[Example],
    *,
    feedback: bool = False,
    training_examples: Sequence[Example] = (),
    on_progress: Callable[[int], None] | None = None,
) -> dict[str, Any]:
    """Mark the examples and compare with what the teacher gave: `mark_examples` and `compare` in one.

    Args:
        feedback: also write feedback and compare it; takes far longer than marking alone.
        training_examples: the marked rows that the model had; with them the floors are computed.
        on_progress: called with the number of answers that are done.

    Returns:
        What `compare` returns, and "seconds".

    Raises:
        ValueError: there are no examples.
    """
    started = time.perf_counter()
    proposals = mark_examples(engine, examples, feedback=feedback, on_progress=on_progress)
    seconds = time.perf_counter() - started
    result = compare(examples, proposals, feedback=feedback, training_examples=training_examples)
    return {**result, "seconds": round(seconds, 3)}


def mark_examples(
    engine: Marker,
    examples: Sequence[Example],
    *,
    feedback: bool = False,
    on_progress: Callable[[int], None] | None = None,
) -> list[Proposal]:
    """A proposal for each example, in their order. Feedback is written for the rows for which a teacher wrote some.

    Raises:
        ValueError: there are no examples.
    """
    if not examples:
        raise ValueError("there is nothing to evaluate: the data has no marked answers")
    return _mark_all(engine, examples, feedback, on_progress or (lambda done: None))


def compare(
    examples: Sequence[Example],
    proposals: Sequence[Proposal],
    *,
    feedback: bool = False,
    training_examples: Sequence[Example] = (),
) -> dict[str, Any]:
    """How well proposals, in the order of the examples, agree with the teacher.

    Measured is the score in [0, 1] before it is rounded to the question's step, as the floors are not rounded either;
    kappa rounds both.

    Returns:
        {"n", "mae_percent", "rmse", … as in `mlcore.metrics.score_metrics`, "unread" (answers longer than the window),
        "per_question": {id: the same measures}, "floors": {name: the same measures, and for nearest_feedback those of
        texts}, "feedback": {"n", "bleu", "rouge1", "rouge2", "rougeL"} or None}
    """
    predicted = [proposal.score for proposal in proposals]
    return {
        **measure(examples, predicted),
        "unread": sum(proposal.unread_characters > 0 for proposal in proposals),
        "feedback": _compare_texts(examples, [proposal.feedback for proposal in proposals]) if feedback else None,
        "per_question": _per_question(examples, predicted),
        "floors": floors(training_examples, examples, feedback=feedback) if training_examples else {},
    }


def floors(train: Sequence[Example], test: Sequence[Example], *, feedback: bool = False) -> dict[str, Any]:
    """What each cheap rival reaches on `test` when it has seen `train`, in the same measures."""
    measured: dict[str, Any] = {
        name: measure(test, floor(train, test).tolist()) for name, floor in SCORE_FLOORS.items()
    }
    if feedback and (texts := _compare_texts(test, nearest_feedback(train, test))):
        measured["nearest_feedback"] = texts
    return measured


def measure(examples: Sequence[Example], predicted: Sequence[float]) -> dict[str, Any]:
    """The measures of marks for these rows; kappa's bands are the questions' steps where they all have the same."""
    return score_metrics([example.score for example in examples], predicted, bands=pooled_bands(examples))


def pooled_bands(examples: Sequence[Example]) -> int:
    """Kappa's bands for these rows together."""
    bands = {_bands(example.question) for example in examples}
    return bands.pop() if len(bands) == 1 else POOLED_BANDS


def _mark_all(
    engine: Marker, examples: Sequence[Example], feedback: bool, report: Callable[[int], None]
) -> list[Proposal]:
    """Proposals in the order of the examples; the rows of one question go to the engine together."""
    proposals: dict[int, Proposal] = {}
    for (question, written), rows in _batches(examples, feedback).items():
        # Files may use an id twice; the row's place never repeats.
        answers = [Answer(str(row), examples[row].marked.answer.text) for row in rows]
        marked = engine.mark(question, answers, feedback=written, on_progress=_after(len(proposals), report))
        proposals.update(zip(rows, marked, strict=True))
        report(len(proposals))
    return [proposals[row] for row in range(len(examples))]


def _after(done: int, report: Callable[[int], None]) -> Callable[[int], None]:
    return lambda more: report(done + more)


def _batches(examples: Sequence[Example], feedback: bool) -> dict[tuple[Question, bool], list[int]]:
    """Rows by question, and by whether feedback has to be written: a text that nobody can compare is not written."""
    batches: dict[tuple[Question, bool], list[int]] = {}
    for row, example in enumerate(examples):
        written = feedback and example.marked.feedback is not None
        batches.setdefault((example.question, written), []).append(row)
    return batches


def _compare_texts(examples: Sequence[Example], texts: Sequence[str | None]) -> dict[str, Any] | None:
    pairs = [
        (example.marked.feedback, text)
        for example, text in zip(examples, texts, strict=True)
        if example.marked.feedback is not None and text is not None
    ]
    return text_metrics([given for given, _ in pairs], [text for _, text in pairs]) if pairs else None


def _per_question(examples: Sequence[Example], predicted: Sequence[float]) -> dict[str, Any]:
    scores: dict[str, list[float]] = {}
    for example, score in zip(examples, predicted, strict=True):
        scores.setdefault(example.question.id, []).append(score)
    return {key: measure(rows, scores[key]) for key, rows in group_by_question(examples).items()}


def _bands(question: Question) -> int:
    steps = round((question.max_points - question.min_points) / question.step)
    return steps + 1 if 1 <= steps <= _MOST_STEPS else POOLED_BANDS
