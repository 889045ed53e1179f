"""Prose that takes control of the agent: forget the rules, be somebody else, tell what you were told.

Only plain wordings are found. An injection that is written as an ordinary step of the task is not:
see "What is not detected" in docs/scanner.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.languages import FOREIGN_OVERRIDE
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import View
from skillcrawler.scan.vocabulary import NEGATED
from skilldata.models import Severity

_REPORTED = re.compile(
    r"\b(?:says?|saying|asks?|asked|tells?|telling|claims?|contains?|containing|like|such\s+as|tries|attempts?"
    r"|instructs?|attempting|trying)"
    r"\s+(?:you\s+|it\s+|them\s+|the\s+\w+\s+)?(?:to\s+)?[\"'`(]{0,2}$"
)
_FORBIDS = re.compile(r"\b(?:never|do\s+not|don't|must\s+not|refuse|will\s+not|won't|cannot|forbidden)\b")
_OVERRIDE = Signal(
    (
        "ignore",
        "disregard",
        "forget",
        "override",
        "you are now",
        "new instructions",
        "system override",
        "developer mode",
        "jailbreak",
        "dan mode",
        "do anything now",
        "<|im_start|>",
        "[system",
        "<system>",
        "### system",
        "supersede",
        "no longer bound",
        "pretend",
    ),
    r"\b(?:ignore|disregard|forget|discard)\s+(?:(?:all|any|every|each|the|your|my|of|and|these|those"
    r"|other)\s+){0,4}(?:prior|previous|preceding|earlier|above|existing|original|initial|current|default|system"
    r"|safety|developer|openai|anthropic|your)(?:\s+(?:and|or|prior|previous|system|safety|user|set|of|initial"
    r"|original)){0,3}\s+(?:instructions?|prompts?|rules|directives?|guidelines|constraints|commands|policies"
    r"|programming|training|messages?|context)\b"
    r"|\b(?:ignore|disregard|forget)\s+(?:all|everything)\s+(?:of\s+)?(?:your\s+|the\s+|other\s+)?(?:instructions"
    r"|rules|guidelines|(?:you\s+were\s+told|above|before))\b"
    r"|\boverride\s+(?:(?:all|any|your|the)\s+)+(?:previous|prior|system|safety|existing)\s+(?:instructions?"
    r"|prompts?|rules|directives?|guidelines|polic\w{1,3})\b"
    r"|\byou\s+are\s+(?:now|no\s+longer)\s+(?:in\s+)?(?:a\s+|an\s+|the\s+)?(?:dan\b|developer\s+mode|unrestricted"
    r"|unfiltered|jailbroken|root\b|admin\b|bound\b|evil|free\s+(?:of|from)|an?\s+ai\s+without)"
    r"|\b(?:enter|enable|activate|switch\s+to)\s+(?:\"|')?(?:dan|god|jailbreak|unrestricted)(?:\"|')?\s+mode\b"
    r"|\bdo\s+anything\s+now\b|\[?\bsystem\s+override\b\]?|<\|im_start\|>\s{0,3}system|\[/?inst\]\s{0,3}\[?system"
    r"|<<sys>>"
    r"|\b(?:these|this|the\s+following)\s+(?:new\s+)?(?:instructions?|rules?)\s+(?:supersedes?|overrides?|replaces?"
    r"|takes?\s+(?:precedence|priority)\s+over)\s+(?:(?:all|any|every|your|the|of|other)\s+){0,4}(?:previous|prior"
    r"|earlier|preceding|system|safety|other|existing|developer"
    r"|instructions?|rules?|prompts?|guidelines|guardrails|polic\w{1,3})\b"
    r"|\b(?:ignore|disregard|forget|discard)\s+(?:all|everything|anything|whatever"
    r"|what)\s+(?:that\s+)?(?:you\s+(?:were|have\s+been|are)\s+(?:told|taught|instructed|given)|came\s+before"
    r"|was\s+said)"
    r"|\b(?:act|behave|answer|respond|operate)\s+(?:now\s+)?(?:as|like)\s+(?:an?\s+)?(?:\w+\s+){0,2}?(?:assistant|ai"
    r"|model|agent)?\s*(?:that\s+has|with|without|who\s+has)\s+(?:no|any)\s+(?:\w+\s+)?(?:restrictions?|limits?|rules"
    r"|filters?|guardrails)\b"
    r"|\bno\s+longer\s+bound\s+by\b",
    lines=1,
)
_CANCELLED = Signal(
    ("no longer", "void", "cancelled", "canceled", "not apply", "told you", "forbidden", "off-limits", "off limits"),
    r"\b(?:earlier|previous|prior|preceding|former|above|old|original)\s+(?:guidelines?|instructions?|rules?|prompts?"
    r"|directives?|restrictions?)\s+"
    r"(?:(?:no\s+longer|do\s+not|don't)\s+(?:apply|count|hold|matter|bind)|are\s+(?:now\s+)?(?:void|cancell?ed"
    r"|revoked|obsolete|invalid))"
    r"|\b(?:forget|ignore|disregard)\s+(?:what|everything|all)\s+(?:\w+\s+){0,3}?(?:told|taught|instructed)\s+you\b"
    r"|\bthere\s+are\s+no\s+(?:forbidden|off-?\s?limits|prohibited)\s+(?:topics|commands|actions|requests|files)\b",
    lines=1,
)
_MAINTENANCE = Signal(
    ("maintenance mode", "debug mode", "admin mode", "developer mode", "god mode", "root mode", "unrestricted mode"),
    r"\byou\s+are\s+(?:now\s+)?(?:in|running\s+in|switched\s+to)\s+(?:\w+\s+)?(?:maintenance|debug|admin|developer"
    r"|god|root|unrestricted)\s+mode\b",
)
_SYSTEM_PROMPT = Signal(
    (
        "system prompt",
        "system message",
        "hidden instructions",
        "initial instructions",
        "developer message",
        "secret instructions",
    ),
    r"\b(?:print|reveal|show|output|repeat|display|dump|leak|recite|return|include|send|write\s+out|copy|disclose"
    r"|tell)\s+(?:me\s+|us\s+|out\s+|back\s+)?"
    r"(?:(?:your|the|its|full|entire|whole|complete|all|of|own|exact|verbatim|current"
    r"|original)\s+){1,5}(?:system\s+(?:prompt|message)|hidden\s+instructions|initial\s+instructions"
    r"|developer\s+message|secret\s+instructions)\b",
    lines=1,
)


@view_rule(
    "override-instructions",
    Severity.HIGH,
    "The agent is told to forget its rules",
    explanation="Text that cancels earlier instructions or assigns a new role takes control away from the user.",
    remedy="State what the skill does in its own words, without reference to other instructions.",
)
def override_instructions(view: View, skill: Skill) -> Iterator[Hit]:
    """Find plain wordings of prompt injection."""
    for match in view.find(_OVERRIDE):
        before = view.low[max(0, match.start() - 60) : match.start()]
        if _REPORTED.search(before):
            yield hit(Severity.LOW, view, match)
        elif not NEGATED.search(before):
            yield hit(Severity.HIGH, view, match)
    for match in (*view.find(_MAINTENANCE), *view.find(_CANCELLED), *view.find(FOREIGN_OVERRIDE)):
        yield hit(Severity.HIGH, view, match)
    for match in view.find(_SYSTEM_PROMPT):
        before = view.low[max(0, match.start() - 60) : match.start()]
        if not NEGATED.search(before):
            listed = _REPORTED.search(before) or _FORBIDS.search(view.low, max(0, match.start() - 400), match.start())
            yield hit(Severity.LOW if listed else Severity.HIGH, view, match)


RULES = (override_instructions,)
