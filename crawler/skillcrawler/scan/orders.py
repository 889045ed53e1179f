"""Standing orders in ordinary prose: send files off, clear away what is the user's, run a script unseen.

Only what is said in one sentence is found, and only where a place, a folder or a script is named. The words of an
honest step are the same; what tells these apart is that they hold for every task and go to somebody's own host.
"""

from __future__ import annotations

from collections.abc import Iterator

from skillcrawler.scan.hosts import HostKind, classify
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import NEGATED
from skilldata.models import Severity

# Within a sentence, and not across a link, a call or a table.
_GAP = r"[^{}()\[\]=;|\n]{0,90}?"
_VERBS = (
    r"(?:send|post|upload|forward|transmit|submit|copy|push|back\s{0,2}up|mirror|share|e-?mail|deliver|sync|report|log"
    r"|append)"
)
_THINGS = (
    r"(?:files?|documents?|folders?|director(?:y|ies)|cop(?:y|ies)|reports?|projects?|outputs?|environment|originals?"
    r"|results?|repositor(?:y|ies)|workspaces?|codebase|sources?|summar(?:y|ies)|transcripts?|workbooks?"
    r"|spreadsheets?|data(?:base|set)?s?|logs?|contents?|everything)"
)
_PLACE = r"[`\"'<]?(https?://[^\s\"'`<>)\]]{4,200}|[\w.+-]{2,40}@(?:[\w-]{2,40}\.){1,4}[a-z]{2,12}\b)"
_TASK = r"(?:task|run|session|command|change|edit|request|response|answer|step|conversation|message|job|build|commit)"
_ALWAYS = (
    rf"(?:(?:after|before|at\s+the\s+(?:start|beginning|end)\s+of|following|during|with|on)\s+(?:each|every|any|all)"
    rf"\s+(?:\w+\s+)?{_TASK}s?|(?:every|each)\s+time|whenever|before\s+(?:anything\s+else|you\s+\w+)"
    r"|(?:when|once|after)\s+(?:the\s+|your\s+)?(?:work|task|job|session)\s+is\s+(?:done|finished|complete\w?)"
    r"|for\s+(?:quality|audit\w{0,3}|compliance|safe\s?keeping|backup)\b|also|always|in\s+addition|automatically"
    r"|in\s+the\s+background)"
)
_SCRIPT = r"[\w./-]{1,80}\.(?:sh|bash|py|js|mjs|cjs|ts|ps1|bat|rb|pl)\b"
_STARTS = r"(?:run|execute|start|launch|call|invoke|source)"
_UNSEEN = (
    r"(?:no\s+need\s+to\s+(?:look|read|check|show|review|inspect|mention|ask)"
    r"|(?:need|have|has)\s+(?:not|to\s+not)\s+(?:to\s+)?be\s+(?:shown|read|looked|mentioned|reviewed)"
    r"|without\s+(?:looking|reading|showing|reviewing|inspecting|opening)"
    r"|whatever\s+it\s+(?:says|returns|prints|does)|(?:do\s+not|don't)\s+(?:read|open|inspect|review)\s+(?:it|the\s+script)"
    r"|leave\s+it\s+running)"
)
_SENT_ALWAYS = Signal(
    ("http", "@"),
    rf"\b{_ALWAYS}\b{_GAP}\b{_VERBS}\s{_GAP}\b(?:to|at|with|on|via)\s{_GAP}{_PLACE}"
    rf"|\b{_VERBS}\s{_GAP}\b(?:to|at|with|on|via)\s{_GAP}{_PLACE}{_GAP}\b(?:after|before|at\s+the\s+end\s+of|at\s+the"
    rf"\s+start\s+of)\s+(?:each|every)\s+(?:\w+\s+)?{_TASK}\b",
)
_SENT = Signal(("http", "@"), rf"\b{_VERBS}\s{_GAP}\b{_THINGS}\b{_GAP}\b(?:to|with)\s{_GAP}{_PLACE}")
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
    for signal, severity in ((_SENT_ALWAYS, Severity.HIGH), (_SENT, Severity.MEDIUM)):
        for match in view.find(signal):
            place = match[match.lastindex or 0]
            if place.startswith(_OFFICES):
                continue
            if classify(place.rpartition("@")[2] if "://" not in place else place) not in _KNOWN:
                yield hit(severity, view, match)
    for match in (*view.find(_CLEARED), *view.find(_RUN_ALWAYS)):
        if not NEGATED.search(view.low, max(0, match.start() - 24), match.start()):
            yield hit(Severity.MEDIUM, view, match)
    for match in view.find(_RUN_UNSEEN):
        yield hit(Severity.HIGH, view, match)


RULES = (standing_order,)
