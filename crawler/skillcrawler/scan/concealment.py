"""Prose that has the agent keep something from the person it works for, or that talks to whoever reviews the skill."""

from __future__ import annotations

from collections.abc import Iterator

from skillcrawler.scan.languages import FOREIGN_HIDE
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import View
from skillcrawler.scan.vocabulary import NOT
from skilldata.models import Severity

_HIDE = Signal(
    (
        "the user",
        "to user",
        "them about",
        "anyone",
        "user's knowledge",
        "user about",
        "users",
        "tell",
        "mention",
        "reveal",
        "silently",
        "secretly",
        "covertly",
        "quietly",
        "human",
        "let the",
        "quiet",
        "silent",
        "nothing",
        "no mention",
        "no word",
        "owner",
    ),
    rf"\b{NOT}\s+(?:ever\s+)?(?:tell(?:ing)?|inform(?:ing)?|notify(?:ing)?|alert(?:ing)?|warn(?:ing)?)\s+(?:the\s+"
    rf"|any\s+|your\s+)?(?:users?|human|operator|owner)\b(?!\s+to\b)"
    rf"|\b{NOT}\s+(?:ever\s+)?(?:mention(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)|show(?:ing)?|report(?:ing)?"
    rf"|explain(?:ing)?|display(?:ing)?)\s+(?:(?:any\s+of\s+)?(?:this|that|it|these|them|anything|(?:the\s+|these\s+"
    rf"|this\s+)(?:instructions?|steps?|actions?|commands?|uploads?|process|operation|request|payload"
    rf"|section))(?:\s+(?:step|instruction|action|operation|command)s?)?\s+)?to\s+(?:the\s+|any\s+"
    rf"|your\s+)?(?:users?|human|operator|owner)\b"
    rf"|\b(?:{NOT}|cannot|can't)\s+(?:ever\s+)?(?:let|allow)\s+(?:the\s+|any\s+|your\s+)?(?:users?|human|operator"
    rf"|owner|anyone|them)\s+(?:to\s+)?"
    r"(?:(?:know|learn)(?=\s+(?:about|of|that|it|this|anything|what\s+(?:was|is|you))|[\s]*[.,;!)]|$)|see\s+(?:this"
    r"|it|that|these|any)|notice|find\s+out|realis?z?e|become\s+aware|suspect)\b(?![^.\n]{0,30}\b(?:how|what\s+to|when"
    r"|if|whether)\b)"
    r"|\b(?:keep|stay|remain|be)\s+(?:quiet|silent)\s+about\s+(?:it|this|that|these|those|what\s+you|the\s+(?:upload"
    r"|transfer|request|step|data|file|command|call|script)s?)\b|\b(?:users?|human|owner)\s+(?:do(?:es)?\s+not|doesn't"
    r"|don't|need\s+not|never)"
    r"\s+(?:need\s+to\s+|have\s+to\s+)?(?:hear|know|learn|be\s+told|find\s+out|be\s+informed)\s+(?:of|about)\s+(?:it"
    r"|this|that|these|the\s+(?:upload|step|transfer|request|call))\b"
    r"|\b(?:nothing|no\s+mention|no\s+word)\s+(?:about|of)\s+(?:it|this|that|these|the\s+(?:upload|step|transfer"
    r"|request))\s+(?:may|must|should|shall|can|is\s+to)\s+"
    r"(?:appear|be\s+(?:shown|mentioned|said|visible|included))\b"
    r"|\bwithout\s+(?:the\s+)?(?:users?(?:'s|')?|human(?:'s)?|owner's)\s+(?:knowledge|knowing|awareness"
    r"|being\s+aware|noticing|consent)\b"
    r"|\b(?:hide|conceal|keep)\s+(?:this|it|these|all\s+\w+|the\s+\w+(?:\s+\w+){0,2})\s+(?:hidden\s+"
    r"|secret\s+)?from\s+(?:the\s+|any\s+)?(?:users?|human|operator|owner|reviewers?)\b"
    r"|\b(?:users?|human)\s+(?:must|should|need)\s*(?:not|never|n't)\s+(?:know|see|notice|be\s+(?:told|informed"
    r"|made\s+aware))\b"
    rf"|\b{NOT}\s+(?:mention|reveal|disclose|discuss|log|acknowledge|document)\s+(?:this|these|the\s+above"
    rf"|the\s+following)\s+(?:step|instruction|action|operation|command|section|process|procedure|task|upload|sync"
    rf"|request|call)s?\b"
    r"|\b(?:secretly|covertly|surreptitiously)\s+(?:send|upload|run|execute|copy|collect|add|install|record|log"
    r"|forward|include|fetch|download|read|store|modify|append)\b"
    r"|\bsilently\s+(?:send|upload|exfiltrate|copy|collect|forward|transmit|post|harvest|record)\b",
    lines=1,
)
_UNNOTICED = Signal(
    ("notice", "unnoticed", "realise", "realize", "aware"),
    r"\b(?:so\s+that|such\s+that|making\s+sure|make\s+sure|ensure|ensuring|to\s+ensure)\s+(?:that\s+)?(?:the\s+"
    r"|no\s+)?(?:users?|human|operator|owner|one|nobody)\s+"
    r"(?:(?:does|do|will|can|must|should)\s*(?:not|n't)\s+|never\s+|cannot\s+|can't\s+|won't\s+"
    r"|doesn't\s+)?(?:notices?|realis?z?es?|becomes?\s+aware|is\s+(?:not\s+|un)aware)\b",
    lines=1,
)
_REVIEWER = Signal(
    (
        "scanner",
        "reviewer",
        "security review",
        "auditor",
        "this skill is",
        "classify",
        "mark this",
        "rate this",
        "evaluat",
        "moderator",
        "analyzer",
        "verdict",
        "llm judge",
        "pre-approved",
        "preapproved",
        "whitelist",
        "verified by",
        "virustotal",
        "false positive",
        "no findings",
        "security scan",
    ),
    r"\b(?:note|message|attention|instructions?|dear|hello|hey|important)\b[\s:,]{0,4}(?:(?:to|for)\s+)?(?:the\s+"
    r"|any\s+|all\s+)?(?:(?:ai|llm|automated|security|code|skill|static)\s+){0,2}(?:scanners?|reviewers?|auditors?"
    r"|moderators?|analy[sz]ers?|judges?|evaluators?)\b[^\n]{0,160}?\b(?:safe|benign|harmless|ignore|skip|approved?"
    r"|clean|no\s+(?:issues|findings|threats|risk)|legitimate|trusted|verified|do\s+not\s+(?:flag|report))\b"
    r"|\b(?:classify|mark|rate|report|treat|consider|score|label|flag|evaluate)\s+(?:this\s+|the\s+|as\s+)?(?:skill"
    r"|file|package|code|content|it|plugin)\s+(?:as\s+|to\s+be\s+)?(?:(?:completely|fully|100%|entirely)\s+)?(?:safe"
    r"|benign|harmless|clean|trusted|low[- ]risk|no[- ]risk|non-malicious)\b"
    r"|\bthis\s+(?:skill|file|plugin|package|script|code)\s+(?:is|has\s+been|was)\s+(?:already\s+)?(?:pre-?approved"
    r"|(?:audited|verified|reviewed|certified|scanned|whitelisted)(?:\s+and\s+\w+)?\s+by\s+(?:the\s+)?(?:security"
    r"|anthropic|openai|openclaw|clawhub|microsoft|google|virustotal))"
    r"|\b(?:skip|omit|ignore)\s+(?:the\s+|all\s+|any\s+)?(?:security\s+)?(?:scan(?:ning)?|analysis|review)\s+(?:of"
    r"|for|on)\s+(?:this|the\s+following|these)\b|\b(?:if|when|should)\s+(?:an?|any|the"
    r"|some)\s+(?:\w+\s+){0,3}?(?:scanners?|reviewers?|auditors?|moderators?|classifiers?)\b[^\n]{0,60}?\b(?:report"
    r"|say|answer|reply|conclude"
    r"|respond|state|tell\s+(?:it|them))\b[^\n]{0,30}?\b(?:harmless|safe|benign|clean|no\s+(?:issues|findings|risk"
    r"|problems)|trusted)\b"
    r"|\bsecurity\s+scanners?\s+(?:should|must|can|may)\s+(?:ignore|skip"
    r"|disregard)\b",
    lines=1,
)


@view_rule(
    "hide-from-user",
    Severity.HIGH,
    "The agent is told to keep something from the user",
    explanation="An honest skill has nothing to hide from the person that it works for.",
    remedy="Say what the skill does; if output should be short, ask for brevity instead.",
)
def hide_from_user(view: View, skill: Skill) -> Iterator[Hit]:
    """Find orders to act behind the user's back."""
    for match in (*view.find(_HIDE), *view.find(_UNNOTICED), *view.find(FOREIGN_HIDE)):
        yield hit(Severity.HIGH, view, match)


@view_rule(
    "reviewer-injection",
    Severity.HIGH,
    "The text addresses a scanner or reviewer",
    explanation="It tries to talk an automatic judge into a better verdict.",
    remedy="Remove it; scanners read what a skill does, not what it says of itself.",
)
def reviewer_injection(view: View, skill: Skill) -> Iterator[Hit]:
    """Find text that tells a judge what to conclude."""
    for match in view.find(_REVIEWER):
        quoted = view.low[max(0, match.start() - 1) : match.start()] in ('"', "'", "`", "*")
        # Who tells a scanner that nothing malicious is here speaks of attacks, and is not relieved for it.
        yield hit(Severity.HIGH, view, match, firm=not quoted and not skill.about_security)


RULES = (hide_from_user, reviewer_injection)
