"""Marking: one backbone in memory, adapters switched on it, answers read in batches of one fixed shape."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from mlcore.adapters import attach_part, read_memory, read_stack
from mlcore.base import BaseInfo
from mlcore.blank import blank_proposal
from mlcore.config import BaseConfig, Part
from mlcore.embedding import pack
from mlcore.encoding import EncodedAnswer, Encoder, fit_windows
from mlcore.loading import load_base
from mlcore.manifest import AdapterError, Manifest, read_manifest
from mlcore.memory import Memory
from mlcore.model import Model
from mlcore.points import criterion_points, points_of
from mlcore.prompts import criterion_request, feedback_request, is_blank, score_request
from mlcore.reading import Batch, PrefixCache, begin, bucket, pad_rows, read
from mlcore.schemas import Answer, CriterionScore, MarkNote, Proposal, Question
from mlcore.screening import Screening, screen
from mlcore.stacking import Stack
from mlcore.wording import QUOTED_WORDS, worded
from mlcore.writing import decode, tidy, write

# Rows of a batch of short answers: best on a CPU.
_ROWS = 8
# Batches of longer answers have fewer rows, so that an idle row costs little.
_FULL_WIDTH = 128
_ATTACHED_VERSIONS = 3
_FEEDBACK_TOKENS = 80
_ESSAY_FEEDBACK_TOKENS = 112
# A base that has learned no feedback follows the instruction as best it can: it gets room for little.
_BARE_TOKENS, _BARE_SENTENCES = 48, 2
# An answer of so many tokens, or a question with a rubric, is treated as an essay: it gets room for more words.
_ESSAY_TOKENS = 250
# Room for the request for feedback, whatever the points: no row's shape may depend on another's points.
_REQUEST_TOKENS = 64
# Scores are kept to six digits: below that is noise of the arithmetic.
_DIGITS = 6


@dataclass(frozen=True)
class _Read:
    """An answer on its way through the model."""

    index: int
    answer: Answer
    text: str  # what the model reads of it
    encoded: EncodedAnswer
    screening: Screening = field(default_factory=Screening)
    most: float = 1.0  # the highest score that the checks beside the head allow


class Engine:
    """Marks answers with the model version in use. Loads the base once; not safe for two threads at a time.

    Args:
        quoted_words: the longest run of words of the reference answer that feedback may repeat; 0 lets all through.

    Raises:
        BaseModelError: the base cannot be loaded.
    """

    def __init__(self, base: BaseConfig, *, quoted_words: int = QUOTED_WORDS) -> None:
        self._quoted_words = quoted_words
        loaded = load_base(base)
        self._model = Model(loaded)
        prefix, answer = fit_windows(self._model.context, base.max_prefix_tokens, base.max_answer_tokens)
        self._encoder = Encoder(loaded.tokenizer, max_prefix_tokens=prefix, max_answer_tokens=answer)
        self._prefixes = PrefixCache()
        self._attached: OrderedDict[str, Manifest] = OrderedDict()
        self._stacks: dict[str, Stack] = {}
        self._memories: dict[str, Memory] = {}
        self._key: str | None = None
        self._serial = 0
        self.version: Path | None = None

    @property
    def device(self) -> str:
        """Where the model computes: cpu, or cuda:N."""
        return str(self._model.device)

    @property
    def hidden_size(self) -> int:
        """Numbers in an embedding."""
        return self._model.hidden_size

    @property
    def base_info(self) -> BaseInfo:
        """Name and revision of the base that is loaded."""
        return self._model.base.info

    def use(self, version_dir: Path) -> None:
        """Put a model version in use. The base stays; the last few versions stay attached.

        Raises:
            CorruptAdapter: the directory is missing, incomplete or changed.
            IncompatibleAdapter: it belongs to another base (BaseMismatch) or another version of this program.
        """
        version_dir = Path(version_dir)
        manifest = read_manifest(version_dir)
        manifest.require_base(self.base_info.name, self.base_info.revision)
        for key, known in self._attached.items():
            if known.files == manifest.files and known.parts == manifest.parts:
                self._attached.move_to_end(key)
                self._key, self.version = key, version_dir
                return
        self._attach(version_dir, manifest)
        self.version = version_dir

    @torch.inference_mode()
    def mark(
        self,
        question: Question,
        answers: Sequence[Answer],
        *,
        feedback: bool = True,
        points: Mapping[str, float] | None = None,
        on_progress: Callable[[int], None] | None = None,
    ) -> list[Proposal]:
        """Propose points, points per criterion and feedback for each answer, in the order given.

        The same answer to the same question gets the same proposal whatever else is in the list. Blank answers never
        reach the model: they get the fewest points, the note BLANK, and the reason as feedback. What the checks of
        `mlcore.screening` find is in the notes, and bounds the score.

        Args:
            feedback: write feedback; far slower than marking alone.
            points: by answer id, points that a teacher has set: the proposal keeps to them, and feedback is told them.
            on_progress: called with the number of answers done so far, after each batch.

        Raises:
            AdapterError: no model version is in use, or it cannot score.
        """
        given = points or {}
        scorer = self._part("scorer")
        if scorer is None and any(answer.id not in given for answer in answers):
            raise AdapterError("no model version that can score is in use")
        proposals: dict[int, Proposal] = {}
        reads: list[_Read] = []
        for index, answer in enumerate(answers):
            if is_blank(answer.text):
                proposals[index] = blank_proposal(question, answer.id)
            else:
                screening = screen(question, answer.text) if scorer else Screening()
                text = screening.reading or answer.text
                reads.append(_Read(index, answer, text, self._encoder.answer(text), screening))
        for width, group in _by_width(self._bounded(question, reads)):
            rows = rows_of(width)
            for start in range(0, len(group), rows):
                chunk = group[start : start + rows]
                for entry, proposal in zip(chunk, self._chunk(question, chunk, width, given, feedback), strict=True):
                    proposals[entry.index] = proposal
                if on_progress is not None:
                    on_progress(len(proposals))
        return [proposals[index] for index in range(len(answers))]

    def _bounded(self, question: Question, reads: Sequence[_Read]) -> list[_Read]:
        """The answers with the highest score that the checks allow: the cap, or the mark of the reduced text."""
        reduced = [
            _Read(place, entry.answer, entry.screening.reduced, self._encoder.answer(entry.screening.reduced))
            for place, entry in enumerate(reads)
            if entry.screening.reduced is not None
        ]
        most = [entry.screening.cap for entry in reads]
        for width, group in _by_width(reduced):
            for start in range(0, len(group), rows_of(width)):
                chunk = group[start : start + rows_of(width)]
                for entry, score in zip(chunk, self._scores(question, chunk, width)[0], strict=True):
                    most[entry.index] = min(most[entry.index], score)
        return [replace(entry, most=bound) for entry, bound in zip(reads, most, strict=True)]

    def _chunk(
        self, question: Question, chunk: Sequence[_Read], width: int, given: Mapping[str, float], feedback: bool
    ) -> list[Proposal]:
        """Proposals for at most `rows_of(width)` answers of one width."""
        read, shares, embeddings = self._scores(question, chunk, width)
        scores = [min(score, entry.most) for score, entry in zip(read, chunk, strict=True)]
        found = []
        for row, entry in enumerate(chunk):
            points = given.get(entry.answer.id, points_of(scores[row], question))
            criteria = criterion_points(question, [column[row] for column in shares], points) if shares else ()
            found.append((points, criteria))
        texts = (
            self._texts(question, chunk, width, [points for points, _ in found]) if feedback else [None] * len(chunk)
        )
        return [
            _proposal(entry, score, points, criteria, text, embedding)
            for entry, score, (points, criteria), text, embedding in zip(
                chunk, scores, found, texts, embeddings, strict=True
            )
        ]

    def _scores(
        self, question: Question, chunk: Sequence[_Read], width: int
    ) -> tuple[list[float], list[list[float]], list[bytes]]:
        """(rows,) scores in all, (criteria, rows) shares of each criterion's points, and (rows,) embeddings."""
        name = self._part("scorer")
        if name is None:
            return [0.0] * len(chunk), [], [b""] * len(chunk)
        requests = [score_request(), *map(criterion_request, question.criteria)]
        head = self._model.heads[name]
        columns: list[list[float]] = []
        embeddings: list[bytes] = []
        with self._model.using(name):
            batch = self._answers(name, question, chunk, width)
            for request in requests:
                ids = self._encoder.pieces(request)
                rows, lengths = pad_rows([ids], rows_of(width), len(ids), self._encoder.pad_id)
                states, halfway = read(self._model, batch.fork(), rows, lengths, halfway=True)
                columns.append([round(value, _DIGITS) for value in head.score(head(states)).tolist()][: len(chunk)])
                # The first request is for the score in all.
                embeddings = embeddings or [pack(row) for row in halfway.cpu().numpy()[: len(chunk)]]
        return self._beside_words(question, chunk, columns[0]), columns[1:], embeddings

    def _beside_words(self, question: Question, chunk: Sequence[_Read], scores: Sequence[float]) -> list[float]:
        """(rows,) scores that also heed the answers' words, where the version in use was measured to gain by that."""
        texts = [entry.text for entry in chunk]
        for layer in (self._stacks.get(self._key or ""), self._memories.get(self._key or "")):
            if layer is not None:
                scores = [round(score, _DIGITS) for score in layer.apply(question, texts, scores)]
        return list(scores)

    def _texts(
        self, question: Question, chunk: Sequence[_Read], width: int, points: Sequence[float]
    ) -> list[str | None]:
        """(rows,) feedback, by the version's feedback writer, or a little by the bare base where it has none."""
        name = self._part("feedback")
        requests = [self._encoder.pieces(feedback_request(question, value)) for value in points]
        width_asked = max(_REQUEST_TOKENS, *(bucket(len(request)) for request in requests))
        rows, lengths = pad_rows(requests, rows_of(width), width_asked, self._encoder.pad_id)
        essay = bool(question.criteria) or width > _ESSAY_TOKENS
        most = _BARE_TOKENS if name is None else _ESSAY_FEEDBACK_TOKENS if essay else _FEEDBACK_TOKENS
        with self._model.using(name):
            batch = self._answers(name, question, chunk, width)
            states = read(self._model, batch, rows, lengths)
            written = write(self._model, batch, states, self._encoder.end_id, most, len(chunk))
        return [
            worded(
                question,
                entry.answer.text,
                tidy(decode(self._encoder.tokenizer, ids)),
                value,
                notes=entry.screening.notes,
                quoted_words=self._quoted_words,
                most_sentences=_BARE_SENTENCES if name is None else 0,
            )
            for entry, ids, value in zip(chunk, written, points, strict=True)
        ]

    def _answers(self, adapter: str | None, question: Question, chunk: Sequence[_Read], width: int) -> Batch:
        """A batch that has read the question and each row's answer."""
        batch = begin(self._prefixes.get(self._model, adapter, self._encoder.prefix(question)), rows_of(width))
        rows, lengths = pad_rows([entry.encoded.ids for entry in chunk], rows_of(width), width, self._encoder.pad_id)
        read(self._model, batch, rows, lengths)
        return batch

    def _part(self, part: Part) -> str | None:
        """The name under which a part of the version in use is attached."""
        if self._key is None or part not in self._attached[self._key].parts:
            return None
        return f"{self._key}_{part}"

    def _attach(self, version_dir: Path, manifest: Manifest) -> None:
        self._serial += 1
        key = f"v{self._serial}"
        done: list[str] = []
        try:
            for part in ("scorer", "feedback"):
                if part in manifest.parts:
                    attach_part(self._model, f"{key}_{part}", part, version_dir, manifest)
                    done.append(f"{key}_{part}")
            stack, memory = read_stack(version_dir, manifest), read_memory(version_dir, manifest)
        except AdapterError:
            for name in done:
                self._model.detach(name)
            raise
        if stack is not None:
            self._stacks[key] = stack
        if memory is not None:
            self._memories[key] = memory
        self._attached[key] = manifest
        self._key = key
        while len(self._attached) > _ATTACHED_VERSIONS:
            old, parts = self._attached.popitem(last=False)
            self._stacks.pop(old, None)
            self._memories.pop(old, None)
            for part in parts.parts:
                self._prefixes.forget(f"{old}_{part}")
                self._model.detach(f"{old}_{part}")


def rows_of(width: int) -> int:
    """Rows of a batch of answers of that padded width; nothing else decides, because a mark must not depend on it."""
    return _ROWS if width <= _FULL_WIDTH else _ROWS // 2 if width <= 2 * _FULL_WIDTH else _ROWS // 4


def _by_width(reads: Sequence[_Read]) -> list[tuple[int, list[_Read]]]:
    """Answers that are padded to the same width, the shortest first."""
    groups: dict[int, list[_Read]] = {}
    for entry in reads:
        groups.setdefault(bucket(len(entry.encoded.ids)), []).append(entry)
    return sorted(groups.items())


def _proposal(
    entry: _Read, score: float, points: float, criteria: tuple[CriterionScore, ...], text: str | None, embedding: bytes
) -> Proposal:
    unread = entry.encoded.unread
    notes = entry.screening.notes_at(score) | (frozenset({MarkNote.CUT}) if unread else frozenset())
    return Proposal(entry.answer.id, score, points, criteria, text, notes, unread, embedding)
