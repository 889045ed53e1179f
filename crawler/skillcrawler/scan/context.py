"""Whether a passage does a thing or speaks of it.

Tutorials, detection rules and reviews quote attacks. A hit in such surroundings stays a finding but
gets lighter. Surroundings are judged by few, plain signs, since whoever writes a malicious skill can
write any sign as well: a heavy hit is never dropped for them, and scripts get hardly any relief.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from skillcrawler.scan.rule import Hit, Skill
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

_LINES_BEFORE = 400  # characters before a hit that count as its surroundings
_AFTER = 200
_HEADING_REACH = 4_000

_SPEAKS_OF = re.compile(
    r"\b(?:attack(?:s|er|ers|ing)?|adversar(?:y|ies|ial)|malicious|malware|threats?|exploit\w{0,6}|vulnerab\w{3,8}"
    r"|payloads?|indicators?|iocs?\b|detect\w{0,4}|"
    r"suspicious|phishing|injections?|exfiltrat\w{1,4}|backdoors?|compromis\w{2,4}|red[ -]?(?:flag|team)s?"
    r"|anti-?patterns?|signatures?|yara|sigma|siem|mitre|cve-\d{4}|"
    r"t1\d{3}|jailbreak\w{0,4}|pentest\w{0,5}|forensics?|unsafe|insecure|dangerous|evasion|obfuscat\w{2,4}"
    r"|hunt(?:ing)?|honeypot|simulat\w{2,4}|security\s+(?:risk|review|audit|check|issue|test)s?|"
    r"reject(?:s|ed)?|flag(?:s|ged)?|warn(?:s|ing)?\s+(?:about|if|when)|scan(?:s|ner)?\s+for|look\s+for|watch\s+for)\b"
    r"|[\u274c\U0001f6a8\u26a0\U0001f6ab]"
)
_FORBIDS = re.compile(
    r"\b(?:never|do\s+not|don't|avoid|must\s+not|should\s+not|shouldn't|instead\s+of|rather\s+than|bad|wrong"
    r"|incorrect|forbidden|prohibited)\b[ :*_`]{0,4}"
    r"(?:\w+[ ,]+){0,3}?(?:run|use|using|pip\w*|execut\w+|past\w+|copy\w*|curl|do|trust\w*|install\w*|follow\w*"
    r"|obey\w*|treat\w*|accept\w*|commit\w*|put|set|pass\w*|log|send\w*|instruction\w*|example|practice)\b"
)
_FORBIDDEN_HERE = re.compile(
    r"\b(?:never|do\s+not|don't|avoid|must\s+not|should\s+not|instead\s+of|rather\s+than)\s+(?:\w+\s+)?"
    r"(?:run(?:ning)?|us(?:e|ing)|execut(?:e|ing)|past(?:e|ing)|copy(?:ing)?|trust(?:ing)?|do(?:ing)?|writ(?:e"
    r"|ing))\s+[`\"'(]{0,2}$"
)
_PATTERN_MARKS = re.compile(r"\\s[*+]|\\b\w|\\w[*+]|(?<![*\\/])\.\*|\[\^|\(\?[:i!=<]|\\\.(?![a-z]{2,12}\\)|\\\|")
_LOOKS_FOR = re.compile(
    r"re\.compile|regexp?|pattern|signature|detect|indicator|blocklist|denylist|suspicious|malicious"
    r"|dangerous|destructive|forbidden|parametrize|\brefuse|\bden(?:y|ied)\b"
)
_SECURITY = re.compile(
    r"\b(?:security|pentest\w{0,5}|penetration|exploit\w{0,6}|malware|forensics?|threats?|vulnerabilit\w{1,3}"
    r"|red[ -]?team\w{0,3}|blue[ -]?team\w{0,3}|attacks?|adversar\w{2,4}|"
    r"incident|phishing|injection|exfiltration|hardening|siem|soc|yara|sigma|ctf|reverse[ -]engineer\w{0,3}"
    r"|intrusion|hunting|detect(?:ing|ion|s)?|ransomware|credential|"
    r"jailbreak|guardrails?|safety|audit\w{0,4}|vetting|prompt[ -]?inject\w{2,4}|cyber\w{0,10}|owasp|cve|analyzing"
    r"|secure|secrets?|scanner|scan(?:ning|s)?|defen[cs]e|osint|bug[ -]bounty)\b"
)


def about_security(manifest: Mapping[str, Any]) -> bool:
    """Whether a skill says of itself, in name or description, that it is about security."""
    words = " ".join(str(manifest.get(key, ""))[:2_000] for key in ("name", "description")).lower().replace("-", " ")
    return len(set(_SECURITY.findall(words))) >= 1


def weighed(hit: Hit, skill: Skill) -> Severity:
    """The severity of a hit in its surroundings."""
    view = hit.view
    if hit.firm or view is None or hit.severity.rank <= Severity.LOW.rank:
        return hit.severity
    position, end = hit.start, hit.end
    while view.parent is not None:  # what was decoded is judged by where it stood
        position, end = view.parent_position, view.parent_position
        view = view.parent
    if hit.in_text:
        return hit.severity
    if view.kind is Kind.SCRIPT:
        return _LIGHTER[_signs_in_script(view, position, end)].get(hit.severity, hit.severity)
    if _FORBIDDEN_HERE.search(view.low, max(0, position - 60), position):
        return _LIGHTER[2].get(hit.severity, hit.severity)
    told = speaks_of_attack(view, position, end)
    if skill.about_security and not told and hit.severity is Severity.HIGH:
        return hit.severity  # what a skill says of itself makes only a blocking hit lighter
    return _LIGHTER[int(skill.about_security) + int(told)].get(hit.severity, hit.severity)


# What a severity becomes with one sign, and with two, that a passage only speaks of the thing.
_LIGHTER: tuple[Mapping[Severity, Severity], ...] = (
    {},
    {Severity.CRITICAL: Severity.HIGH, Severity.HIGH: Severity.MEDIUM},
    {Severity.CRITICAL: Severity.MEDIUM, Severity.HIGH: Severity.LOW, Severity.MEDIUM: Severity.LOW},
)


def speaks_of_attack(view: View, start: int, end: int) -> bool:
    """Whether the lines before, the line itself or the heading above speak of attacks or forbid the thing."""
    low = view.low
    first = max(0, start - _LINES_BEFORE)
    around = low[first : end + _AFTER]
    return bool(_SPEAKS_OF.search(around) or _FORBIDS.search(around) or _SPEAKS_OF.search(_heading(view, start)))


def _heading(view: View, position: int) -> str:
    at = view.low.rfind("\n#", max(0, position - _HEADING_REACH), position)
    return view.low[at : view.low.find("\n", at + 1)] if at >= 0 else ""


_TESTS = re.compile(r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_[^/]*$|[._-](?:test|spec)\.\w{1,4}$")


def _signs_in_script(view: View, start: int, end: int) -> int:
    """Whether the hit stands in a line that looks for such things: a regular expression, a list of signs."""
    if _PATTERN_MARKS.search(view.low, max(0, start - 25), end + 25):
        return 2
    if _TESTS.search(view.path.lower()) and _in_quotes(view.low, start):
        return 1
    line_start = max(view.low.rfind("\n", max(0, start - 300), start) + 1, start - 300)
    line_end = view.low.find("\n", end, end + 300)
    return int(_LOOKS_FOR.search(view.low, max(0, line_start), line_end if line_end >= 0 else end + 300) is not None)


def _in_quotes(low: str, position: int) -> bool:
    """Whether a string of the same line is open at a position, or begins there."""
    before = low[max(low.rfind("\n", 0, position) + 1, position - 400) : position]
    after = low[position : position + 1]
    return before.count("'") % 2 == 1 or before.count('"') % 2 == 1 or after in ("'", '"')
