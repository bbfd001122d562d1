"""Training examples as files: JSON lines as mlcore reads them, and the directory layout of Hugging Face `datasets`."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

from django.db.models import QuerySet

from grading.models import TrainingExample

_README = """---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/train.jsonl
---
Marked answers, one JSON object a line: question, reference_answer, instructions, criteria, answer, score, min_score,
max_score, step, language, feedback. `student` is a keyed hash. `datasets.load_dataset("json", ...)` or
`load_dataset` with the path of this directory reads them.
"""


def example_lines(rows: QuerySet[TrainingExample]) -> Iterator[str]:
    """One line of JSON for each example."""
    for row in rows.values_list("row", flat=True).iterator(chunk_size=500):
        yield json.dumps(row, ensure_ascii=False) + "\n"


def examples_archive(rows: QuerySet[TrainingExample], to: Path) -> Path:
    """Write the examples as a ZIP file of a dataset directory."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.md", _README)
        with archive.open("data/train.jsonl", "w") as file:
            for line in example_lines(rows):
                file.write(line.encode())
    return to


def rows_of_archive(data: bytes, most: int) -> bytes:
    """The lines of all JSON-lines files of an archive in that layout, one after the other.

    Raises:
        ValueError: it has none, or unpacks to more than `most` bytes.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [e for e in archive.infolist() if e.filename.endswith((".jsonl", ".ndjson")) and not e.is_dir()]
        if not entries:
            raise ValueError("there is no .jsonl file in the archive")
        if sum(entry.file_size for entry in entries) > most:
            raise ValueError("it unpacks to more than a file may have")
        parts = []
        for entry in entries:
            with archive.open(entry) as file:
                parts.append(file.read(most + 1).strip())
    return b"\n".join(part for part in parts if part)
