"""The options of each command."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from mlcore.cli import commands, estimating, evaluating, learning
from mlcore.config import COMPUTE_DTYPES, PARTS, QUANTISATIONS
from mlcore.curve import MARKS

STARTER = Path(__file__).parent.parent / "starter"


def build_parser() -> argparse.ArgumentParser:
    """All commands with their options; each knows the function that runs it as `run`."""
    parser = argparse.ArgumentParser(prog="python -m mlcore", description="Train, measure and use the marking engine.")
    commands_ = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _prepare(commands_.add_parser("prepare", help="write the bundled base model as a checkpoint"))
    _train(commands_.add_parser("train", help="fine-tune an adapter on marked answers"))
    _evaluate(commands_.add_parser("evaluate", help="measure a model version on marked answers"))
    _robustness(commands_.add_parser("robustness", help="attack a model version and see what its marks do"))
    _membership(commands_.add_parser("membership", help="try to tell which answers a model version was trained on"))
    _curve(commands_.add_parser("curve", help="see what the first marks of a question are worth"))
    _mark(commands_.add_parser("mark", help="propose marks and feedback for answers"))
    _bench(commands_.add_parser("bench", help="measure speed and memory beside other ways to do the same"))
    return parser


def _prepare(parser: argparse.ArgumentParser) -> None:
    default = commands.default_base()
    parser.add_argument("--to", type=Path, default=default, metavar="DIR", help=f"where to (default: {default})")
    parser.set_defaults(run=commands.prepare)


def _train(parser: argparse.ArgumentParser) -> None:
    parser.description = "Settings come from --config; options given beside it count more. Paths are as seen from here."
    parser.add_argument("--config", type=Path, metavar="FILE", help="a training configuration as JSON")
    parser.add_argument("--output", type=Path, metavar="DIR", help="the adapter directory to write")
    parser.add_argument("--train", dest="train_files", type=Path, nargs="+", metavar="FILE", help="marked rows (JSONL)")
    parser.add_argument("--validation", dest="validation_files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--name", help="what the manifest calls the result")
    parser.add_argument("--parts", type=_names(PARTS), metavar="PART,…", help="scorer, feedback or both")
    parser.add_argument("--head", choices=["regression", "bands"], help="how the scorer gives a score")
    parser.add_argument("--method", choices=["lora", "qlora"], help="on plain or on quantised weights")
    parser.add_argument("--rank", type=int, help="rank of the adapter")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--epochs", type=float, help="passes over the rows, for the scorer")
    parser.add_argument("--feedback-epochs", type=float, help="the same for the feedback writer")
    parser.add_argument("--batch-size", type=int, help="answers per optimiser step")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--start-from", type=Path, metavar="DIR", help="an adapter to go on from")
    parser.add_argument("--licence", dest="licences", action="append", metavar="TEXT", help="a notice for the card")
    parser.add_argument("--resume", action="store_true", help="go on with an unfinished training of the same settings")
    parser.add_argument("--estimate", action="store_true", help="only say how long and in what memory it would train")
    parser.add_argument("--rate", type=float, metavar="N", help="tokens a second, for the estimate, where it is known")
    _base(parser)
    parser.set_defaults(run=estimating.train)


def _evaluate(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="marked rows to measure on")
    parser.add_argument(
        "--marked",
        type=Path,
        nargs="+",
        default=[],
        metavar="FILE",
        help="answers that a teacher has marked: the scores are corrected by them before they are measured",
    )
    parser.add_argument(
        "--train", type=Path, nargs="+", default=[], metavar="FILE", help="its training rows: adds the floors"
    )
    parser.add_argument("--feedback", action="store_true", help="also write feedback and compare it (slow)")
    parser.add_argument(
        "--limit", type=int, default=0, metavar="N", help="only so many of the rows, drawn with the seed"
    )
    parser.add_argument("--draws", type=int, default=1000, metavar="N", help="bootstrap draws for intervals (0: none)")
    parser.add_argument(
        "--draw",
        choices=["auto", "rows", "questions"],
        default="auto",
        help="what they draw: auto takes whole questions where all of them are unseen, otherwise rows",
    )
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with tables and plots")
    _figures(parser)
    _base(parser)
    parser.set_defaults(run=evaluating.evaluate)


def _robustness(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="marked rows to attack")
    parser.add_argument(
        "--size", type=int, default=40, metavar="N", help="wrong answers that get injections, texts of each nonsense"
    )
    parser.add_argument(
        "--checks-only", action="store_true", help="load no model: count how often the checks stop honest answers"
    )
    _figures(parser)
    _base(parser)
    parser.set_defaults(run=evaluating.robustness)


def _membership(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    for kind, about in (("trained", "rows that it was trained on"), ("unseen", "other rows of the same questions")):
        parser.add_argument(f"--{kind}", type=Path, nargs="+", required=True, metavar="FILE", help=about)
    parser.add_argument("--limit", type=int, default=200, metavar="N", help="rows of each kind, drawn with the seed")
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    _base(parser)
    parser.set_defaults(run=evaluating.membership)


def _curve(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="FILE", help="marked rows to play with")
    parser.add_argument(
        "--marks", type=_numbers, default=MARKS, metavar="N,…", help="how many are marked (default: 0,5,10,20,40)"
    )
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="how often each question is played")
    parser.add_argument(
        "--questions",
        choices=["all", "held-out", "trained"],
        default="all",
        help="only questions that were held out of its training, or only the others",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    _base(parser)
    parser.set_defaults(run=learning.curve)


def _figures(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--questions",
        choices=["all", "held-out", "trained"],
        default="all",
        help="only on questions that were held out of its training, or only on the others",
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything that is drawn")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures")
    parser.add_argument(
        "--record", metavar="NAME", help="keep the figures in the model's manifest and card, by this name"
    )


def _mark(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--input", type=Path, required=True, metavar="FILE", help="answers to mark (JSONL)")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="id, points, max_score and feedback")
    parser.add_argument("--no-feedback", dest="feedback", action="store_false", help="points only")
    parser.add_argument(
        "--marked",
        type=Path,
        metavar="FILE",
        help="answers that a teacher has marked: the points are corrected by them, and get intervals",
    )
    _base(parser)
    parser.set_defaults(run=commands.mark)


def _bench(parser: argparse.ArgumentParser) -> None:
    _model(parser)
    parser.add_argument("--quick", action="store_true", help="fewer answers and repeats: under a minute")
    parser.add_argument(
        "--size", type=int, nargs=4, metavar="N", help="answers to score, to write to, tokens for each text, repeats"
    )
    parser.add_argument(
        "--beside", type=int, metavar="N", help="instead: marking beside N busy processes, and beside a training"
    )
    parser.add_argument("--server", type=Path, metavar="PROGRAM", help="llama.cpp's llama-server, to measure beside")
    parser.add_argument("--gguf", type=Path, metavar="FILE", help="what it serves; the bundled base unless told")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the rows")
    parser.add_argument("--profile", action="store_true", help="show where the time goes")
    parser.add_argument(
        "--recipe", type=Path, metavar="FILE", help="measure a training configuration on its base instead"
    )
    _base(parser)
    parser.set_defaults(run=estimating.bench)


def _model(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model", type=Path, default=STARTER, metavar="DIR", help="an adapter directory (default: the starter model)"
    )


def _base(parser: argparse.ArgumentParser) -> None:
    given = os.environ.get(commands.BASE_VARIABLE)
    parser.add_argument(
        "--base",
        type=Path,
        default=Path(given) if given else None,
        metavar="DIR",
        help=f"the base model's checkpoint directory (default: ${commands.BASE_VARIABLE}, or the bundled model)",
    )
    parser.add_argument("--quantisation", choices=QUANTISATIONS, help="of the base model's weights")
    parser.add_argument("--compute-dtype", choices=COMPUTE_DTYPES)
    parser.add_argument("--device", help="auto, cpu, cuda or cuda:NUMBER")


def _numbers(text: str) -> tuple[int, ...]:
    if not all(part.strip().isdigit() for part in text.split(",")):
        raise argparse.ArgumentTypeError(f"“{text}” is not a list of whole numbers, as in 0,5,10")
    return tuple(sorted({int(part) for part in text.split(",")}))


def _names(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    def split(text: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if not names or set(names) - set(known):
            raise argparse.ArgumentTypeError(f"“{text}” is not a list of {', '.join(known)}")
        return names

    return split
