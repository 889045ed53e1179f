"""Writing packages and their files."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg import Connection

from skilldata.models import Package, PackagedFile


def save_packages(connection: Connection[tuple[Any, ...]], packages: Iterable[Package]) -> None:
    """Add those of the packages that the index does not have, with their files.

    They go in the order of their digests: two crawls that meet the same new packages then wait for each
    other less often in a circle, which PostgreSQL ends by failing one of them.
    """
    wanted = {package.content_digest: package for package in packages}
    ordered = [wanted[content] for content in sorted(wanted)]
    columns = zip(*map(_row, ordered), strict=True) if ordered else ()
    values = [list(column) for column in columns]
    added = connection.execute(_INSERT_PACKAGES, values).fetchall() if values else []
    files = [(content, *_file_row(file)) for (content,) in added for file in wanted[content].files]
    if files:
        with connection.cursor() as cursor:
            cursor.executemany(_INSERT_FILE, files)


def _row(package: Package) -> tuple[Any, ...]:
    count = len(package.files)
    return package.content_digest, package.package_digest, package.size, package.unpacked_size, count


def _file_row(file: PackagedFile) -> tuple[Any, ...]:
    return file.path, file.mode, file.size, file.sha256, file.oid


_INSERT_PACKAGES = """
    INSERT INTO package (content_digest, package_digest, size, unpacked_size, file_count)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::integer[])
    ON CONFLICT DO NOTHING RETURNING content_digest
"""
_INSERT_FILE = "INSERT INTO file (content_digest, path, mode, size, sha256, oid) VALUES (%s, %s, %s, %s, %s, %s)"
