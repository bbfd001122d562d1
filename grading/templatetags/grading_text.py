"""Feedback as it is read: simple Markdown. What a person or a model wrote becomes no tag of its own, loads nothing
from elsewhere, and links say where they lead."""

from __future__ import annotations

import nh3
from django import template
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

register = template.Library()

_RULES = ("emphasis", "list", "code", "backticks", "fence", "blockquote", "newline", "escape", "link", "autolink")
_TAGS = {"p", "br", "em", "strong", "ul", "ol", "li", "code", "pre", "blockquote", "a"}
_parser = MarkdownIt("zero", {"html": False, "breaks": True}).enable(list(_RULES))


@register.filter
def markdown(text: str) -> SafeString:
    html = _parser.render(text)
    clean = nh3.clean(
        html,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    return mark_safe(clean)  # noqa: S308 - cleaned one line above
