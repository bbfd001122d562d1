"""How processes that compute share a machine: how many threads they take, how these wait, and who steps back. No torch.

OpenMP, which multiplies torch's matrices, reads the environment when it is loaded, so this is said before. Left to
itself it takes a thread for each core, and a thread that has done its part of a product spins until the others have
done theirs: it burns the core that the last one needs, as soon as anything else runs beside it. A training's threads
are told to wait passively. Marking has a thousand small products for each token, and waking a thread for each of them
costs more than it brings; so it takes fewer threads while other work needs the cores (`mlcore.room`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mlcore.machine import usable_cores
from mlcore.room import Room

# Of 19: beside a process of the usual priority one of this gets about a tenth of a core that both want.
STEPS_BACK = 10
_AUTOGROUP = Path("/proc/self/autogroup")
# What `settle` said in this process, and so in those forked from it: the rest of the environment is the user's.
_said: dict[str, str] = {}


def advice(given: Mapping[str, str], threads: int, *, passive: bool = False) -> dict[str, str]:
    """What is to be added to an environment, so that there are no more threads than these, and they wait passively.

    What the user set is left alone; an empty value counts as not set. Both GNU's and LLVM's OpenMP heed these names.
    """
    wanted = {"OMP_NUM_THREADS": str(threads), **({"OMP_WAIT_POLICY": "PASSIVE"} if passive else {})}
    return {name: value for name, value in wanted.items() if not given.get(name, "").strip()}


def settle(*, passive: bool = False) -> None:
    """Say so for this process and its children. To be called before torch is loaded; a second call changes nothing."""
    _said.update(advice(os.environ, usable_cores(), passive=passive))
    os.environ.update(_said)


def room() -> Room | None:
    """Where to look how many threads there is room for; None where nobody called `settle`, or the user set a number."""
    threads = _said.get("OMP_NUM_THREADS")
    return Room(int(threads)) if threads else None


def training_environment(*, beside_marking: bool) -> dict[str, str]:
    """The environment of a training: beside marking on the same machine it gets half of the cores, at least one."""
    own = {name: value for name, value in os.environ.items() if _said.get(name) != value}
    cores = usable_cores()
    return {**own, **advice(own, max(1, cores // 2) if beside_marking else cores, passive=True)}


def step_back() -> None:
    """Give this process a lower priority than those that people wait for.

    To be called in a session of its own: Linux may share the cores between sessions first (autogroups), and then a
    process's own priority counts only within its session.
    """
    os.nice(STEPS_BACK)
    with suppress(OSError):
        _AUTOGROUP.write_text(str(STEPS_BACK), encoding="ascii")
