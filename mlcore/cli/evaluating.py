"""python -m mlcore evaluate, robustness, membership: a model version measured, printed, and saved where asked for."""

from __future__ import annotations

import random
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict, replace

from mlcore.cli.commands import UsageError, examples_of, load_engine, save
from mlcore.cli.marking import corrected_rows, work_of
from mlcore.cli.progress import Counter, Line
from mlcore.cli.report import evaluation_table, flagged_table, robustness_table
from mlcore.evaluate import Marker
from mlcore.files import write_whole
from mlcore.manifest import Manifest, read_manifest, update_metrics
from mlcore.marked import at_most
from mlcore.rows import Row
from mlcore.schemas import Example, Proposal


def evaluate(options: Namespace) -> None:
    """Measure a model version, print the tables, and keep the figures where that was asked for."""
    manifest = read_manifest(options.model)
    chosen = of_questions(examples_of(options.data), options.questions, manifest)
    examples = _sample(chosen, options.limit, options.seed)
    given = examples_of(options.train)
    training = _had_by_the_model(given, examples, manifest)
    engine = load_engine(options)
    from mlcore.page import evaluation_page, how_drawn
    from mlcore.study import study, unit_of

    started = time.perf_counter()
    proposals = _proposals(options, engine, examples)
    seconds = time.perf_counter() - started
    unit = unit_of(examples, given, _held_out(manifest)) if options.draw == "auto" else options.draw
    result = study(
        examples,
        proposals,
        feedback=options.feedback,
        training_examples=training,
        unit=unit,
        draws=options.draws,
        seed=options.seed,
    )
    print(f"{evaluation_table(result)}\n\n{how_drawn(result)}")
    result["seconds"] = round(seconds, 3)
    result["marked"] = [path.name for path in options.marked]
    save(options.json, {"model": manifest.name, "data": [path.name for path in options.data], **result})
    if options.html:
        scores = [example.score for example in examples], [proposal.score for proposal in proposals]
        data = [f"{path.parent.name}/{path.name}" for path in options.data]
        write_whole(options.html, evaluation_page(result, *scores, title=manifest.name, data=data))
    if options.record:
        update_metrics(options.model, {options.record: result})


def membership(options: Namespace) -> None:
    """Try to tell by a version's marks which answers it was trained on."""
    from mlcore.evaluate import mark_examples
    from mlcore.membership import FALSE_ALARMS, same_questions
    from mlcore.membership import membership as attack

    both = same_questions(examples_of(options.trained), examples_of(options.unseen))
    kinds = [_sample(rows, options.limit, options.seed) for rows in both]
    if not all(kinds):
        raise UsageError("there is no question that both kinds of answers belong to")
    engine = load_engine(options)
    errors = [
        [abs(proposal.score - row.score) for proposal, row in zip(mark_examples(engine, rows), rows, strict=True)]
        for rows in kinds
    ]
    found = attack(errors[0], errors[1], seed=options.seed)
    print(
        f"{found.trained} trained and {found.unseen} unseen answers to the same questions: told apart in "
        f"{found.auc:.3f} of pairs ({found.interval[0]:.3f} to {found.interval[1]:.3f}; 0.5 is a guess), "
        f"{found.found:.1%} found at {FALSE_ALARMS:.0%} false alarms; "
        f"mean error {found.error_trained:.3f} and {found.error_unseen:.3f}"
    )
    save(options.json, asdict(found))


def _proposals(options: Namespace, engine: Marker, examples: Sequence[Example]) -> list[Proposal]:
    """The model's own, or corrected by marked answers; a row is never corrected by its own mark."""
    from mlcore.evaluate import mark_examples

    if not options.marked:
        with Counter("marked", len(examples)) as count:
            return mark_examples(engine, examples, feedback=options.feedback, on_progress=count)
    rows = [Row(example.question, example.marked.answer) for example in examples]
    taken = {_key(example) for example in examples}
    marked = at_most([example for example in examples_of(options.marked) if _key(example) not in taken], rows)
    with Counter("marked", work_of(rows, marked, feedback=options.feedback)) as count:
        proposals, found = corrected_rows(engine, rows, marked, feedback=options.feedback, on_progress=count)
    return [replace(proposal, score=entry.score) for proposal, entry in zip(proposals, found, strict=True)]


def robustness(options: Namespace) -> None:
    """Attack a model version on the questions of a file, print what came of it, and keep it where asked for."""
    manifest = read_manifest(options.model)
    examples = of_questions(examples_of(options.data), options.questions, manifest)
    if options.checks_only:
        from mlcore.robustness import flagged

        print(flagged_table(flagged(examples)))
        return
    engine = load_engine(options)
    from mlcore.robustness import measure_robustness

    line = Line()

    def said(done: int, total: int) -> None:
        line.say(f"marked {done} of {total}", last=done == total)

    try:
        found = measure_robustness(engine, examples, size=options.size, seed=options.seed, on_progress=said)
    except ValueError as error:
        raise UsageError(str(error)) from error
    print(robustness_table(found))
    body = {**asdict(found), "holds": found.holds}
    save(options.json, {"model": manifest.name, "data": [path.name for path in options.data], **body})
    if options.record:
        update_metrics(options.model, {options.record: body})


def of_questions(examples: Sequence[Example], questions: str, manifest: Manifest) -> list[Example]:
    """All rows, or those of questions that were held out of the model's training, or those of all others."""
    if questions == "all":
        return list(examples)
    held_out = _held_out(manifest)
    rows = [row for row in examples if (row.question.id in held_out) == (questions == "held-out")]
    if not rows:
        raise UsageError(f"--questions {questions}: “{manifest.name}” knows no such question among these rows")
    return rows


def _sample(examples: Sequence[Example], limit: int, seed: int) -> list[Example]:
    """At most `limit` of the rows (0: all), drawn with the seed, in their order."""
    if not limit or limit >= len(examples):
        return list(examples)
    chosen = random.Random(f"{seed}:sample").sample(range(len(examples)), limit)  # noqa: S311 (nothing secret)
    return [examples[row] for row in sorted(chosen)]


def _had_by_the_model(training: Sequence[Example], measured: Sequence[Example], manifest: Manifest) -> list[Example]:
    """The training rows that the rivals may learn from: no held-out question, and nothing that is measured on."""
    held_out, taken = _held_out(manifest), {_key(row) for row in measured}
    rows = [row for row in training if row.question.id not in held_out and _key(row) not in taken]
    if training and not rows:
        raise UsageError("--train: all of these rows are held out or measured on; none is left to learn from")
    return rows


def _held_out(manifest: Manifest) -> frozenset[str]:
    return frozenset(manifest.training.get("held_out_questions") or ())


def _key(row: Example) -> tuple[str, str, str]:
    # Ids alone do not tell rows apart: files whose rows have none are numbered, each from 1.
    return row.question.id, row.marked.answer.id, row.marked.answer.text
