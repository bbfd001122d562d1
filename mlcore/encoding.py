"""Prompts as token ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mlcore.prompts import NO, YES, Control, Piece, answer_text, opening_pieces, prefix_pieces
from mlcore.schemas import Question

_RESERVED_TOKENS = 320


@dataclass(frozen=True)
class EncodedAnswer:
    """An answer's tokens; `unread` counts the characters of the text that were left out at the end."""

    ids: tuple[int, ...]
    unread: int = 0


def fit_windows(context: int, max_prefix_tokens: int, max_answer_tokens: int) -> tuple[int, int]:
    """The windows for prefix and answer, shrunk in proportion where the model's context is too short for both.

    Some tokens are kept free for what is asked of the answer and for the feedback.
    """
    room = max(2, context - min(_RESERVED_TOKENS, context // 4))
    wanted = max_prefix_tokens + max_answer_tokens
    if wanted <= room:
        return max_prefix_tokens, max_answer_tokens
    prefix = max(1, room * max_prefix_tokens // wanted)
    return prefix, room - prefix


class Encoder:
    """Turns pieces of a prompt into token ids, inside the windows that were configured.

    Words never become special tokens: they are encoded with special tokens split into plain ones, and any id of a
    special token that still came out is dropped.
    """

    def __init__(self, tokenizer: Any, *, max_prefix_tokens: int, max_answer_tokens: int) -> None:
        self.tokenizer = tokenizer
        self.max_prefix_tokens = max_prefix_tokens
        self.max_answer_tokens = max_answer_tokens
        self._special = frozenset(tokenizer.all_special_ids)
        self._vocabulary = tokenizer.get_vocab()
        bos = tokenizer.bos_token_id
        # ChatML's own start marker is the first token; other families begin with their beginning-of-sequence token.
        self._bos = [bos] if bos is not None and "<|im_start|>" not in self._vocabulary else []

    @property
    def pad_id(self) -> int:
        """The id that fills rows up; never attended to."""
        pad = self.tokenizer.pad_token_id
        return int(pad if pad is not None else self.tokenizer.eos_token_id or 0)

    @property
    def end_id(self) -> int:
        """The id that ends a piece of feedback."""
        return int(self._vocabulary.get("<|im_end|>", self.tokenizer.eos_token_id))

    def words(self, text: str) -> list[int]:
        """The ids of plain words, no special one among them."""
        ids = self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return [token for token in ids if token not in self._special]

    def pieces(self, pieces: Sequence[Piece]) -> list[int]:
        """The ids of a list of pieces, each encoded by itself so that joints always fall at the same place."""
        ids: list[int] = []
        for piece in pieces:
            ids += self._control(piece) if isinstance(piece, Control) else self.words(piece.text)
        return ids

    def prefix(self, question: Question) -> list[int]:
        """What the question's answers share; a question that is too long loses its middle, not its ends."""
        ids = self._bos + self.pieces(prefix_pieces(question))
        opening = self.pieces(opening_pieces())
        room = self.max_prefix_tokens - len(opening)
        if len(ids) > room:
            ids = ids[: room - room // 3] + ids[len(ids) - room // 3 :]
        return ids + opening

    def answer(self, text: str) -> EncodedAnswer:
        """An answer's ids, cut at the window."""
        cleaned = answer_text(text)
        encoded = self.tokenizer(
            cleaned, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
        )
        ids, offsets = encoded["input_ids"], encoded["offset_mapping"]
        unread = 0
        if len(ids) > self.max_answer_tokens:
            unread = len(cleaned) - offsets[self.max_answer_tokens - 1][1]
            ids = ids[: self.max_answer_tokens]
        return EncodedAnswer(tuple(token for token in ids if token not in self._special), unread)

    def yes_no(self) -> tuple[int, int]:
        """The first tokens of “Yes” and “No”, from whose rows of the language-model head a scorer's head starts."""
        # Some tokenizers begin both with the same mark for a space: the first tokens that differ are taken.
        return next((yes, no) for yes, no in zip(self.words(YES), self.words(NO), strict=False) if yes != no)

    def _control(self, control: Control) -> list[int]:
        token = self._vocabulary.get(control.token)
        return [token] if token is not None else self.words(control.plain)
