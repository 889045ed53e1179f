"""Writing what the security scanner says of a content."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import Connection

from skilldata.database.events import clean
from skilldata.models import ScanReport


def save_scan(connection: Connection[tuple[Any, ...]], content_digest: str, report: ScanReport) -> bool:
    """Keep the report on a content in place of the one before.

    Args:
        connection: In the caller's transaction.
        content_digest: Of a package that the index has.
        report: What the scanner says. The same rules say the same of the same content, so a report by the
            rules that judged it last is not written again.

    Returns:
        Whether something was written.
    """
    return bool(save_scans(connection, {content_digest: report}))


def save_scans(connection: Connection[tuple[Any, ...]], reports: Mapping[str, ScanReport]) -> int:
    """Keep reports by content as `save_scan` does, with a fixed number of statements; give how many were written."""
    if not reports:
        return 0
    contents = sorted(reports)  # so that two crawls cannot wait for each other
    values = [contents, *([_verdict(reports[one])[column] for one in contents] for column in range(3))]
    written = [content for (content,) in connection.execute(_SAVE_VERDICTS, values)]
    connection.execute("DELETE FROM finding WHERE content_digest = ANY(%s)", (written,))
    rows = [row for content in written for row in _finding_rows(content, reports[content])]
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO finding VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", rows)
    return len(written)


def _verdict(report: ScanReport) -> tuple[str, str, str]:
    return str(report.verdict), report.rule_set, clean(report.problem)


def _finding_rows(content: str, report: ScanReport) -> Iterator[tuple[Any, ...]]:
    for ordinal, found in enumerate(report.findings):
        told = clean([found.file, found.line, found.evidence, found.explanation, found.remedy])
        yield (content, ordinal, found.rule, found.severity, *told)


_SAVE_VERDICTS = """
    UPDATE package SET verdict = said.verdict, rule_set = said.rule_set, scan_problem = said.problem, scanned_at = now()
    FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS said (content, verdict, rule_set, problem)
    WHERE content_digest = said.content AND (package.verdict, package.rule_set, package.scan_problem)
          IS DISTINCT FROM (said.verdict, said.rule_set, said.problem)
    RETURNING content_digest
"""
