"""One training in several processes (data parallel): each works on a share of every step's packs, and their gradients
are added up, so that the result is that of one process but for the order in which numbers are added.

The processes are started by `accelerate launch`; a training that was not started so is one process, and nothing here
does anything. On GPUs they talk by nccl, on CPUs by gloo.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import torch
from torch import distributed


def launched() -> int:
    """How many processes were launched with this one, itself included."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def start() -> None:
    """Join the processes that this one was launched with, if there are any."""
    if launched() > 1 and not distributed.is_initialized():
        from accelerate import PartialState

        PartialState(cpu=not torch.cuda.is_available())


def end() -> None:
    """Wait for the others and leave them."""
    if processes() > 1:
        distributed.barrier()
        distributed.destroy_process_group()


def processes() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def place() -> int:
    """This process's number, from 0; also before it has joined the others, and after it has left them."""
    if distributed.is_initialized():
        return distributed.get_rank()
    return int(os.environ.get("RANK", "0")) if launched() > 1 else 0


def leads() -> bool:
    """Whether this is the process that writes files and reports."""
    return place() == 0


def device_name(name: str) -> str:
    """The device of this process: with several, each takes the GPU of its own number."""
    own = os.environ.get("LOCAL_RANK")
    return (
        f"cuda:{own}"
        if own is not None and launched() > 1 and name in ("auto", "cuda") and torch.cuda.is_available()
        else name
    )


def sum_gradients(weights: Iterable[torch.Tensor], total: float) -> float:
    """Add up the gradients of all processes in place, and `total` with them; the sum of the totals.

    A process without a pack in this step has no gradients: they count as 0.
    """
    if processes() == 1:
        return total
    owners = list(weights)
    for weight in owners:
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
    grads = [weight.grad for weight in owners if weight.grad is not None]
    # One message in place of hundreds: sending costs more than adding.
    flat = torch.cat([grad.float().reshape(-1) for grad in grads] + [torch.tensor([total], device=grads[0].device)])
    distributed.all_reduce(flat)
    start_at = 0
    for grad in grads:
        grad.copy_(flat[start_at : start_at + grad.numel()].view_as(grad))
        start_at += grad.numel()
    return float(flat[-1])


def agree(value: Any) -> Any:
    """What the leading process says: clocks and wishes differ, and all have to take the same turn."""
    if processes() == 1:
        return value
    told = [value]
    distributed.broadcast_object_list(told, src=0)
    return told[0]


def collect(value: Any) -> list[Any]:
    """The values of all processes, in their order, for each of them."""
    if processes() == 1:
        return [value]
    found: list[Any] = [None] * processes()
    distributed.all_gather_object(found, value)
    return found
