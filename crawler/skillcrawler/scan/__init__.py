"""The security scanner: deterministic rules over all bytes of a skill, with evidence for each finding.

Nothing is run, opened or fetched. Read `engine.scan_skill` first, then `view` (how a file is looked at
without running every pattern over every byte), then any family of rules; docs/scanner.md has the table
of rules, what they find in labelled sets, and what they do not.
"""

from skillcrawler.scan.engine import scan_skill
from skillcrawler.scan.rule import Rule
from skillcrawler.scan.rules import RULE_SET, RULES
from skillcrawler.scan.scanfile import ScanFile
from skilldata.models import Finding, ScanReport, Severity, Verdict

__all__ = ["RULES", "RULE_SET", "Finding", "Rule", "ScanFile", "ScanReport", "Severity", "Verdict", "scan_skill"]
