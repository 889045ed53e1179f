"""Sketches of texts: MinHash over runs of words, so that resemblance shows without the texts.

The share of equal values in two sketches estimates the share of runs that two texts have in common (Jaccard's
index). Source: A. Broder, On the resemblance and containment of documents, 1997.
"""

from __future__ import annotations

import re
import struct

from rensa import RMinHash  # type: ignore[import-untyped]  # pyright: ignore[reportAttributeAccessIssue]

from skilldata.database import Database
from skilldata.search.words import split_manifest

VALUES = 128  # of four bytes each
RUN = 5  # words
LEAST_WORDS = 40  # of a text that is compared other than byte by byte
MAX_CHARACTERS = 100_000  # of a text that are looked at
BATCH = 500
SEED = 20_161_997
METHOD = f"rensa {RMinHash.ALGORITHM_VERSION}, {VALUES} of {RUN} words, {SEED}"

# Scripts without spaces are taken character by character.
_UNSPACED = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def sketch(text: str) -> bytes:
    """Sketch the instructions of a SKILL.md.

    Args:
        text: The whole file; its front matter, which a copy often changes, does not count.

    Returns:
        128 unsigned numbers of 32 bits, big-endian; nothing where there are fewer than 40 words.
    """
    found = runs(text)
    if len(found) < LEAST_WORDS - RUN + 1:
        return b""
    made = RMinHash(VALUES, SEED)
    made.update(found)
    return struct.pack(f">{VALUES}I", *made.digest())


def runs(text: str) -> list[str]:
    """List the runs of five words in the instructions of a SKILL.md."""
    found = _WORD.findall(split_manifest(text)[:MAX_CHARACTERS].lower())
    return [" ".join(found[start : start + RUN]) for start in range(len(found) - RUN + 1)]


def resemblance(one: bytes, other: bytes) -> float:
    """Estimate how much two texts resemble each other, 0 to 1, from their sketches."""
    pairs = zip(struct.iter_unpack(">I", one), struct.iter_unpack(">I", other), strict=True)
    return sum(mine == yours for mine, yours in pairs) / VALUES


def sketch_new(database: Database) -> int:
    """Sketch the contents of the index that have none yet, some hundreds at a time.

    Returns:
        How many that were: with a million skills, only those that are new since the last time.
    """
    made = 0
    after = ""
    while True:
        with database.transaction() as connection:
            asked = {"method": METHOD, "limit": BATCH, "after": after}
            rows = connection.execute(_MISSING, asked).fetchall()
            values = [(digest, METHOD, sketch(text)) for digest, text in rows]
            with connection.cursor() as cursor:
                cursor.executemany(_STORE, values)
        made += len(rows)
        if len(rows) < BATCH:
            return made
        after = rows[-1][0]


# The bound stands at every table: PostgreSQL merges them by digest, and would begin each time at the first.
_MISSING = """
    SELECT DISTINCT ON (version.content_digest) version.content_digest, left(text, 200000)
    FROM version JOIN (
        SELECT content_digest FROM package
        WHERE content_digest > %(after)s
          AND NOT EXISTS (
                SELECT FROM sketch WHERE sketch.content_digest = package.content_digest AND method = %(method)s
                                     AND sketch.content_digest > %(after)s)
          AND EXISTS (
                SELECT FROM version WHERE version.content_digest = package.content_digest
                                      AND version.content_digest > %(after)s)
        ORDER BY content_digest LIMIT %(limit)s) AS missing USING (content_digest)
    ORDER BY version.content_digest, version_id
"""
_STORE = """
    INSERT INTO sketch (content_digest, method, data) VALUES (%s, %s, %s)
    ON CONFLICT (content_digest) DO UPDATE SET method = EXCLUDED.method, data = EXCLUDED.data
"""
