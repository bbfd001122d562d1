"""Adapter directories without weights that mean anything: sound to everything that does not load them."""

from __future__ import annotations

from pathlib import Path

from mlcore.manifest import BaseEntry, Manifest, PartEntry, write_adapter


def write_bare_adapter(directory: Path, *, parts: tuple[str, ...] = ("scorer", "feedback")) -> Path:
    lora = {"rank": 4, "alpha": 8.0, "dropout": 0.0, "targets": ["q_proj"]}
    entries = {
        part: PartEntry((f"{part}.safetensors",), "regression" if part == "scorer" else None, {"lora": lora})
        for part in parts
    }

    def write(where: Path) -> None:
        for part in parts:
            (where / f"{part}.safetensors").write_bytes(part.encode())

    base = BaseEntry("tiny-llama", "random-weights-seed-0")
    return write_adapter(directory, write, Manifest(directory.name, base, entries, licences=("data of a school",)))
