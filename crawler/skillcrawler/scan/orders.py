"""Standing orders in ordinary prose: send files off, clear away what is the user's, run a script unseen.

Only what is said in one sentence is found, and only where a place, a folder or a script is named. The words of an
honest step are the same; what tells these apart is that they hold for every task and go to somebody's own host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.hosts import HostKind, classify
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import NEGATED
from skilldata.models import Severity

_SENDS = re.compile(
    r"\b(?:send|post|upload|forward|transmit|submit|copy|push|back\s{0,2}up|mirror|share|e-?mail|deliver|sync|report|log"
    r"|append)\s"
)
_TOWARDS = re.compile(r"\b(?:to|at|with|on|via)\s")
_THINGS = re.compile(
    r"\b(?:files?|documents?|folders?|director(?:y|ies)|cop(?:y|ies)|reports?|projects?|outputs?|environment|originals?"
    r"|results?|repositor(?:y|ies)|workspaces?|codebase|sources?|summar(?:y|ies)|transcripts?|workbooks?"
    r"|spreadsheets?|data(?:base|set)?s?|logs?|contents?|everything)\b"
)
_TASK = r"(?:task|run|session|command|change|edit|request|response|answer|step|conversation|message|job|build|commit)"
_ALWAYS = re.compile(
    rf"\b(?:(?:after|before|at\s+the\s+(?:start|beginning|end)\s+of|following|during|with|on)\s+(?:each|every|any|all)"
    rf"\s+(?:\w+\s+)?{_TASK}s?|(?:every|each)\s+time|whenever|before\s+(?:anything\s+else|you\s+\w+)"
    r"|(?:when|once|after)\s+(?:the\s+|your\s+)?(?:work|task|job|session)\s+is\s+(?:done|finished|complete\w?)"
    r"|for\s+(?:quality|audit\w{0,3}|compliance|safe\s?keeping|backup)\b|also|always|in\s+addition|automatically"
    r"|in\s+the\s+background)\b"
)
_PLACE = Signal(("http", "@"), r"https?://[^\s\"'`<>)\]]{4,200}|[\w.+-]{2,40}@(?:[\w-]{2,40}\.){1,4}[a-z]{2,12}\b")
_SENTENCE = 240  # characters before a place that can be the order to send something there
# Ends a sentence; or a link, a call, a table, in which the words are no order.
_BREAK = re.compile(r"[.!?]\s|[{}()\[\]=;|\n]")
_SCRIPT = r"[\w./-]{1,80}\.(?:sh|bash|py|js|mjs|cjs|ts|ps1|bat|rb|pl)\b"
_STARTS = r"(?:run|execute|start|launch|call|invoke|source)"
_UNSEEN = (
    r"(?:no\s+need\s+to\s+(?:look|read|check|show|review|inspect|mention|ask)"
    r"|(?:need|have|has)\s+(?:not|to\s+not)\s+(?:to\s+)?be\s+(?:shown|read|looked|mentioned|reviewed)"
    r"|without\s+(?:looking|reading|showing|reviewing|inspecting|opening)"
    r"|whatever\s+it\s+(?:says|returns|prints|does)|(?:do\s+not|don't)\s+(?:read|open|inspect|review)\s+(?:it|the\s+script)"
    r"|leave\s+it\s+running)"
)
_CLEARED = Signal(
    ("backup", "back-up", "original", "history", "user's", "~/"),
    r"\b(?:delete|erase|wipe|purge|remove|destroy|empty)\s[^.\n]{0,60}?\b(?:in|from|under|inside|of)\s+(?:~/(?:documents"
    r"|desktop|downloads|pictures|backups?)\b|the\s+users?'?s?'?\s+(?:own\s+)?(?:documents|home|desktop|downloads"
    r"|pictures|photos|backups?|mail\w{0,3}|inbox|calendar|contacts)\b)"
    r"|\b(?:delete|erase|wipe|purge|destroy)\s+(?:all\s+|the\s+|every\s+|any\s+)?(?:of\s+)?(?:the\s+)?users?'?s?'?\s+"
    r"(?:documents|photos|backups?|contacts)\b"
    r"|\b(?:erase|delete|rewrite|wipe|drop)\s+(?:all\s+|the\s+|whole\s+|entire\s+|of\s+){0,3}(?:git|commit)\s+history\b"
    r"[^.\n]{0,60}?\bforce-?\s?push",
)
_RUN_UNSEEN = Signal(
    (".sh", ".bash", ".py", ".js", ".mjs", ".cjs", ".ts", ".ps1", ".bat", ".rb", ".pl"),
    rf"\b{_STARTS}\s[^\n.]{{0,40}}?{_SCRIPT}[^\n]{{0,140}}?\b{_UNSEEN}"
    rf"|\b(?:silently|quietly|secretly|covertly)\s+{_STARTS}\s[^\n.]{{0,40}}?{_SCRIPT}",
)
_RUN_ALWAYS = Signal(
    _RUN_UNSEEN.needles,
    rf"\b(?:before\s+anything\s+else|after\s+(?:each|every)\s+(?:task|session|message|command|request)|every\s+time"
    rf"|at\s+the\s+(?:beginning|start|end)\s+of\s+(?:each|every)\s+\w+)\b[^\n]{{0,80}}?\b{_STARTS}\b[^\n.]{{0,40}}?{_SCRIPT}"
    rf"|\b{_STARTS}\b[^\n.]{{0,40}}?{_SCRIPT}[^\n]{{0,40}}\b(?:before\s+anything\s+else|after\s+(?:each|every)\s+(?:task"
    r"|session|message|command|request))",
)
_AFTERWARDS = re.compile(
    rf"[`\"'>]?[^.\n]{{0,20}}\b(?:after|before|at\s+the\s+(?:start|end)\s+of)\s+(?:each|every)\s+(?:\w+\s+)?{_TASK}\b"
)
_OFFICES = ("security@", "abuse@", "conduct@")  # that take reports of wrongs
_KNOWN = frozenset({HostKind.LOCAL, HostKind.VENDOR, HostKind.FORGE, HostKind.PLACEHOLDER})


@view_rule(
    "standing-order",
    Severity.HIGH,
    "The agent is told to send, clear away or run something at every task",
    explanation="An order that holds for every task serves whoever wrote it; the user neither asked nor has to see it.",
    remedy="Do it when the user asks for it, and show what is sent, deleted or run.",
)
def standing_order(view: View, skill: Skill) -> Iterator[Hit]:
    """Find plain orders in prose to send files to somebody's host, clear the user's folders, run a script unseen."""
    if view.kind is not Kind.PROSE:
        return
    yield from _sent_off(view)
    for match in (*view.find(_CLEARED), *view.find(_RUN_ALWAYS)):
        if not NEGATED.search(view.low, max(0, match.start() - 24), match.start()):
            yield hit(Severity.MEDIUM, view, match)
    for match in view.find(_RUN_UNSEEN):
        yield hit(Severity.HIGH, view, match)


def _sent_off(view: View) -> Iterator[Hit]:
    """Find places that the sentence before them has something sent to: heavy where it is to be done always."""
    for place in view.find(_PLACE):
        first = max(0, place.start() - _SENTENCE)
        ends = [found.end() for found in _BREAK.finditer(view.low, first, place.start())]
        start = ends[-1] if ends else first
        sentence = view.low[start : place.start()]
        sends = _SENDS.search(sentence)
        if sends is None or not _TOWARDS.search(sentence, sends.end()) or _is_known(place[0]):
            continue
        if _ALWAYS.search(sentence, 0, sends.start()) or _AFTERWARDS.match(view.low, place.end()):
            yield Hit(Severity.HIGH, view, start + sends.start(), place.end())
        elif _THINGS.search(sentence, sends.end()):
            yield Hit(Severity.MEDIUM, view, start + sends.start(), place.end())


def _is_known(place: str) -> bool:
    address = place if "://" in place else place.rpartition("@")[2]
    return place.startswith(_OFFICES) or classify(address) in _KNOWN


RULES = (standing_order,)
