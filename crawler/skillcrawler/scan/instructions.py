"""Prose aimed at the agent or at a reviewer: hide things, drop safeguards, forget the rules.

Only plain wordings are found. An injection that is written as an ordinary step of the task is not:
see "What is not detected" in docs/scanner.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.languages import FOREIGN_HIDE, FOREIGN_OVERRIDE
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import View
from skilldata.models import Severity

_NOT = r"(?:do\s+not|don't|dont|never|must\s+not|should\s+not|mustn't|shouldn't|without|avoid|refrain\s+from)"

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
    rf"\b{_NOT}\s+(?:ever\s+)?(?:tell(?:ing)?|inform(?:ing)?|notify(?:ing)?|alert(?:ing)?|warn(?:ing)?)\s+(?:the\s+"
    rf"|any\s+|your\s+)?(?:users?|human|operator|owner)\b(?!\s+to\b)"
    rf"|\b{_NOT}\s+(?:ever\s+)?(?:mention(?:ing)?|reveal(?:ing)?|disclos(?:e|ing)|show(?:ing)?|report(?:ing)?"
    rf"|explain(?:ing)?|display(?:ing)?)\s+(?:(?:any\s+of\s+)?(?:this|that|it|these|them|anything|(?:the\s+|these\s+"
    rf"|this\s+)(?:instructions?|steps?|actions?|commands?|uploads?|process|operation|request|payload"
    rf"|section))(?:\s+(?:step|instruction|action|operation|command)s?)?\s+)?to\s+(?:the\s+|any\s+"
    rf"|your\s+)?(?:users?|human|operator|owner)\b"
    rf"|\b(?:{_NOT}|cannot|can't)\s+(?:ever\s+)?(?:let|allow)\s+(?:the\s+|any\s+|your\s+)?(?:users?|human|operator"
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
    rf"|\b{_NOT}\s+(?:mention|reveal|disclose|discuss|log|acknowledge|document)\s+(?:this|these|the\s+above"
    rf"|the\s+following)\s+(?:step|instruction|action|operation|command|section|process|procedure|task|upload|sync"
    rf"|request|call)s?\b"
    r"|\b(?:secretly|covertly|surreptitiously)\s+(?:send|upload|run|execute|copy|collect|add|install|record|log"
    r"|forward|include|fetch|download|read|store|modify|append)\b"
    r"|\bsilently\s+(?:send|upload|exfiltrate|copy|collect|forward|transmit|post|harvest|record)\b",
    lines=1,
)
_WEAKEN = Signal(
    (
        "--dangerously-skip-permissions",
        "bypasspermissions",
        "approval",
        "confirmation",
        "permission",
        "safety",
        "sandbox",
        "guardrail",
        "security check",
        "restrictions",
        "--yolo",
        "danger-full-access",
        "--no-sandbox",
        "content polic",
        "filters",
        "safeguard",
        "antivirus",
        "defender",
        "gatekeeper",
        "quarantine",
        "firewall",
        "selinux",
        "setenforce",
        "set-mppreference",
        "spctl",
        "csrutil",
        "xattr",
        "executionpolicy",
        "auto-approve",
        "ethical",
    ),
    r"--dangerously-skip-permissions|--dangerously-bypass-approvals-and-sandbox"
    r"|permission-?mode\W{1,4}bypasspermissions|--yolo\b|danger-full-access"
    r"|\b(?:disable|bypass|ignore|turn\s+off|skip|circumvent|override|deactivate|evade|suspend)\s+(?:(?:all|any"
    r"|every|the|your|its|these|those|safety|security|content|built-in|default|claude's|agent's|agent"
    r"|of)\s+){0,4}(?:safety|guardrails?|sandbox(?:ing)?|safeguards?|content\s+(?:policy|policies|filters?)"
    r"|security\s+(?:checks?|controls?|measures?|restrictions?|warnings?|prompts?|polic\w{1,3}|rules|features|scans?"
    r"|software|tools?)|approvals?|permission\s+(?:checks?|prompts?)|permissions|confirmations?"
    r"|confirmation\s+prompts?|(?:all|any|your)\s+restrictions|ethical\s+\w+)\b"
    rf"|\b(?:{_NOT})\s+(?:ever\s+)?(?:ask(?:ing)?|request(?:ing)?|seek(?:ing)?|wait(?:ing)?"
    rf"|prompt(?:ing)?)\s+(?:(?:the\s+)?users?\s+)?(?:for\s+)?(?:any\s+|explicit\s+|user\s+|further\s+|additional\s+"
    rf"|the\s+users?'?s?'?\s+)?(?:confirmation|permission|approval|consent)\b"
    r"|\b(?:safety|security|content)\s+(?:rules?|checks?|polic\w{1,3}|filters?|guidelines|measures"
    r"|restrictions)\s+(?:are|is)\s+(?:now\s+|hereby\s+|all\s+)?"
    r"(?:suspended|lifted|disabled|void|switched\s+off|turned\s+off|not\s+in\s+(?:force|effect)"
    r"|no\s+longer\s+(?:apply|valid|in\s+(?:force|effect)))"
    r"|\b(?:treat|consider|regard|count)\s+(?:every|each|any|all|the)\s+(?:\w+\s+){0,2}?(?:approvals?|permissions?"
    r"|confirmations?)(?:\s+(?:prompts?|requests?|dialogs?))?\s+"
    r"(?:as\s+)?(?:already\s+|been\s+)?(?:accepted|granted|approved|given|confirmed|answered)(?P<heavy>)"
    r"|\b(?:every|any|all)\s+(?:commands?|actions?|requests?)\s+(?:is|are)\s+(?:now\s+|already\s+|pre-?)?(?:approved"
    r"|authori[sz]ed|permitted)\b"
    r"|\bset-mppreference\b[^\n]{0,80}-disable|\bspctl[ ]+--(?:master|global)-disable|\bcsrutil[ ]+disable"
    r"|\bsetenforce[ ]+0|\bufw[ ]+disable|netsh[ ]+advfirewall[^\n]{0,60}off"
    r"|\bxattr[ ]+-[a-z]{0,4}[cd][a-z]{0,3}[ ]+(?:com\.apple\.quarantine|[~/.\w\"$])|\b(?:disable|turn\s+off|pause"
    r"|stop)\s+(?:your\s+|the\s+|any\s+)?(?:anti-?virus|windows\s+defender|defender|gatekeeper|firewall|edr)\b",
    lines=1,
)
_HEAVY = re.compile(
    r"safety|guardrail|sandbox(?!=)|safeguard|content\s+(?:polic|filter)|security|ethical|restrictions"
    r"|set-mppreference|spctl|csrutil|setenforce|ufw|advfirewall|antivirus|anti-virus|defender|gatekeeper|edr"
)
_REPORTED = re.compile(
    r"\b(?:says?|saying|asks?|asked|tells?|telling|claims?|contains?|containing|like|such\s+as|tries|attempts?"
    r"|instructs?|attempting|trying)"
    r"\s+(?:you\s+|it\s+|them\s+|the\s+\w+\s+)?(?:to\s+)?[\"'`(]{0,2}$"
)
_FORBIDS = re.compile(r"\b(?:never|do\s+not|don't|must\s+not|refuse|will\s+not|won't|cannot|forbidden)\b")
_NEGATED = re.compile(
    r"\b(?:never|not|don't|cannot|can't|no|without|nor|avoid|instead\s+of|rather\s+than|or)\s+(?:\w+\s+)?$"
)
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
_UNNOTICED = Signal(
    ("notice", "unnoticed", "realise", "realize", "aware"),
    r"\b(?:so\s+that|such\s+that|making\s+sure|make\s+sure|ensure|ensuring|to\s+ensure)\s+(?:that\s+)?(?:the\s+"
    r"|no\s+)?(?:users?|human|operator|owner|one|nobody)\s+"
    r"(?:(?:does|do|will|can|must|should)\s*(?:not|n't)\s+|never\s+|cannot\s+|can't\s+|won't\s+"
    r"|doesn't\s+)?(?:notices?|realis?z?es?|becomes?\s+aware|is\s+(?:not\s+|un)aware)\b",
    lines=1,
)
_SAY_YES = Signal(
    ("prompt", "dialog", "confirmation", "approval"),
    r"\b(?:answer|accept|approve|confirm|click)\s+(?:\w+\s+)?(?:every|each|all|any)\s+(?:\w+\s+)?(?:security"
    r"|permission|approval|confirmation|safety|consent)\s+(?:prompt|dialog|request|question|warning)s?\b"
    r"(?:[^.\n]{0,20}\b(?:yes|ok|allow|y)\b|[^.\n]{0,40}\b(?:automatically|without|yourself)\b)",
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
_AGENCY = Signal(
    (
        "any command",
        "arbitrary",
        "full access",
        "unrestricted",
        "without restriction",
        "without limits",
        "all permissions",
        "complete control",
        "full control",
        "root access",
        "any file",
        "never refuse",
        "never question",
    ),
    r"\b(?:execute|run)\s+(?:any|arbitrary|all|whatever)\s+(?:\w+\s+){0,2}(?:commands?|code|scripts?"
    r"|requests?)\b[^\n]{0,80}?\b(?:without|no\s+(?:confirmation|restriction|validation|questions)|immediately"
    r"|never)\b|\b(?:unrestricted|unlimited|full|complete|total|root)\s+(?:system\s+|file\s*system\s+|shell\s+"
    r"|network\s+|root\s+|admin\s+)?(?:access|control)\s+(?:to\s+(?:the\s+|all\s+|every\s+)?(?:entire\s+"
    r"|user'?s?'?\s+|whole\s+)?(?:systems?|machine|computer|file\s*system|files|host|network|shell|everything))\b"
    r"|\bnever\s+(?:refuse|question|decline)\s+(?:any|a|the|user|these|instructions)\b",
    lines=1,
)
_SECRET_WORDS = Signal(
    ("seed phrase", "recovery phrase", "mnemonic", "private key", "secret phrase"),
    r"\b(?:ask|request|prompt|have|tell|get)\s+(?:(?:the\s+)?users?\s+)(?:to\s+)?(?:for\s+|provide\s+|enter\s+"
    r"|paste\s+|share\s+|input\s+|type\s+)?(?:their\s+|his\s+|the\s+|a\s+|your\s+)?(?:wallet\s+|12-word\s+"
    r"|24-word\s+|wallet's\s+)?(?:seed\s+phrase|recovery\s+phrase|mnemonic|private\s+key|secret\s+phrase)",
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
    "weaken-safeguards",
    Severity.HIGH,
    "Safeguards are to be switched off",
    explanation="Approvals, sandboxes and virus scanners are the last line before an agent's mistake becomes real.",
    remedy="Work within them; name the single permission that is needed in the manifest.",
)
def weaken_safeguards(view: View, skill: Skill) -> Iterator[Hit]:
    """Find orders and switches that turn approvals, sandboxes or system protection off."""
    for match in view.find(_WEAKEN):
        before = view.low[max(0, match.start() - 24) : match.start()]
        if not _NEGATED.search(before):
            heavy = _HEAVY.search(match[0]) or match["heavy"] is not None
            yield hit(Severity.HIGH if heavy else Severity.MEDIUM, view, match)
    for match in view.find(_SAY_YES):
        yield hit(Severity.HIGH, view, match)
    for match in view.find(_AGENCY):
        yield hit(Severity.MEDIUM, view, match)


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
        elif not _NEGATED.search(before):
            yield hit(Severity.HIGH, view, match)
    for match in (*view.find(_MAINTENANCE), *view.find(_CANCELLED), *view.find(FOREIGN_OVERRIDE)):
        yield hit(Severity.HIGH, view, match)
    for match in view.find(_SYSTEM_PROMPT):
        before = view.low[max(0, match.start() - 60) : match.start()]
        if not _NEGATED.search(before):
            listed = _REPORTED.search(before) or _FORBIDS.search(view.low, max(0, match.start() - 400), match.start())
            yield hit(Severity.LOW if listed else Severity.HIGH, view, match)


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


@view_rule(
    "secret-phrase",
    Severity.HIGH,
    "A wallet's secret is asked for",
    explanation="Whoever has a seed phrase or private key owns the wallet; no skill needs to be told it.",
    remedy="Use a wallet connection or a signing request.",
)
def secret_phrase(view: View, skill: Skill) -> Iterator[Hit]:
    """Find orders to ask the user for a seed phrase or private key."""
    for match in view.find(_SECRET_WORDS):
        yield hit(Severity.HIGH, view, match)


RULES = (
    hide_from_user,
    weaken_safeguards,
    override_instructions,
    reviewer_injection,
    secret_phrase,
)
