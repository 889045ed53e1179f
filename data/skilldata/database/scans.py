"""Writing what the security scanner says of a content."""

from __future__ import annotations

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
    values = (report.verdict, report.rule_set, clean(report.problem))
    changed = connection.execute(_SAVE_VERDICT, (*values, content_digest, *values)).rowcount
    if not changed:
        return False
    connection.execute("DELETE FROM finding WHERE content_digest = %s", (content_digest,))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO finding VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            [
                (
                    content_digest,
                    ordinal,
                    found.rule,
                    found.severity,
                    *clean([found.file, found.line, found.evidence, found.explanation, found.remedy]),
                )
                for ordinal, found in enumerate(report.findings)
            ],
        )
    return True


_SAVE_VERDICT = """
    UPDATE package SET verdict = %s, rule_set = %s, scan_problem = %s, scanned_at = now()
    WHERE content_digest = %s AND (verdict, rule_set, scan_problem) IS DISTINCT FROM (%s, %s, %s)
"""
