"""Which dtype a CPU multiplies a model's matrices in: measured once, kept, and from then on read. No torch.

A mark differs a little between float32 and bfloat16, so the choice must not change with a restart. What was measured
is kept in a file of its own for each kind of processor, release of torch and shape of the model: machines that share
the directory do not disturb each other, and where two workers of one machine measure at once, the first to write wins.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mlcore.files import write_once

log = logging.getLogger(__name__)

EXACT = "float32"
# Another dtype has to be so many times as fast: what is close may turn round at the next measurement.
CLEARLY = 1.1


@dataclass(frozen=True)
class DtypeChoice:
    """The dtype chosen, and the milliseconds that the same products took in each that was tried."""

    dtype: str
    milliseconds: Mapping[str, float]

    def __str__(self) -> str:
        return ", ".join(f"{name} {figure:.1f} ms" for name, figure in self.milliseconds.items())


def choose(milliseconds: Mapping[str, float]) -> DtypeChoice:
    """float32, unless another dtype is clearly faster.

    Raises:
        KeyError: float32 was not measured.
    """
    fastest = min(milliseconds, key=lambda name: milliseconds[name])
    clearly = milliseconds[EXACT] > CLEARLY * milliseconds[fastest]
    return DtypeChoice(fastest if clearly else EXACT, dict(milliseconds))


def kept_choice(directory: Path, about: Mapping[str, Any], measure: Callable[[], Mapping[str, float]]) -> DtypeChoice:
    """The choice that was made for what `about` describes, or the one that follows from measuring now, which is kept.

    Args:
        directory: where choices are kept; it is made where there is none.
        about: JSON-able facts that the figures depend on.
        measure: milliseconds by dtype, float32 among them.
    """
    name = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    path = Path(directory) / f"{name}.json"
    found = _read(path)
    if found is not None:
        return found
    made = choose(measure())
    body = json.dumps({"about": about, **asdict(made)}, indent=1) + "\n"
    try:
        write_once(path, body)
    except OSError as error:
        log.warning("which dtype is faster here cannot be kept and is measured again at every start: %s", error)
    return _read(path) or made


def _read(path: Path) -> DtypeChoice | None:
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return DtypeChoice(str(body["dtype"]), {name: float(value) for name, value in body["milliseconds"].items()})
    except OSError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError):
        log.warning("%s is not readable, so what it says is measured again; delete it", path)
        return None
