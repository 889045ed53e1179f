"""Adding counts of downloads to the index."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from skilldata.downloads import DownloadBatch


def add_downloads(connection: Connection[tuple[Any, ...]], batch: DownloadBatch) -> bool:
    """Add a batch.

    Args:
        connection: In the caller's transaction.
        batch: The counts. One whose id was taken before changes nothing.

    Returns:
        Whether it was added.
    """
    if connection.execute(_TAKE, (batch.batch,)).fetchone() is None:
        return False
    # In one order, so that two batches cannot wait for each other.
    counts = sorted(batch.counts, key=lambda one: (one.repository_id, one.path, one.content_digest, one.day))
    rows = [(one.repository_id, one.path, one.content_digest, one.day, one.downloads) for one in counts]
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, rows)
    return True


_TAKE = "INSERT INTO download_batch (batch_id) VALUES (%s) ON CONFLICT DO NOTHING RETURNING batch_id"
_ADD = """
    INSERT INTO download (repository_id, path, content_digest, day, downloads) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (repository_id, path, content_digest, day)
    DO UPDATE SET downloads = download.downloads + EXCLUDED.downloads
"""
