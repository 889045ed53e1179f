"""Logs are JSON that machines read, and no secret of the configuration is in them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from skilldata import logs
from skilldata.config import load_settings

SECRETS = {
    "SKILLREGISTRY_GITHUB__TOKEN": "a-token-of-no-known-shape",
    "SKILLREGISTRY_DATABASE__URL": "postgresql://me:hunter2!!@db/registry",
    "SKILLREGISTRY_GITHUB__TOKENS": '["another-token-too"]',
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    access = logging.getLogger("skillapi.access").disabled
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("skillapi.access").disabled = access


def test_a_line_is_an_object_with_what_the_call_adds(stream: io.StringIO) -> None:
    logs.set_up(load_settings(environment={}), debug=False, stream=stream)
    try:
        int("boom")
    except ValueError:
        logging.getLogger("some.where").exception("a line\nof two", extra={"request": "r-1", "seconds": 0.5})
    [line] = map(json.loads, stream.getvalue().splitlines())
    assert (line["level"], line["logger"], line["message"]) == ("error", "some.where", "a line\nof two")
    assert (line["request"], line["seconds"]) == ("r-1", 0.5)
    assert "ValueError: invalid" in line["exception"]


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize(
    "text",
    [
        "a-token-of-no-known-shape",
        "another-token-too",
        "postgresql://me:hunter2!!@db/registry",
        "https://user:hunter2!!@example.org/x",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "Authorization: Bearer 0123456789abcdefghij",
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----",
    ],
)
def test_secrets_are_hidden_wherever_they_stand(stream: io.StringIO, log_format: str, text: str) -> None:
    settings = load_settings(environment={**SECRETS, "SKILLREGISTRY_LOG_FORMAT": log_format})
    logs.set_up(settings, debug=False, stream=stream)
    logging.getLogger("x").warning("sent %s", text, extra={"deep": {"list": [text]}})
    written = stream.getvalue()
    assert logs.HIDDEN in written
    assert not any(part in written for part in ("token-", "hunter2", "ghp_", "0123456789abcdefghij", "MC4CAQ"))


def test_requests_are_logged_only_where_that_is_wanted(stream: io.StringIO) -> None:
    for wanted, count in (("false", 0), ("true", 1)):
        environment = {"SKILLREGISTRY_API__ACCESS_LOG": wanted, "SKILLREGISTRY_LOG_FORMAT": "json"}
        logs.set_up(load_settings(environment=environment), debug=False, stream=stream)
        logging.getLogger("skillapi.access").info("GET /")
        assert len(stream.getvalue().splitlines()) == count


def test_what_a_terminal_would_act_on_is_shown(stream: io.StringIO) -> None:
    logs.set_up(load_settings(environment={"SKILLREGISTRY_LOG_FORMAT": "text"}), debug=False, stream=stream)
    logging.getLogger("x").warning("a\x1b[2Jb")
    assert "\x1b" not in stream.getvalue()
