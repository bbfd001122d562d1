# ruff: noqa: INP001 (a script beside pages of documentation, no package)
"""Heads, losses, pooling and the reference answer compared on the same states: `python docs/heads.py --data DIRECTORY`.

The states are those of a version's scorer (its adapter stays as it is) on questions that it was never trained on. Each
head is fitted on four fifths of these questions and measured on the rest, once for each of five shuffles (seeds); the
table has the mean and the standard deviation over the seeds. `--render` writes it into docs/quality.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402

from mlcore.adapters import attach_part  # noqa: E402
from mlcore.cli.commands import examples_of  # noqa: E402
from mlcore.config import BaseConfig, TrainConfig  # noqa: E402
from mlcore.data import sample_evenly, whole_items  # noqa: E402
from mlcore.encoding import Encoder, fit_windows  # noqa: E402
from mlcore.loading import load_base  # noqa: E402
from mlcore.manifest import read_manifest  # noqa: E402
from mlcore.model import Model  # noqa: E402
from mlcore.packing import encode_items, group_packs, make_pack  # noqa: E402
from mlcore.schemas import Example  # noqa: E402
from mlcore.training import pack_states  # noqa: E402

PAGE = ROOT / "docs" / "quality.md"
SETS = ("saf_english", "scientsbank", "beetle")
SEEDS = range(5)
BANDS = 11
STEPS, RATE, DECAY = 300, 3e-3, 0.3

Fit = Callable[[torch.Tensor, torch.Tensor], "Callable[[torch.Tensor], torch.Tensor]"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", type=Path, default=ROOT / "mlcore" / "starter")
    parser.add_argument("--base", type=Path, default=ROOT / "var" / "models" / "smollm2-135m-instruct")
    parser.add_argument("--limit", type=int, default=300, help="answers in all, as many of each set")
    parser.add_argument("--render", action="store_true", help="write the table into docs/quality.md")
    options = parser.parse_args()
    held_out = set(read_manifest(options.model).training["held_out_questions"])
    rows = examples_of([options.data / name / "train.jsonl" for name in SETS])
    rows = sample_evenly([row for row in rows if row.question.id in held_out], options.limit, 0)
    states = read(options.model, options.base, rows)
    blind = [replace(row, question=replace(row.question, reference_answer="")) for row in rows]
    without = read(options.model, options.base, blind)
    last, mean = states["last"], states["mean"]
    variants: list[tuple[str, torch.Tensor, Fit]] = [
        ("last token, logistic loss on the score (used)", last, logistic),
        ("last token, squared error", last, squared),
        ("last token, Huber loss", last, huber),
        (f"last token, {BANDS} bands, expectation", last, bands),
        (f"last token, ordinal over {BANDS} bands", last, ordinal),
        ("mean over the answer's tokens, logistic loss", mean, logistic),
        ("both, logistic loss", torch.cat([last, mean], 1), logistic),
        ("last token, logistic loss, no reference answer in the prompt", without["last"], logistic),
    ]
    lines = ["| head on the same states | " + " | ".join(SETS) + " |", "|---" * (len(SETS) + 1) + "|"]
    for name, inputs, fit in variants:
        found = [errors(rows, inputs, fit, seed) for seed in SEEDS]
        cells = [f"{np.mean(values):.3f} ± {np.std(values):.3f}" for values in zip(*found, strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)  # noqa: T201 (a script)
    if options.render:
        put(f"{len(rows)} answers to {len({row.question.id for row in rows})} questions; RMSE\n\n" + "\n".join(lines))


def read(version: Path, base: Path, rows: Sequence[Example]) -> dict[str, torch.Tensor]:
    """(n, hidden) states of the scorer where a head reads ("last"), and averaged over answer and request ("mean")."""
    manifest = read_manifest(version)
    model = Model(load_base(BaseConfig(base, device="cpu")))
    attach_part(model, "scorer", "scorer", version, manifest)
    config = TrainConfig(Path("unused"), (Path("unused"),), BaseConfig(base, device="cpu"), pack_answers=8)
    prefix, answer = fit_windows(model.context, config.max_prefix_tokens, config.max_answer_tokens)
    encoder = Encoder(model.base.tokenizer, max_prefix_tokens=prefix, max_answer_tokens=answer)
    items = encode_items(whole_items(rows), encoder, 1)
    last, mean = torch.zeros(len(items), model.hidden_size), torch.zeros(len(items), model.hidden_size)
    with torch.inference_mode(), model.using("scorer"):
        for indices in group_packs(items, config, None):
            pack = make_pack([items[index] for index in indices])
            hidden, start = pack_states(model, pack).float(), len(items[indices[0]].prefix)
            for index in indices:
                end = start + len(items[index].body)
                last[index], mean[index] = hidden[end - 1], hidden[start:end].mean(0)
                start = end
    return {"last": last.clone(), "mean": mean.clone()}


def errors(rows: Sequence[Example], inputs: torch.Tensor, fit: Fit, seed: int) -> list[float]:
    """RMSE by set on a fifth of the questions of each, after fitting on the others; every question is measured once."""
    given = torch.tensor([row.score for row in rows], dtype=torch.float32)
    fold = folds(rows, seed)
    found = torch.zeros(len(rows))
    for number in range(5):
        test = fold == number
        centre, spread = inputs[~test].mean(0), inputs[~test].std(0) + 1e-6
        torch.manual_seed(seed)
        predict = fit((inputs[~test] - centre) / spread, given[~test])
        found[test] = predict((inputs[test] - centre) / spread).clamp(0, 1)
    off = (found - given).square()
    sets = [torch.tensor([row.group == name for row in rows]) for name in SETS]
    return [float(off[there].mean().sqrt()) for there in sets]


def folds(rows: Sequence[Example], seed: int) -> torch.Tensor:
    """(n,) in which fifth a row is measured: whole questions, those of each set spread evenly."""
    of: dict[str, int] = {}
    for name in SETS:
        asked = sorted({row.question.id for row in rows if row.group == name})
        order = np.random.default_rng(seed).permutation(len(asked))
        of |= {asked[place]: number % 5 for number, place in enumerate(order)}
    return torch.tensor([of[row.question.id] for row in rows])


def descend(layer: nn.Module, loss: Callable[[], torch.Tensor]) -> None:
    optimiser = torch.optim.AdamW(layer.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        optimiser.zero_grad()
        loss().backward()
        optimiser.step()


def _linear(inputs: torch.Tensor, outputs: int) -> nn.Linear:
    layer = nn.Linear(inputs.shape[1], outputs)
    nn.init.zeros_(layer.weight)
    return layer


def logistic(inputs: torch.Tensor, given: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    layer = _linear(inputs, 1)
    descend(layer, lambda: functional.binary_cross_entropy_with_logits(layer(inputs)[:, 0], given))
    return lambda rows: torch.sigmoid(layer(rows)[:, 0]).detach()


def squared(inputs: torch.Tensor, given: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    layer = _linear(inputs, 1)
    descend(layer, lambda: functional.mse_loss(layer(inputs)[:, 0], given))
    return lambda rows: layer(rows)[:, 0].detach()


def huber(inputs: torch.Tensor, given: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    layer = _linear(inputs, 1)
    descend(layer, lambda: functional.huber_loss(layer(inputs)[:, 0], given, delta=0.2))
    return lambda rows: layer(rows)[:, 0].detach()


def bands(inputs: torch.Tensor, given: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    layer, centres = _linear(inputs, BANDS), torch.linspace(0, 1, BANDS)
    shares = (1 - ((given * (BANDS - 1)).unsqueeze(1) - torch.arange(BANDS)).abs()).clamp(min=0)
    descend(layer, lambda: functional.cross_entropy(layer(inputs), shares))
    return lambda rows: (layer(rows).softmax(-1) @ centres).detach()


def ordinal(inputs: torch.Tensor, given: torch.Tensor) -> Callable[[torch.Tensor], torch.Tensor]:
    """Cumulative logits over K - 1 thresholds with one slope (McCullagh 1980)."""
    layer = _linear(inputs, 1)
    cuts = nn.Parameter(torch.linspace(-1, 1, BANDS - 1))
    levels = (torch.arange(BANDS - 1) + 0.5) / (BANDS - 1)
    above = (given.unsqueeze(1) > levels).float()
    whole = nn.ParameterList([*layer.parameters(), cuts])
    descend(whole, lambda: functional.binary_cross_entropy_with_logits(layer(inputs) - cuts, above))
    return lambda rows: torch.sigmoid(layer(rows) - cuts).mean(1).detach()


def put(table: str) -> None:
    """Write the table into the page."""
    text = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- heads -->", "<!-- end of heads -->"
    before, _, rest = text.partition(begin)
    PAGE.write_text(
        f"{before}{begin}\n\n`python docs/heads.py`: {table}\n\n{end}{rest.partition(end)[2]}", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
