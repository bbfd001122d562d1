"""Whether an adapter's tensors fit a base model, read from the headers of its safetensors files. No torch."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

from mlcore.estimate import Shape
from mlcore.manifest import IncompatibleAdapter, Manifest

# No adapter has so many tensors that its header is longer.
_LONGEST_HEADER = 8 << 20
_LORA = re.compile(r"(?:^|\.)layers\.(\d++)\.(?:\w++\.){0,4}?(\w++(?<=_proj))\.lora_([AB])\.weight$")


def tensor_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of a safetensors file's tensors by name, from its header (eight bytes of length, then JSON).

    Raises:
        IncompatibleAdapter: the header cannot be read, or promises more bytes than the file has.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(_LONGEST_HEADER, size - 8):
            raise IncompatibleAdapter(f"{path.name} is no safetensors file")
        try:
            header = json.loads(file.read(length))
            entries = {name: entry for name, entry in header.items() if name != "__metadata__"}
            if any(entry["data_offsets"][1] > size - 8 - length for entry in entries.values()):
                raise ValueError("it is shorter than its header says")
            return {name: tuple(map(int, entry["shape"])) for name, entry in entries.items()}
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise IncompatibleAdapter(f"{path.name} is no safetensors file: {error}") from error


def check_shapes(directory: Path, manifest: Manifest, shape: Shape) -> None:
    """Check every LoRA matrix of an adapter directory against the base model's layers.

    A is [r, in] and B is [out, r] for a linear layer of [out, in], r being the part's rank.

    Raises:
        IncompatibleAdapter: a tensor has another shape, or belongs to a layer that the base does not have.
    """
    for name, part in manifest.parts.items():
        rank = int(((part.settings or {}).get("lora") or {}).get("rank") or 0)
        files = [file for file in part.files if file.endswith(".safetensors")]
        found = {key: value for file in files for key, value in tensor_shapes(directory / file).items()}
        if not any(_LORA.search(key) for key in found):
            raise IncompatibleAdapter(f"the part “{name}” has no LoRA weights")
        head = found.get("linear.weight")
        if head is not None and (len(head) != 2 or head[1] != shape.hidden):
            raise IncompatibleAdapter(
                f"the head has the shape {list(head)}, but the base has {shape.hidden} hidden values"
            )
        for key, value in found.items():
            _check(key, value, rank, shape.layers, shape.linears)


def _check(key: str, value: tuple[int, ...], rank: int, layers: int, linears: Mapping[str, tuple[int, int]]) -> None:
    match = _LORA.search(key)
    if match is None:
        return
    layer, linear, side = int(match[1]), match[2], match[3]
    if layer >= layers or linear not in linears:
        raise IncompatibleAdapter(f"{key} belongs to a layer that the base model does not have")
    size_in, size_out = linears[linear]
    expected = (rank, size_in) if side == "A" else (size_out, rank)
    if value != expected:
        raise IncompatibleAdapter(f"{key} has the shape {list(value)}, but the base model needs {list(expected)}")
