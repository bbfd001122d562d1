"""Marking: one backbone in memory, adapters switched on it, answers read in batches behind their question."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from mlcore import threads
from mlcore.adapters import attach_part, read_memory, read_stack
from mlcore.base import BaseInfo
from mlcore.blank import blank_proposal
from mlcore.config import BaseConfig, Part
from mlcore.deadline import TEXT_SECONDS, within
from mlcore.dtypes import name_of
from mlcore.embedding import pack
from mlcore.encoding import EncodedAnswer, Encoder, fit_windows
from mlcore.heap import keep_freed_memory
from mlcore.loading import load_base
from mlcore.manifest import AdapterError, Manifest, read_manifest
from mlcore.memory import Memory
from mlcore.model import Model
from mlcore.points import criterion_points, points_of
from mlcore.prompts import criterion_request, feedback_request, is_blank, score_request
from mlcore.reading import Batch, PrefixCache, begin, bucket, pad_rows, read
from mlcore.schemas import Answer, CriterionScore, MarkNote, MarkProgress, Proposal, Question
from mlcore.screening import Screening, screen
from mlcore.stacking import Stack
from mlcore.wording import QUOTED_WORDS, worded
from mlcore.writing import SLOTS, Lengths, Ready, decode, tidy, write

# Places of a batch, padding included: on a CPU more only cost memory.
_BATCH_PLACES = {"cpu": 1024, "cuda": 16_384}
# A short request is read as if it had so many tokens: products of very few rows add up in another order.
_LEAST_WIDTH = 16
_ATTACHED_VERSIONS = 3
_FEEDBACK_TOKENS = 80
_ESSAY_FEEDBACK_TOKENS = 112
# A base that has learned no feedback follows the instruction as best it can: it gets room for little.
_BARE_TOKENS, _BARE_SENTENCES = 48, 2
# An answer of so many tokens, or a question with a rubric, is treated as an essay: it gets room for more words.
_ESSAY_TOKENS = 250
# Room for the request for feedback, whatever the points: no row's shape may depend on another's points.
_REQUEST_TOKENS = 64
# Fewer texts are written at a time where all together would have more tokens than this to keep in memory.
_SLOT_TOKENS = 12_000
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


@dataclass(frozen=True)
class _Draft:
    """A proposal but for its feedback."""

    entry: _Read
    width: int
    score: float
    points: float
    criteria: tuple[CriterionScore, ...]
    embedding: bytes

    def proposal(self, text: str | None) -> Proposal:
        entry, unread = self.entry, self.entry.encoded.unread
        notes = entry.screening.notes_at(self.score) | (frozenset({MarkNote.CUT}) if unread else frozenset())
        return Proposal(entry.answer.id, self.score, self.points, self.criteria, text, notes, unread, self.embedding)


class Engine:
    """Marks answers with the model version in use. Loads the base once; not safe for two threads at a time.

    Args:
        quoted_words: the longest run of words of the reference answer that feedback may repeat; 0 lets all through.
        text_seconds: how long the checks of one answer, or of one feedback, may take.

    Raises:
        BaseModelError: the base cannot be loaded.
    """

    def __init__(
        self, base: BaseConfig, *, quoted_words: int = QUOTED_WORDS, text_seconds: float = TEXT_SECONDS
    ) -> None:
        self._quoted_words = quoted_words
        self._text_seconds = text_seconds
        keep_freed_memory()
        loaded = load_base(base)
        self._model = Model(loaded)
        prefix, answer = fit_windows(self._model.context, base.max_prefix_tokens, base.max_answer_tokens)
        self._encoder = Encoder(loaded.tokenizer, max_prefix_tokens=prefix, max_answer_tokens=answer)
        self._prefixes = PrefixCache()
        self._room = threads.room() if self._model.device.type == "cpu" else None
        self._places = _BATCH_PLACES[self._model.device.type]
        self._attached: OrderedDict[str, Manifest] = OrderedDict()
        self._stacks: dict[str, Stack] = {}
        self._memories: dict[str, Memory] = {}
        self._lengths = Lengths()
        self._key: str | None = None
        self._serial = 0
        self.version: Path | None = None

    @property
    def device(self) -> str:
        """Where the model computes: cpu, or cuda:N."""
        return str(self._model.device)

    @property
    def dtype(self) -> str:
        """What matrices are multiplied in."""
        return name_of(self._model.base.dtype)

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
        on_work: Callable[[MarkProgress], None] | None = None,
    ) -> list[Proposal]:
        """Propose points, points per criterion and feedback for each answer, in the order given.

        The same answer to the same question gets the same marks to the bit whatever else is in the list, and the same
        words but where two are as good as equally likely. Blank answers never reach the model: they get the fewest
        points, the note BLANK, and the reason as feedback. What the checks of `mlcore.screening` find is in the notes,
        and bounds the score.

        Args:
            feedback: write feedback; far slower than marking alone.
            points: by answer id, points that a teacher has set: the proposal keeps to them, and feedback is told them.
            on_progress: called with the number of answers done so far, after each batch and each token of feedback.
            on_work: called as often, with what is scored and what is written so far.

        Raises:
            AdapterError: no model version is in use, or it cannot score.
            TooSlow: the checks of an answer take too long.
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
                with within(self._text_seconds):
                    screening = screen(question, answer.text) if scorer else Screening()
                    text = screening.reading or answer.text
                    reads.append(_Read(index, answer, text, self._encoder.answer(text), screening))
        blank = len(proposals)

        def report(done: int, scored: int, written: float) -> None:
            self._take_room()
            if on_work is not None:
                on_work(MarkProgress(blank + scored, blank + written if feedback else 0.0))
            if on_progress is not None:
                on_progress(blank + done)

        drafts: list[_Draft] = []
        for width, chunk in _chunks(self._bounded(question, reads), self._places):
            drafts += self._drafts(question, chunk, width, given)
            report(0 if feedback else len(drafts), len(drafts), 0.0)
        texts: Sequence[str | None] = [None] * len(drafts)
        if feedback and drafts:
            texts = self._texts(question, drafts, lambda done, written: report(done, len(drafts), written))
        found = {draft.entry.index: draft.proposal(text) for draft, text in zip(drafts, texts, strict=True)}
        return [(proposals | found)[index] for index in range(len(answers))]

    def _take_room(self) -> None:
        """Take as many threads as other work leaves room for: a row has the same bits with any number of them."""
        found = self._room.look() if self._room is not None else None
        if found is not None and found != torch.get_num_threads():
            torch.set_num_threads(found)

    def _bounded(self, question: Question, reads: Sequence[_Read]) -> list[_Read]:
        """The answers with the highest score that the checks allow: the cap, or the mark of the reduced text."""
        reduced = [
            _Read(place, entry.answer, entry.screening.reduced, self._encoder.answer(entry.screening.reduced))
            for place, entry in enumerate(reads)
            if entry.screening.reduced is not None
        ]
        most = [entry.screening.cap for entry in reads]
        for width, chunk in _chunks(reduced, self._places):
            for entry, score in zip(chunk, self._scores(question, chunk, width)[0], strict=True):
                most[entry.index] = min(most[entry.index], score)
        return [replace(entry, most=bound) for entry, bound in zip(reads, most, strict=True)]

    def _drafts(
        self, question: Question, chunk: Sequence[_Read], width: int, given: Mapping[str, float]
    ) -> list[_Draft]:
        """What is proposed for the answers of one batch, but for the feedback."""
        read, shares, embeddings = self._scores(question, chunk, width)
        drafts = []
        for row, entry in enumerate(chunk):
            score = min(read[row], entry.most)
            points = given.get(entry.answer.id, points_of(score, question))
            criteria = criterion_points(question, [column[row] for column in shares], points) if shares else ()
            drafts.append(_Draft(entry, width, score, points, criteria, embeddings[row]))
        return drafts

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
                rows, lengths = pad_rows([ids] * len(chunk), max(_LEAST_WIDTH, len(ids)), self._encoder.pad_id)
                states, halfway = read(self._model, batch.fork(), rows, lengths, halfway=True)
                columns.append([round(value, _DIGITS) for value in head.read(states)])
                # The first request is for the score in all.
                embeddings = embeddings or [pack(row) for row in halfway.cpu().numpy()]
        return self._beside_words(question, chunk, columns[0]), columns[1:], embeddings

    def _beside_words(self, question: Question, chunk: Sequence[_Read], scores: Sequence[float]) -> list[float]:
        """(rows,) scores that also heed the answers' words, where the version in use was measured to gain by that."""
        texts = [entry.text for entry in chunk]
        for layer in (self._stacks.get(self._key or ""), self._memories.get(self._key or "")):
            if layer is not None:
                scores = [round(score, _DIGITS) for score in layer.apply(question, texts, scores)]
        return list(scores)

    def _texts(
        self, question: Question, drafts: Sequence[_Draft], on_text: Callable[[int, float], None]
    ) -> list[str | None]:
        """Feedback for each, by the version's feedback writer, or a little by the bare base where it has none."""
        name = self._part("feedback")
        requests = {draft.points: self._encoder.pieces(feedback_request(question, draft.points)) for draft in drafts}
        asked = max(_REQUEST_TOKENS, *(bucket(len(request)) for request in requests.values()))
        # The longest come first, so that none of them is left to write alone at the end.
        order = sorted(range(len(drafts)), key=lambda place: -drafts[place].width)
        room = drafts[order[0]].width + asked + _ESSAY_FEEDBACK_TOKENS
        slots = max(1, min(len(drafts), SLOTS, _SLOT_TOKENS // room))
        ready = self._ready(name, question, [drafts[place] for place in order], requests, asked)
        lengths: Sequence[float] = ()

        def on_step(ended: Sequence[float], under_way: Sequence[float]) -> None:
            nonlocal lengths
            lengths = ended
            on_text(len(ended), self._lengths.written(ended, under_way))

        with self._model.using(name):
            written = write(self._model, ready, self._encoder.end_id, slots, on_step)
        self._lengths.learn(lengths)
        texts: list[str | None] = [None] * len(drafts)
        for place, ids in zip(order, written, strict=True):
            entry, points = drafts[place].entry, drafts[place].points
            with within(self._text_seconds):
                texts[place] = worded(
                    question,
                    entry.answer.text,
                    tidy(decode(self._encoder.tokenizer, ids)),
                    points,
                    notes=entry.screening.notes,
                    quoted_words=self._quoted_words,
                    most_sentences=_BARE_SENTENCES if name is None else 0,
                )
        return texts

    def _ready(
        self,
        name: str | None,
        question: Question,
        drafts: Sequence[_Draft],
        requests: Mapping[float, list[int]],
        asked: int,
    ) -> Iterator[Ready]:
        """Batches that have read their answers and the request for feedback, one at a time as they are needed."""
        points = {draft.entry.index: draft.points for draft in drafts}
        for width, chunk in _chunks([draft.entry for draft in drafts], self._places, longest_first=True):
            batch = self._answers(name, question, chunk, width)
            told = [requests[points[entry.index]] for entry in chunk]
            rows, lengths = pad_rows(told, asked, self._encoder.pad_id)
            states = read(self._model, batch, rows, lengths)
            yield Ready(batch, states, self._most_tokens(name, question, width))

    def _most_tokens(self, name: str | None, question: Question, width: int) -> int:
        if name is None:
            return _BARE_TOKENS
        return _ESSAY_FEEDBACK_TOKENS if question.criteria or width > _ESSAY_TOKENS else _FEEDBACK_TOKENS

    def _answers(self, adapter: str | None, question: Question, chunk: Sequence[_Read], width: int) -> Batch:
        """A batch that has read the question and each row's answer."""
        prefix = self._prefixes.get(self._model, adapter, self._encoder.prefix(question))
        batch = begin(adapter, prefix, len(chunk))
        rows, lengths = pad_rows([entry.encoded.ids for entry in chunk], width, self._encoder.pad_id)
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


def _chunks(reads: Sequence[_Read], places: int, *, longest_first: bool = False) -> Iterator[tuple[int, list[_Read]]]:
    """Widths, and answers that are padded to it, as many as fit into a batch of so many places; the shortest first."""
    groups: dict[int, list[_Read]] = {}
    for entry in reads:
        groups.setdefault(bucket(len(entry.encoded.ids)), []).append(entry)
    for width, group in sorted(groups.items(), reverse=longest_first):
        rows = max(1, places // width)
        for start in range(0, len(group), rows):
            yield width, group[start : start + rows]
