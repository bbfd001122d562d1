"""What an admin may choose of a training beyond its data and its parts; left alone, each has a sound value."""

from __future__ import annotations

from dataclasses import dataclass

from mlcore.config import ALL_LINEAR


@dataclass(frozen=True)
class AllSettings:
    """The last level of the form.

    Attributes:
        alpha: scale of the adapter; 0 takes twice the rank.
        targets: the linear layers that get an adapter; empty takes all.
        quantisation: of the base while it trains: nf4 or int8; empty takes the site's.
        max_prefix_tokens, max_answer_tokens, max_feedback_tokens: windows, in tokens.
        batch_size: answers per step.
        pack_tokens: tokens in one pass; less takes less memory and more time.
        hardening: share of the answers that are also shown as attacks, 0 to 1.
        patience: evaluations without progress after which a part's training ends.
    """

    alpha: float = 0.0
    targets: tuple[str, ...] = ()
    quantisation: str = ""
    max_prefix_tokens: int = 768
    max_answer_tokens: int = 512
    max_feedback_tokens: int = 128
    batch_size: int = 16
    pack_tokens: int = 1024
    hardening: float = 0.0
    patience: int = 4

    @property
    def layers(self) -> tuple[str, ...]:
        return self.targets or ALL_LINEAR

    def smaller(self) -> AllSettings:
        """The same in about half the memory: shorter passes and windows, and weights in four bits."""
        return AllSettings(
            alpha=self.alpha,
            targets=self.targets,
            quantisation="nf4",
            max_prefix_tokens=max(256, self.max_prefix_tokens // 2),
            max_answer_tokens=max(128, self.max_answer_tokens // 2),
            max_feedback_tokens=self.max_feedback_tokens,
            batch_size=max(4, self.batch_size // 2),
            pack_tokens=max(256, self.pack_tokens // 2),
            hardening=self.hardening,
            patience=self.patience,
        )
