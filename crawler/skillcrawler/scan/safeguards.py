"""Orders and switches that turn approvals, sandboxes or the system's own protection off."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.view import View
from skillcrawler.scan.vocabulary import NEGATED, NOT
from skilldata.models import Severity

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
    rf"|\b(?:{NOT})\s+(?:ever\s+)?(?:ask(?:ing)?|request(?:ing)?|seek(?:ing)?|wait(?:ing)?"
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
_SAY_YES = Signal(
    ("prompt", "dialog", "confirmation", "approval"),
    r"\b(?:answer|accept|approve|confirm|click)\s+(?:\w+\s+)?(?:every|each|all|any)\s+(?:\w+\s+)?(?:security"
    r"|permission|approval|confirmation|safety|consent)\s+(?:prompt|dialog|request|question|warning)s?\b"
    r"(?:[^.\n]{0,20}\b(?:yes|ok|allow|y)\b|[^.\n]{0,40}\b(?:automatically|without|yourself)\b)",
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
        if not NEGATED.search(before):
            heavy = _HEAVY.search(match[0]) or match["heavy"] is not None
            yield hit(Severity.HIGH if heavy else Severity.MEDIUM, view, match)
    for match in view.find(_SAY_YES):
        yield hit(Severity.HIGH, view, match)
    for match in view.find(_AGENCY):
        yield hit(Severity.MEDIUM, view, match)


RULES = (weaken_safeguards,)
