"""The model card: an adapter's manifest told to people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlcore.manifest import Manifest

_MADE_OF = (
    "A mark is made of the model's reading of the question and the answer, held down where checks find nonsense or "
    "words to the marker. Once a teacher has marked answers to the question, it is also made of their words, of "
    "how like the answer is to them, and of how far the model was off on them, as far as the marks support that."
)
# What a card says of every adapter, whatever it measured.
_ALWAYS = (
    "A mark is a proposal: a teacher has to read the answer before it counts.",
    "Marks follow the wording of answers it has seen. On questions it has never seen it is less sure.",
    "It must not be used to decide about people without a teacher, nor to detect cheating.",
)
_TRAINING_LINES = ("parts", "head", "method", "epochs", "learning_rate", "batch_size", "seed")
_FIGURES = {
    "mae_percent": "MAE, % of maximum",
    "rmse": "RMSE, 0-1",
    "qwk": "QWK",
    "pearson": "Pearson",
    "smd": "SMD",
    "within_10_percent": "within 10 %",
}
_SHOWN_INTERVALS = ("rmse", "rougeL")
TEXT_FIGURES = {"bleu": "BLEU", "rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
FLOORS = {
    "training_mean": "training mean",
    "question_mean": "mean of the question",
    "ridge": "TF-IDF + ridge",
    "nearest_feedback": "feedback of the nearest answer",
}


def card_markdown(manifest: Manifest) -> str:
    """A model card in Markdown: what it is, what it measured beside the cheap rivals, data, limits, training."""
    parts = [
        f"# {manifest.name}",
        _summary(manifest),
        _MADE_OF if "scorer" in manifest.parts else "",
        _stacked(manifest),
        _remembered(manifest),
        "## Figures",
        *(_figures(manifest.metrics) or ["Nothing has been measured yet."]),
        "## Weaknesses and limits",
        _bullets([*manifest.weaknesses, *_ALWAYS]),
        "## Data and licences",
        _bullets(manifest.licences) or "No sources were recorded.",
        "## How it was trained",
        _bullets(_training(manifest.training)) or "No training was recorded.",
        "## Files",
        _bullets(f"`{name}`: SHA-256 `{digest}`" for name, digest in manifest.files.items()),
    ]
    return "\n\n".join(part for part in parts if part)


def _summary(manifest: Manifest) -> str:
    what = {"scorer": "proposes marks", "feedback": "writes feedback"}
    does = " and ".join(what.get(part, part) for part in manifest.parts)
    base = manifest.base
    return (
        f"An adapter that {does}, on {base.name} (revision {base.revision}, trained on {base.quantisation} weights). "
        f"Made {manifest.created}, format version {manifest.format_version}."
    )


def _stacked(manifest: Manifest) -> str:
    """What the stacked regressor does, in words, where the scorer has one."""
    scorer = manifest.parts.get("scorer")
    facts = scorer.settings.get("stack") if scorer else None
    if not facts:
        return ""
    kept = " It was kept from the version that the training started from." if facts.get("inherited") else ""
    return (
        f"The model's score ({figure(facts['model'])} of it) is added to what a linear regression makes of the "
        f"answer's words and of their overlap with the reference answer ({figure(facts['words'])} of it). On "
        f"{facts['rows']} held-out answers the sum was off by {figure(facts['rmse'])} (RMSE, cross-validated), the "
        f"model alone by {figure(facts['rmse_model'])}.{kept}"
    )


def _remembered(manifest: Manifest) -> str:
    """What the memory of its questions does, in words, where the scorer has one."""
    scorer = manifest.parts.get("scorer")
    facts = scorer.settings.get("memory") if scorer else None
    if not facts:
        return ""
    opening = (
        f"It remembers {facts['questions']} questions that it was trained on: by question, what the words of an answer "
        "add to or take from the score. Other questions are marked without it."
    )
    if facts.get("inherited"):
        return f"{opening} All of it was kept from the version that the training started from."
    return (
        f"{opening} On the {facts['rows']} answers that it comes from, each left out in turn, the scores were off by "
        f"{figure(facts['rmse'])} (RMSE), without it by {figure(facts['rmse_without'])}."
    )


def _figures(metrics: Mapping[str, Any]) -> list[str]:
    """One section per data set that was measured; other entries of the metrics are left to the manifest."""
    sections = []
    for name, measured in metrics.items():
        if isinstance(measured, Mapping) and "n" in measured:
            sections += [f"### {name} ({measured['n']} answers)", _score_table(measured)]
            if measured.get("feedback"):
                sections.append(_text_table(measured))
    return sections


def _score_table(measured: Mapping[str, Any]) -> str:
    rivals = {label: measured.get("floors", {}).get(key) for key, label in FLOORS.items() if key != "nearest_feedback"}
    return _table(_FIGURES, {"this adapter": measured, **rivals})


def _text_table(measured: Mapping[str, Any]) -> str:
    rival = measured.get("floors", {}).get("nearest_feedback")
    return _table(TEXT_FIGURES, {"this adapter": measured["feedback"], FLOORS["nearest_feedback"]: rival})


def _table(figures: Mapping[str, str], rows: Mapping[str, Mapping[str, Any] | None]) -> str:
    lines = ["| | " + " | ".join(figures.values()) + " |", "|---" * (len(figures) + 1) + "|"]
    for label, row in rows.items():
        if row:
            lines.append(f"| {label} | " + " | ".join(_with_interval(row, key) for key in figures) + " |")
    return "\n".join(lines)


def _with_interval(row: Mapping[str, Any], key: str) -> str:
    """A figure, and its 95 % interval where one was drawn and the figure is the one that targets are set in."""
    edges = (row.get("intervals") or {}).get(key) if key in _SHOWN_INTERVALS else None
    return figure(row.get(key)) + (f" ({figure(edges[0])} to {figure(edges[1])})" if edges else "")


def figure(value: float | None) -> str:
    """A measurement for people: three digits that mean something, a dash for what is undefined."""
    if value is None:
        return "–"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.3f}"


def _training(training: Mapping[str, Any]) -> list[str]:
    config = training.get("config") or {}
    lines = [f"{key.replace('_', ' ')}: {_plain(config[key])}" for key in _TRAINING_LINES if key in config]
    lines += [f"LoRA {key}: {_plain(value)}" for key, value in (config.get("lora") or {}).items()]
    if "code_version" in training:
        lines.append(f"code version: {training['code_version']}")
    lines += [f"data `{name}`: SHA-256 `{digest}`" for name, digest in (training.get("data") or {}).items()]
    if training.get("command"):
        lines.append(f"command: `{training['command']}`")
    return lines


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)
