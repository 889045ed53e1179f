"""What another scanner says of contents: kept beside our own verdict, which it never changes, and in each snapshot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Annotated, Any, NamedTuple

from psycopg import Connection
from psycopg.types.json import Jsonb
from pydantic import Field

from skilldata.database import Database
from skilldata.database.events import clean
from skilldata.models import EVIDENCE_LIMIT, Record, Severity

MOST_FINDINGS = 50  # of one content that are kept, the heaviest
NAME_LIMIT = 100  # characters of a rule's or a version's name
FILE_LIMIT = 1024  # characters of a path

TABLES: dict[str, str] = {
    "second_opinion": """
        content_digest VARCHAR PRIMARY KEY, scanner VARCHAR NOT NULL, version VARCHAR NOT NULL, highest VARCHAR,
        findings JSON NOT NULL, more INTEGER NOT NULL, problem VARCHAR NOT NULL
    """,
}
# Of the contents whose files a snapshot names, and no others.
QUERIES: dict[str, str] = {
    "second_opinion": """
        SELECT content_digest, scanner, version, highest, findings, more, problem
        FROM second_opinion JOIN package USING (content_digest)
        WHERE verdict <> 'blocked' AND content_digest NOT IN (SELECT content_digest FROM withheld_package)
        ORDER BY content_digest
    """,
}

Ask = Callable[[str, Sequence[object]], Iterator[tuple[Any, ...]]]


class OpinionFinding(Record):
    """One thing that the other scanner names; all its text is a stranger's, made safe to show and cut."""

    rule: Annotated[str, Field(max_length=NAME_LIMIT)]
    severity: Severity
    file: Annotated[str, Field(max_length=FILE_LIMIT)]
    line: int | None = None
    text: Annotated[str, Field(max_length=EVIDENCE_LIMIT)]


class Opinion(Record):
    """What one version of another scanner says of a content; `problem` says why it says nothing."""

    scanner: Annotated[str, Field(max_length=NAME_LIMIT)]
    version: Annotated[str, Field(max_length=NAME_LIMIT)]
    highest: Severity | None = None
    findings: Annotated[tuple[OpinionFinding, ...], Field(max_length=MOST_FINDINGS)] = ()  # heaviest first
    more: Annotated[int, Field(ge=0)] = 0  # findings that are not kept
    problem: Annotated[str, Field(max_length=EVIDENCE_LIMIT)] = ""


class UnseenContent(NamedTuple):
    """A content that the other scanner has not seen, and its package."""

    content_digest: str
    package_digest: str


class Opinions:
    """The second opinions in the index.

    Args:
        database: The index.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self, scanner: str, version: str, *, limit: int, after: str = "", everything: bool = False
    ) -> list[UnseenContent]:
        """List contents of skills' current versions of which that scanner, in that version, said nothing yet.

        Args:
            scanner: Its name.
            version: Its version: another one is asked anew.
            limit: How many at most.
            after: The last content digest of the page before.
            everything: Also those that it has spoken of.
        """
        values = {"scanner": scanner, "version": version, "limit": limit, "after": after, "everything": everything}
        with self._database.transaction() as connection:
            return [UnseenContent(*row) for row in connection.execute(_PAGE, values)]

    def record(self, content_digest: str, opinion: Opinion) -> None:
        """Keep an opinion in place of the one before; nothing where the content has gone from the index."""
        said = [one.model_dump(mode="json") for one in opinion.findings]
        values = {
            **clean(opinion.model_dump(mode="json", exclude={"findings"})),
            "content_digest": content_digest,
            "findings": Jsonb(clean(said)),
        }
        with self._database.transaction() as connection:
            connection.execute(_RECORD, values)


def kept_opinion(connection: Connection[tuple[Any, ...]], content_digest: str | None) -> Opinion | None:
    """Read the index's opinion of a content; None where there is none."""
    query = f"SELECT {_COLUMNS} FROM second_opinion WHERE content_digest = %s"  # noqa: S608 - our own columns
    row = connection.execute(query, (content_digest,)).fetchone()
    return _opinion(row) if row else None


def opinions_of(ask: Ask, content_digests: Iterable[str]) -> dict[str, Opinion]:
    """Read a snapshot's opinions of contents, by content digest. `ask` runs a query on the snapshot."""
    rows = ask(_OF, [sorted(content_digests)])
    return {row[0]: _opinion((*row[1:4], json.loads(row[4]), *row[5:])) for row in rows}


def _opinion(row: Sequence[Any]) -> Opinion:
    return Opinion.model_validate(dict(zip(Opinion.model_fields, row, strict=True)))


_COLUMNS = "scanner, version, highest, findings, more, problem"
_PAGE = """
    SELECT content_digest, package_digest FROM package
    WHERE content_digest > %(after)s
      AND EXISTS (SELECT FROM version JOIN skill ON current_version_id = version_id
                  WHERE version.content_digest = package.content_digest)
      AND (%(everything)s OR NOT EXISTS (
          SELECT FROM second_opinion AS said WHERE said.content_digest = package.content_digest
          AND (said.scanner, said.version) = (%(scanner)s, %(version)s)))
    ORDER BY content_digest LIMIT %(limit)s
"""
_RECORD = """
    INSERT INTO second_opinion (content_digest, scanner, version, highest, findings, more, problem)
    SELECT content_digest, %(scanner)s, %(version)s, %(highest)s, %(findings)s, %(more)s, %(problem)s
    FROM package WHERE content_digest = %(content_digest)s
    ON CONFLICT (content_digest) DO UPDATE
    SET (scanner, version, highest, findings, more, problem, given_at) = (EXCLUDED.scanner, EXCLUDED.version,
        EXCLUDED.highest, EXCLUDED.findings, EXCLUDED.more, EXCLUDED.problem, now())
"""
_OF = f"""
    SELECT content_digest, {_COLUMNS} FROM second_opinion WHERE content_digest IN (SELECT unnest(?))
"""  # noqa: S608 - our own columns
