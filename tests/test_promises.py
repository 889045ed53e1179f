"""No promise without a command or file that keeps it, a test that tries it, and words that explain it."""

from __future__ import annotations

import pytest

from skillcli.commands.configuration import environment_example
from tests.conftest import ROOT
from tests.promises import PROMISES, ROWS, Promise, markdown
from tests.test_commands import commands


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.what)
def test_a_promise_is_kept_tried_and_explained(promise: Promise) -> None:
    known = commands()
    for one in promise.kept_by:
        command = one.removeprefix("skillregistry ")
        assert tuple(command.split()) in known if command != one else (ROOT / one).exists(), one
    for one in promise.tried_by:
        file, _, test = one.partition("::")
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), one
    assert promise.said in (ROOT / "docs" / promise.page).read_text()


def test_no_row_of_the_runbook_is_missing() -> None:
    assert tuple(dict.fromkeys(promise.row for promise in PROMISES)) == ROWS
    assert (ROOT / "docs" / "promises.md").read_text() == markdown(), "run: python -m tests.promises > docs/promises.md"


def test_the_example_of_an_environment_is_complete() -> None:
    text = (ROOT / "deploy" / ".env.example").read_text()
    assert text == environment_example(), "run: skillregistry config --example > deploy/.env.example"
