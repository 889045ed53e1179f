"""What the Python of the other scanner's environment runs; nothing of ours is there to be imported.

Standard input has one folder's name a line. Standard output has one JSON object a line: first who speaks,
`{"scanner": …, "version": …}`, then for each folder `{"findings": […], "more": n}` or `{"problem": …}`. The
heaviest findings come first: `{"rule", "severity", "file", "line", "text"}`.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.metadata
import json
import os
import sys
from collections.abc import Callable
from typing import Any

PACKAGE = "cisco-ai-skill-scanner"
MOST = 50  # findings that are told
TEXT = 1000  # characters of each text
WEIGHTS = ("CRITICAL", "HIGH", "MEDIUM", "LOW", "INFO")
# From linux/sched.h.
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def main() -> None:
    """Answer until no more is asked."""
    _leave_network()
    # Whatever the scanner prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _say(answers, {"scanner": PACKAGE, "version": importlib.metadata.version(PACKAGE)})
    scan: Callable[[str], Any] | None = None
    for line in sys.stdin:
        try:
            scan = scan or _scanner()
            _say(answers, _told(scan(line.rstrip("\n")).to_dict()["findings"]))
        except Exception as error:  # noqa: BLE001 - whatever goes wrong there is an answer
            _say(answers, {"problem": f"{type(error).__name__}: {error}"[:TEXT]})


def _leave_network() -> None:
    """Go where there is no network, if the kernel lets us: nothing that is scanned is to be asked about outside."""
    with contextlib.suppress(OSError, AttributeError):
        unshare = ctypes.CDLL(None).unshare
        if unshare(CLONE_NEWNET):
            unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _scanner() -> Callable[[str], Any]:
    """Make the scanner with every analyser that needs no key; it takes some seconds, once a process."""
    policy = importlib.import_module("skill_scanner.core.scan_policy").ScanPolicy.default()
    build = importlib.import_module("skill_scanner.core.analyzer_factory").build_analyzers
    scanner = importlib.import_module("skill_scanner").SkillScanner
    scan: Callable[[str], Any] = scanner(analyzers=build(policy, use_behavioral=True), policy=policy).scan_skill
    return scan


def _told(findings: list[dict[str, Any]]) -> dict[str, Any]:
    weighed = [one for one in findings if one["severity"] in WEIGHTS]
    weighed.sort(key=lambda one: WEIGHTS.index(one["severity"]))
    told = [
        {
            "rule": str(one["rule_id"])[:TEXT],
            "severity": one["severity"],
            "file": str(one["file_path"] or "")[:TEXT],
            "line": one["line_number"],
            "text": str(one["title"])[:TEXT],
        }
        for one in weighed[:MOST]
    ]
    return {"findings": told, "more": len(weighed) - len(told)}


def _say(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
