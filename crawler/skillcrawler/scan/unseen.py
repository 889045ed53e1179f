"""Orders where a reader does not see them: in comments of Markdown, and in elements that are not shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import View
from skilldata.models import Severity

_COMMENT = Signal(("<!--", "[//]: #", "[comment]:"), r"<!--|^\[(?://|comment)\]: ?#?")
_UNSEEN = Signal(
    (
        "display:none",
        "display: none",
        "visibility:hidden",
        "visibility: hidden",
        "font-size:0",
        "font-size: 0",
        "opacity:0",
        "opacity: 0",
    ),
    r"<\w{1,10}[ ][^>\n]{0,200}(?:display:[ ]?none|visibility:[ ]?hidden|font-size:[ ]?0"
    r"|opacity:[ ]?0(?![.\d]))[^>\n]{0,200}>",
)
_ORDER = Signal(
    (
        "ignore",
        "execute",
        "run ",
        "curl",
        "send",
        "do not",
        "don't",
        "must",
        "always",
        "secret",
        "upload",
        "credential",
        "password",
        "api key",
        "ssh",
        "wget",
        "fetch",
        "agent",
        "assistant",
        "claude",
        "system:",
    ),
    r"\b(?:ignore\s+(?:all|any|previous|prior|the\s+(?:above|user))|curl\s+-?\w|wget\s|base64|do\s+not\s+(?:tell"
    r"|mention|reveal|inform|show)|don't\s+(?:tell|mention|inform)|(?:send|upload|post"
    r"|forward)\b[^\n]{0,60}(?:https?://|@)|(?:ai|claude|agents?|assistants?|llm)\s*[:,]\s*(?:please\s+"
    r"|you\s+must\s+|always\s+|also\s+)?(?:run|execute|send|read|ignore|include|append|fetch|download|call)"
    r"|system\s*:\s*you|(?:read|cat|include|copy)\b[^\n]{0,40}(?:\.ssh|\.env\b|credentials|api\s+keys?|passwords?))",
)


@view_rule(
    "hidden-instructions",
    Severity.HIGH,
    "Instructions stand where a reader does not see them",
    explanation="Comments vanish when Markdown is rendered, but the agent reads them.",
    remedy="Put instructions into the visible text.",
)
def hidden_instructions(view: View, skill: Skill) -> Iterator[Hit]:
    """Find comments, and elements that are not shown, that contain orders."""
    openings = sorted((*view.find(_COMMENT), *view.find(_UNSEEN)), key=re.Match.start)
    orders = view.find(_ORDER) if openings else ()
    end = 0
    for match in openings if orders else ():
        if match.start() < end:
            continue
        closing = "-->" if match[0] == "<!--" else "</" if match[0].startswith("<") else "\n"
        found = view.low.find(closing, match.end())
        end = found if found >= 0 else len(view.low)  # one that is not closed hides all that follows
        inside = near(match, orders, before=0, after=end - match.end())
        if inside:
            yield hit(Severity.HIGH, view, inside[0], note="in a comment:" if match[0] == "<!--" else "not shown:")


RULES = (hidden_instructions,)
