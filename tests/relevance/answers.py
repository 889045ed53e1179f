"""What the API's index and the browser's answer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from skilldata.search import Query, SearchIndex
from skilldata.search.browser import browser_index
from tests.node import find_node
from tests.relevance.scores import DEPTH

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / "site" / "skillsite" / "static" / "find.js"


class Found(NamedTuple):
    """What a browser found for one query on a cold cache.

    Args:
        addresses: owner/repository/slug, best first.
        total: How many it says there are.
        better: The text with a typo put right, or ''.
        requests: Files that were read for the first view.
        bytes: Their size.
        shown: Rows of the first view.
        next_bytes: What the next query read, with another last word.
    """

    addresses: list[str]
    total: int
    better: str
    requests: int
    bytes: int
    shown: int
    next_bytes: int


def write_browser_index(search: Path, folder: Path) -> Path:
    """Write the browser's index of the search index in `search` to a new folder, and return that."""
    folder.mkdir()
    for file in browser_index(search):
        (folder / f"{file.name}.bin").write_bytes(file.data)
    return folder


def browser_answers(folder: Path, texts: Sequence[str]) -> list[Found]:
    """Ask the site's script in Node.js.

    Raises:
        RuntimeError: There is no Node.js that is new enough.
    """
    said = ask_node(texts, HERE / "find.mjs", SCRIPT, folder / "*.bin")
    return [
        Found(
            ["/".join(row[:3]) for row in one["rows"]],
            one["total"],
            one["better"],
            one["requests"],
            one["bytes"],
            one["shown"],
            one["next"],
        )
        for one in said
    ]


def ask_node(texts: Sequence[str], script: Path, *arguments: Path) -> Any:
    """Give queries to a script for Node.js; gives what it says, as JSON.

    Raises:
        RuntimeError: There is no Node.js that is new enough.
    """
    node = find_node()
    if node is None:
        raise RuntimeError("no Node.js that is new enough; `make setup` brings one")
    command = [node, script, *arguments]
    return json.loads(
        subprocess.run(command, input=json.dumps(list(texts)), check=True, capture_output=True, text=True).stdout
    )


def api_answers(index: SearchIndex, texts: Sequence[str]) -> list[list[str]]:
    """Ask the API's index for addresses, best first."""
    pages = [index.search(Query(text, limit=DEPTH)).hits for text in texts]
    return [[f"{hit.owner}/{hit.repository}/{hit.slug}" for hit in hits] for hits in pages]
