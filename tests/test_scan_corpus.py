"""The scanner over the real repositories: nothing benign is blocked, little is called heavy, and it is quick."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import pytest

from skillcrawler.scan import Severity, Verdict, scan_skill
from tests.scan_cases.corpus import real_skills

pytestmark = pytest.mark.corpus

EVERY = 8  # a share of the skills here; bench/scan.py takes all


def test_real_skills_are_not_blocked_and_seldom_heavy(corpus_directory: Path) -> None:
    count = heavy = 0
    seconds = 0.0
    for skill in itertools.islice(real_skills(corpus_directory), 0, None, EVERY):
        started = time.process_time()
        report = scan_skill(skill.files, manifest=skill.manifest)
        seconds += time.process_time() - started
        assert report.verdict in (Verdict.NO_FINDINGS, Verdict.FINDINGS), f"{skill.name}: {report.findings[:1]}"
        heavy += report.highest is Severity.HIGH
        count += 1
    assert count > 300
    assert heavy <= 0.03 * count
    assert seconds / count < 0.1  # twice the bar of bench/scan.py, for busy machines
