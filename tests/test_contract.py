"""The API does what its description says, whatever is asked: `make contract` with a few requests to each address."""

from __future__ import annotations

import re

from skillapi.reference import reference_markdown
from tests.conftest import ROOT
from tests.contract import run, served

# A number of requests and not of seconds, so that a slow machine asks for as much as a fast one.
FEW = ("--phases", "fuzzing", "--max-examples", "4", "--generation-deterministic")


def test_every_answer_is_as_described() -> None:
    with served() as address:
        done = run(address, *FEW, capture=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    made = re.search(r"(\d+) generated, \1 passed", done.stdout)
    assert made is not None, done.stdout[-1500:]
    assert int(made[1]) > 50


def test_the_page_for_people_says_the_same() -> None:
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    assert reference_markdown() in page, "write it anew from `python -m skillapi.reference`"
