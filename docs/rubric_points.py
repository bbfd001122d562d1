# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""What points per criterion are worth, on the sample course's reviewed answers: `python docs/rubric_points.py`.

Each total is the teacher's own, so that only its division is measured: by the version asked about each criterion, and
in proportion to the criteria's points. `--model DIR` names another version than the starter.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlcore.config import BaseConfig  # noqa: E402
from mlcore.engine import Engine  # noqa: E402
from mlcore.points import criterion_points  # noqa: E402
from mlcore.schemas import Answer, Criterion, Level, Question  # noqa: E402

BASE = ROOT / "var" / "models" / "smollm2-135m-instruct"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=ROOT / "mlcore" / "starter")
    parser.add_argument("--base", type=Path, default=BASE)
    options = parser.parse_args()
    engine = Engine(BaseConfig(options.base, device="cpu"))
    engine.use(options.model)
    asked, divided, answers = [], [], 0
    for question, answer, points, given in reviewed():
        proposal = engine.mark(question, [answer], feedback=False, points={answer.id: points})[0]
        share = [points / question.max_points] * len(question.criteria)
        for criterion, teacher, ours, plain in zip(
            question.criteria, given, proposal.criteria, criterion_points(question, share, points), strict=True
        ):
            asked.append(abs(ours.points - teacher) / criterion.points)
            divided.append(abs(plain.points - teacher) / criterion.points)
        answers += 1
    sys.stdout.write(f"{answers} answers, {len(asked)} criterion marks; mean error in % of the criterion's points\n")
    sys.stdout.write(f"asked about each criterion   {100 * sum(asked) / len(asked):.1f}\n")
    sys.stdout.write(f"divided in proportion        {100 * sum(divided) / len(divided):.1f}\n")


def reviewed() -> Iterator[tuple[Question, Answer, float, list[float]]]:
    """Question, answer, the teacher's points, and the teacher's points for each criterion."""
    for path in sorted((ROOT / "courses" / "sample").glob("*.json")):
        body = json.loads(path.read_text(encoding="utf-8"))
        for number, entry in enumerate(body.get("answers", [])):
            if entry.get("criteria"):
                answer = Answer(f"{path.stem}/{number}", entry["text"])
                yield _question(path.stem, body), answer, float(entry["points"]), [*map(float, entry["criteria"])]


def _question(key: str, body: dict[str, object]) -> Question:
    criteria = tuple(
        Criterion(
            str(index),
            entry["title"],
            float(entry["points"]),
            entry["description"],
            tuple(Level(float(points), words) for points, words in entry.get("levels", [])),
        )
        for index, entry in enumerate(body["criteria"])  # type: ignore[arg-type, var-annotated]
    )
    return Question(
        key,
        str(body["question"]),
        str(body["reference_answer"]),
        float(str(body["max_points"])),
        step=float(str(body["step"])),
        language=str(body["language"]),
        instructions=str(body["marking_instructions"]),
        criteria=criteria,
    )


if __name__ == "__main__":
    main()
