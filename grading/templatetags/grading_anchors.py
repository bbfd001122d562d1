"""An answer with the comments on it: its words marked, each comment's number behind them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from grading.models import AnchoredComment

register = template.Library()


@register.simple_tag
def anchored(text: str, comments: Sequence[AnchoredComment], start: int = 0, end: int | None = None) -> SafeString:
    """The characters `start` to `end` of an answer, in an element of their own.

    Comments may overlap; they are numbered in their order.
    """
    end = len(text) if end is None else end
    cuts = sorted({start, end, *(place for row in comments for place in (row.start, row.end) if start < place < end)})
    pieces = [_piece(text, comments, left, right) for left, right in pairwise(cuts)]
    words = format_html_join("", "{}", ((piece,) for piece in pieces))
    return format_html('<div class="written" data-start="{}">{}</div>', str(start), words)


def _piece(text: str, comments: Sequence[AnchoredComment], left: int, right: int) -> SafeString:
    words = text[left:right]
    inside = [row for row in comments if row.start <= left and row.end >= right]
    if not inside:
        return format_html("{}", words)
    ended = ((n, n) for n, row in enumerate(comments, 1) if row.end == right and row in inside)
    numbers = format_html_join("", '<sup><a href="#anchor-{}">{}</a></sup>', ended)
    return format_html("<mark>{}</mark>{}", words, numbers)
