"""docs/diagnostics.md lists every rule of the crawler as it is in the code."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import skillcrawler
from skillcrawler.diagnostics import RULE_LIMIT, Findings, Rule
from skilldata.models import DiagnosticLevel, Level

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "diagnostics.md"


def all_rules() -> list[Rule]:
    """The rules that are constants of a module, which all are."""
    package = Path(str(skillcrawler.__file__)).parent
    files = [file for file in sorted(package.rglob("*.py")) if re.search(r"\bRule\b", file.read_text("utf-8"))]
    found: dict[int, Rule] = {}
    for file in files:
        name = ".".join(("skillcrawler", *file.relative_to(package).with_suffix("").parts))
        constants = vars(importlib.import_module(name)).values()
        found |= {id(constant): constant for constant in constants if isinstance(constant, Rule)}
    return list(found.values())


def row(rule: Rule) -> str:
    cells = (f"`{rule.id}`", rule.level.value, rule.meaning, rule.remedy)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def test_document_lists_every_rule_as_it_is() -> None:
    listed = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith("| `") and "." in line[:40]]
    expected = {row(rule) for rule in all_rules()}
    assert sorted(set(listed) - expected) == [], "no such rule"
    assert sorted(expected - set(listed)) == [], "rules to add"
    assert len(set(listed)) == len(listed), "a rule is listed twice"


def test_rules_have_ids_of_their_own() -> None:
    ids = [rule.id for rule in all_rules()]
    assert sorted(set(ids)) == sorted(ids)
    assert len(ids) > 40


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: str(rule.id))
def test_remedy_is_one_sentence(rule: Rule) -> None:
    assert rule.remedy.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", rule.remedy)
    assert rule.diagnostic("x", file="SKILL.md").remedy == rule.remedy


@pytest.mark.parametrize(
    ("found", "level"),
    [
        ("", Level.STRICT),
        ("info info", Level.STRICT),
        ("info warning info", Level.LOADABLE),
        ("error", Level.BROKEN),
        ("warning error warning", Level.BROKEN),
        ("warning " * (RULE_LIMIT + 1) + "error", Level.BROKEN),
    ],
)
def test_level_is_that_of_the_worst_diagnostic(found: str, level: Level) -> None:
    findings = Findings("SKILL.md")
    for name in found.split():
        findings.add(Rule(f"test.{name}", DiagnosticLevel(name), "Meaning.", "Remedy."), "message", 7)
    assert findings.level is level


def test_only_so_many_diagnostics_of_a_rule_are_kept() -> None:
    rule = Rule("test.rule", DiagnosticLevel.WARNING, "Meaning.", "Remedy.")
    findings = Findings("SKILL.md")
    for number in range(RULE_LIMIT + 3):
        findings.add(rule, str(number))
    messages = [diagnostic.message for diagnostic in findings.diagnostics()]
    assert messages == [*map(str, range(RULE_LIMIT - 1)), f"{RULE_LIMIT - 1}; and 3 more of the kind"]
