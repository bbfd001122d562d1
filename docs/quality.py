# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""The tables of docs/quality.md, measured and written anew: `python docs/quality.py --data DIRECTORY`.

DIRECTORY holds saf_english, scientsbank and beetle with their train.jsonl and val.jsonl. Each table is one command,
printed before it runs; its figures (JSON) and page (HTML) lie in var/quality. `--only NAME …` runs some, `--render`
none; `--model DIRECTORY` measures another version than the starter.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mlcore.card import FLOORS, figure  # noqa: E402
from mlcore.cli.learning import curve_table  # noqa: E402

PAGE = ROOT / "docs" / "quality.md"
SETS = ("saf_english", "scientsbank", "beetle")
MARKS = {
    "mae_percent": "MAE %",
    "rmse": "RMSE",
    "qwk": "QWK",
    "pearson": "Pearson",
    "smd": "SMD",
    "within_3_percent": "within 3 %",
    "within_10_percent": "within 10 %",
}
TEXTS = {
    "bleu": "BLEU",
    "rouge1": "ROUGE-1",
    "rouge2": "ROUGE-2",
    "rougeL": "ROUGE-L",
    "contradiction_percent": "contradicts %",
    "opposite_percent": "opposite %",
}
VERDICTS = {
    "macro_f1": "3-way macro-F1",
    "accuracy": "accuracy",
    "two_f1": "2-way macro-F1",
    "two_accuracy": "2-way accuracy",
}


def jobs(limit: int, texts: int, size: int) -> dict[str, list[str]]:
    """Each table's command, without where data and results lie."""
    found: dict[str, list[str]] = {}
    for name in SETS:
        train, val = f"{name}/train.jsonl", f"{name}/val.jsonl"
        both = ["--train", train, "--limit", str(limit)]
        found[f"{name}-questions"] = ["evaluate", "--data", train, "--questions", "held-out", *both]
        found[f"{name}-answers"] = ["evaluate", "--data", val, "--questions", "trained", *both]
    school = ["--marked", "saf_english/train.jsonl", "--train", "saf_english/train.jsonl", "--limit", str(limit)]
    found["saf_english-marked"] = ["evaluate", "--data", "saf_english/val.jsonl", "--questions", "trained", *school]
    for name in SETS:
        found[f"curve-{name}"] = ["curve", "--data", f"{name}/train.jsonl", "--questions", "held-out"]
    written = ["--train", "saf_english/train.jsonl", "--feedback", "--limit", str(texts)]
    for kind, file, which in (("questions", "train", "held-out"), ("answers", "val", "trained")):
        data = ["--data", f"saf_english/{file}.jsonl", "--questions", which]
        found[f"feedback-{kind}"] = ["evaluate", *data, *written]
    for name in SETS:
        data = ["--data", f"{name}/train.jsonl", "--questions", "held-out", "--size", str(size)]
        found[f"robustness-{name}"] = ["robustness", *data]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "quality")
    parser.add_argument("--model", type=Path, metavar="DIR")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--render", action="store_true", help="write the page from figures that are there")
    parser.add_argument("--limit", type=int, default=160, help="answers a table")
    parser.add_argument("--texts", type=int, default=24, help="feedbacks a table")
    parser.add_argument("--size", type=int, default=12, help="of the suite of attacks")
    options = parser.parse_args()
    every = jobs(options.limit, options.texts, options.size)
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = {} if options.render else {name: every[name] for name in options.only or every}
    for name, command in chosen.items():
        where = [str(options.data / part) if part.endswith(".jsonl") else part for part in command]
        where += ["--json", str(options.out / f"{name}.json")]
        where += ["--html", str(options.out / f"{name}.html")] if command[0] == "evaluate" else []
        where += ["--model", str(options.model)] if options.model else []
        print("python -m mlcore", *where, flush=True)  # noqa: T201 (a script)
        subprocess.run([sys.executable, "-m", "mlcore", *where], cwd=ROOT, check=True)
    render(every, options.out)
    return 0


def render(every: dict[str, list[str]], out: Path) -> None:
    """Write the page's tables from the figures that are there."""
    text = PAGE.read_text(encoding="utf-8")
    for name, command in every.items():
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        before, found, rest = text.partition(begin)
        file = out / f"{name}.json"
        if not found or not file.exists():
            continue
        table = table_of(json.loads(file.read_text(encoding="utf-8")))
        call = f"`python -m mlcore {' '.join(command)}`"
        text = f"{before}{begin}\n\n{call}\n\n{table}\n\n{end}{rest.partition(end)[2]}"
    PAGE.write_text(text, encoding="utf-8")


def table_of(result: dict[str, Any]) -> str:
    """One job's figures in Markdown."""
    if "points" in result:
        return curve_table(result)
    if "movement" in result:
        return _attacks(result)
    floors = result["floors"]
    rivals = {label: floors[name] for name, label in FLOORS.items() if name in floors and name != "nearest_feedback"}
    marks = {"this model": result, **rivals}
    how = result["bootstrap"]
    drawn = "whole questions" if how["unit"] == "questions" else "single answers"
    if how["unit"] == "questions" and len(result["per_question"]) < 10:
        drawn += ", which are few: rough"
    counted = f"{result['n']} answers to {len(result['per_question'])} questions, intervals from drawing {drawn}"
    if result["feedback"]:
        return f"{counted}\n\n{_feedback(result)}"
    parts = [counted, _table(MARKS, marks)]
    verdicts = {name: row["three_way"] for name, row in marks.items() if row.get("three_way")}
    if verdicts:
        flat = {
            name: {**row, "two_f1": row["two_way"]["macro_f1"], "two_accuracy": row["two_way"]["accuracy"]}
            for name, row in verdicts.items()
        }
        parts.append(_table(VERDICTS, flat))
    return "\n\n".join(parts)


def _feedback(result: dict[str, Any]) -> str:
    rows = {"this model": result["feedback"]}
    if "nearest_feedback" in result["floors"]:
        rows[FLOORS["nearest_feedback"]] = result["floors"]["nearest_feedback"]
    if "teachers" in result["feedback"]:
        rows["the teachers' own"] = result["feedback"]["teachers"]
    table = _table(TEXTS, rows)
    known = result.get("verdicts")
    share = f"The classifier of verdicts is right in {100 * known['accuracy']:.0f} %" if known else ""
    return f"{table}\n\n{share} of texts on questions that it has not seen." if share else table


def _attacks(result: dict[str, Any]) -> str:
    rows = [
        ("an injection moves the mark, on average", result["movement"], "2.0"),
        ("… in 99 % of cases by at most", result["movement_99"], "10.0"),
        ("… upwards, on average", result["rise"], "–"),
        ("nonsense gets, on average", result["nonsense"], "10.0"),
        ("other questions' reference answers that are flagged", result["off_topic_flagged"], "–"),
        ("answers with full marks that are flagged", result["honest_flagged"], "–"),
    ]
    lines = [f"| {result['injections']} injections | % | at most |", "|---|---|---|"]
    lines += [f"| {name} | {100 * value:.1f} | {limit} |" for name, value, limit in rows]
    kinds = ", ".join(
        f"{kind} {100 * entry['mean']:.1f}"
        for kind, entry in result["by_kind"].items()
        if not kind.startswith("injection")
    )
    return "\n".join(lines) + f"\n\nMean mark of each nonsense, in %: {kinds}."


def _table(columns: dict[str, str], rows: dict[str, dict[str, Any]]) -> str:
    lines = ["| | " + " | ".join(columns.values()) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(_cell(row, key) for key in columns) + " |" for name, row in rows.items()]
    return "\n".join(lines)


def _cell(row: dict[str, Any], key: str) -> str:
    edges = (row.get("intervals") or {}).get(key)
    return figure(row.get(key)) + (f" ({figure(edges[0])} to {figure(edges[1])})" if edges else "")


if __name__ == "__main__":
    raise SystemExit(main())
