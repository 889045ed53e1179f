"""The search that needs no server: the files that `static/find.js` reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from skilldata.search.browser import FORMAT, browser_index
from skilldata.snapshot import SEARCH, Snapshot


def index_pattern(snapshot: Snapshot) -> str | None:
    """Give the path of the index's files, with `*` for the name; None where there is no index to make.

    It is another one for every snapshot, so that no browser reads half of the one and half of the other, and
    the files can be kept for ever.
    """
    if not (snapshot.folder / SEARCH).is_dir():
        return None
    edition = hashlib.sha256(f"{FORMAT} {snapshot.info.id}".encode()).hexdigest()[:12]
    return f"search/index/*.{edition}.bin"


def index_files(snapshot: Snapshot) -> Iterator[tuple[str, bytes]]:
    """Yield the files by their paths; none where there is no index to make."""
    pattern = index_pattern(snapshot)
    if pattern is not None:
        for file in browser_index(snapshot.folder / SEARCH):
            yield pattern.replace("*", file.name), file.data
