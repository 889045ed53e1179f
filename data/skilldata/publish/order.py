"""The order in which files go out, so that no reader ever meets a reference to what is not there yet.

A publisher that is killed leaves files of a stage behind, which nothing refers to or which are as good as
their successors; the next one goes on from there.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from skilldata.objects import IMMUTABLE, SHORT

ROOT = "index/v1/"  # of the JSON index below a target
NEVER = "no-cache"


class Stage(IntEnum):
    """When a file goes out."""

    PACKAGES = 1  # refer to nothing
    PARTS = 2  # shards, directories, deltas, large files: named by their digests
    SIGNED = 3  # entry and revocations under their digests, and the signed metadata that names them
    DOCUMENTS = 4  # small documents and clients' files, which refer to packages; of a skill's raw files the list last
    ENTRY = 5  # the pointer: from here on readers see the snapshot
    AFTER = 6  # what tells of it: status, feed, history; and small documents of what is gone are deleted


class Kind(NamedTuple):
    """How a file is served: never with a Content-Encoding, so that its digest is that of the bytes that arrive."""

    content_type: str
    cache_control: str


PACKAGE = Kind("application/zip", IMMUTABLE)
PART = Kind("application/gzip", IMMUTABLE)
LARGE = Kind("application/octet-stream", IMMUTABLE)
SNAPSHOT = Kind("application/json", IMMUTABLE)  # of one snapshot, and named by it
DOCUMENT = Kind("application/json", SHORT)
URGENT = Kind("application/json", "public, max-age=60")  # nobody shall be shown an old one meanwhile
FEED = Kind("application/jsonl", SHORT)
MARKDOWN = Kind("text/markdown; charset=utf-8", SHORT)
RAW = Kind("application/octet-stream", SHORT)  # whatever an author calls it: never a page of this host
STATE = Kind("application/json", NEVER)  # the publisher's own notes
