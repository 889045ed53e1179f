"""Prose that has the agent send away what is the user's: conversations, credentials, files."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.hosts import HostKind, classify
from skillcrawler.scan.rule import Hit, hit
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import View
from skilldata.models import Severity

_DATA = (
    r"(?:(?:full|entire|whole|complete|all)\s+(?:of\s+the\s+)?(?:conversation|chat|context|session"
    r"|message)s?(?:\s+(?:history|log|transcript|contents?))?|conversation\s+(?:history|log|transcript|context)"
    r"|chat\s+(?:history|logs?|transcript)|"
    r"system\s+prompts?|credentials?|api[ _-]?keys?|secrets?|passwords?|environment\s+variables|env\s+vars|(?:access"
    r"|auth|session)\s+tokens?|private\s+keys?|ssh\s+keys?|seed\s+phrases?|recovery\s+phrases?|mnemonics?|"
    r"(?:the\s+)?users?(?:'s|s')?\s+(?:files?|data|messages?|prompts?|inputs?|personal|private|documents?|e-?mails?"
    r"|contacts?)|personal\s+(?:data|information)|contents?\s+of\s+[~/.\"'`][\w./~\"'`]{2,60}|[\w./~]{0,30}(?:\.env"
    r"|\.ssh|id_rsa|\.aws)\b[\w./]{0,20})"
)
_GAP = 70  # characters between two words of an order
_WINDOW = 4 * _GAP + 80  # before a place
_BREAK = re.compile(r"[{}()=;|]")  # code and tables, whose words are no order
_VERB = re.compile(
    r"(?<![\w.@/=\"'`-])(?:send|post|upload|forward|transmit|exfiltrate|submit|e-?mail|relay|leak|deliver)(?:s|ing)?\s"
)
_THING = re.compile(rf"\b{_DATA}\b")
_WAY = re.compile(r"\b(?:to|at|via|into|using|with)\s")
_PLACE = Signal(("://", "@"), r"https?://[^\s\"'`<>)\]]{4,200}|[\w.+-]{2,40}@[\w-]{2,40}\.[a-z]{2,12}\b")
_ALONG = re.compile(r"[^{}()=;|]{0,70}?\b(?:with|containing|including|along)\b")
_COLLECTED_THEN_SENT = Signal(
    ("them to", "it to", "these to", "that to", "result to", "values to", "output to"),
    rf"\b(?:{_DATA}|[a-z]{{2,20}}_(?:api_)?(?:key|token|secret)s?)\b[^\n]{{0,90}}?\b(?:and|then)\s+(?:send|post"
    rf"|upload|forward|transmit|submit|e-?mail|relay)"
    r"\s+(?:them|it|these|that|(?:the\s+)?(?:result|values|output)s?)\s+(?:\w+\s+)?to\s+[`\"'<]?(https?://[^\s\"'`<>"
    r")\]]{4,200})",
    lines=1,
)
_OF_NOBODY = re.compile(r"@(?:example|your|company|domain)")
_KNOWN = frozenset({HostKind.LOCAL, HostKind.VENDOR, HostKind.FORGE, HostKind.PLACEHOLDER})


def told_to_leak(view: View) -> Iterator[Hit]:
    """Find orders to send the user's data to a place that is no well-known one; a mail address weighs less."""
    for match in view.find(_COLLECTED_THEN_SENT):
        if classify(match[match.lastindex or 0]) not in _KNOWN:
            yield hit(Severity.HIGH, view, match)
    for place in view.find(_PLACE):
        start = _start_of_order(view, place)
        if start is None:
            continue
        if "://" not in place[0]:
            if not _OF_NOBODY.search(place[0]):
                yield Hit(Severity.MEDIUM, view, start, place.end())
        elif classify(place[0]) not in _KNOWN:
            yield Hit(Severity.HIGH, view, start, place.end())


def _start_of_order(view: View, place: re.Match[str]) -> int | None:
    """Where the order begins that has data sent to a place; from the place backwards, so that it takes linear time."""
    low = view.low
    first = max(0, place.start() - _WINDOW)
    view.spend(2 * (place.start() - first))  # for breaks and verbs; the rest is looked for where these are
    breaks = [found.end() for found in _BREAK.finditer(low, first, place.start())]
    before = low[breaks[-1] if breaks else first : place.start()]
    offset = place.start() - len(before)
    verbs = list(_VERB.finditer(before))
    ways = [found for found in _WAY.finditer(before) if len(before) - found.end() <= _GAP] if verbs else []
    if not ways:
        return None
    for thing in _THING.finditer(before, verbs[0].end()):
        verb = next((one for one in reversed(verbs) if 0 <= thing.start() - one.end() <= _GAP), None)
        near = any(0 <= way.start() - thing.end() <= _GAP for way in ways)
        if verb is not None and near and before.count("\n", verb.start()) <= 1:
            return offset + verb.start()
    along = _ALONG.match(low, place.end()) if "://" in place[0] else None
    named = _THING.search(low, along.end(), along.end() + 2 * _GAP) if along else None
    if along is None or named is None or named.start() - along.end() > _GAP:
        return None
    if _BREAK.search(low, along.end(), named.start()):
        return None
    to = next((way for way in ways if way[0].startswith("to")), None)
    verb = next((one for one in reversed(verbs) if to and 0 <= to.start() - one.end() <= _GAP), None)
    return offset + verb.start() if verb else None
