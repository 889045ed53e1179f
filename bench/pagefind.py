"""Pagefind, as a peer of `bench/search.py`: its own program makes the index, its own script asks it.

The program is told what to index over its standard input: base64 of JSON and a comma each way, as its documentation
of the Node.js and Python interfaces has it. Set PAGEFIND to the program (npm: `pagefind`).
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.relevance.answers import ask_node

SCRIPT = Path(__file__).resolve().parent / "pagefind.mjs"
_AT_ONCE = 200  # records under way


class Asked(NamedTuple):
    """What Pagefind answered to one query on a cold cache."""

    addresses: list[str]
    requests: int
    bytes: int


def find_pagefind() -> str | None:
    """Find the program; None where there is none."""
    return os.environ.get("PAGEFIND") or shutil.which("pagefind")


def make_index(program: str, rows: Iterable[Sequence[Any]], folder: Path) -> None:
    """Index skills.

    Args:
        rows: Address, name, description and body of each.
        folder: Where the index goes.
    """
    with subprocess.Popen([program, "--service"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as service:
        talk = _Talk(service)
        index = talk.ask({"type": "NewIndex", "config": {}})["index_id"]
        for row in rows:
            talk.tell(
                {
                    "type": "AddRecord",
                    "index_id": index,
                    "url": f"/{row[0]}",
                    # What is in a title counts several times as much, as in a page with headings.
                    "content": "\n\n".join(str(part) for part in row[1:4]),
                    "language": "en",
                    "meta": {"title": str(row[1])},
                }
            )
        talk.ask({"type": "WriteFiles", "index_id": index, "output_path": str(folder)})
        service.kill()


def ask_index(folder: Path, texts: Sequence[str]) -> list[Asked]:
    """Ask the index with Pagefind's script in Node.js, each query on a cold cache.

    Raises:
        RuntimeError: There is no Node.js that is new enough.
    """
    return [
        Asked([url.strip("/") for url in one["urls"]], one["requests"], one["bytes"])
        for one in ask_node(texts, SCRIPT, folder)
    ]


class _Talk:
    """Messages to the program and its answers, a bounded number under way."""

    def __init__(self, service: subprocess.Popen[bytes]) -> None:
        self._service = service
        self._answers = self._read()
        self._sent = 0
        self._got = 0

    def tell(self, payload: dict[str, Any]) -> None:
        self._send(payload)
        if self._sent - self._got >= _AT_ONCE:
            self._take()

    def ask(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._send(payload)
        while self._got < self._sent - 1:
            self._take()
        return self._take()

    def _send(self, payload: dict[str, Any]) -> None:
        assert self._service.stdin is not None
        self._sent += 1
        message = json.dumps({"message_id": self._sent, "payload": payload}).encode()
        self._service.stdin.write(base64.b64encode(message) + b",")
        self._service.stdin.flush()

    def _take(self) -> dict[str, Any]:
        answer: dict[str, Any] = next(self._answers)["payload"]
        self._got += 1
        if answer["type"] == "Error":
            raise RuntimeError(f"pagefind: {answer.get('message')}")
        return answer

    def _read(self) -> Iterator[dict[str, Any]]:
        assert self._service.stdout is not None
        rest = b""
        while chunk := self._service.stdout.read1(1 << 20):  # type: ignore[attr-defined]
            *whole, rest = (rest + chunk).split(b",")
            yield from (json.loads(base64.b64decode(one)) for one in whole)
