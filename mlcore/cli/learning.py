"""python -m mlcore curve: what the first marks of a question are worth, printed and saved."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from mlcore.answers import read_answer
from mlcore.cli.commands import UsageError, examples_of, load_engine, save
from mlcore.cli.evaluating import of_questions
from mlcore.cli.progress import Counter
from mlcore.manifest import read_manifest


def curve(options: Namespace) -> None:
    """Read the answers once, play the teacher, and print the curve."""
    manifest = read_manifest(options.model)
    examples = of_questions(examples_of(options.data), options.questions, manifest)
    engine = load_engine(options)
    from mlcore.curve import learning_curve
    from mlcore.evaluate import mark_examples

    with Counter("marked", len(examples)) as count:
        proposals = mark_examples(engine, examples, feedback=False, on_progress=count)
    answers = [
        read_answer(example.question, example.marked.answer.text, proposal)
        for example, proposal in zip(examples, proposals, strict=True)
    ]
    try:
        found = learning_curve(
            answers, [example.score for example in examples], marks=options.marks, seeds=options.seeds
        )
    except ValueError as error:
        raise UsageError(str(error)) from error
    print(curve_table(found))
    save(options.json, {"model": manifest.name, "data": [path.name for path in options.data], **found})


def curve_table(found: Mapping[str, Any]) -> str:
    """The curve as a Markdown table."""
    lines = [
        f"{found['questions']} questions, each played {found['seeds']} times; in brackets 95 % of draws of them",
        "",
        f"| marks | RMSE of the model | RMSE corrected | within an interval of {found['level']:.0%} | its length |",
        "|---|---|---|---|---|",
    ]
    for point in found["points"]:
        ranges = point["intervals"]
        inside = _figure(point.get("coverage"), ranges.get("coverage")) if point["width"] is not None else "-"
        length = "-" if point["width"] is None else f"{point['width']:.2f}"
        rmse = _figure(point["rmse"], ranges.get("rmse"))
        lines.append(f"| {point['marks']} | {point['rmse_before']:.3f} | {rmse} | {inside} | {length} |")
    return "\n".join(lines)


def _figure(value: float | None, ends: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" + (f" [{ends[0]:.3f}, {ends[1]:.3f}]" if ends else "")
