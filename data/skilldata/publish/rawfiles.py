"""Deleting the raw files of contents that are handed out no more, before the next snapshot is published."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from skilldata.clientformats.scopes import Scope
from skilldata.clientformats.wellknown import RAW, SKILLS
from skilldata.database import Database
from skilldata.errors import NotFound
from skilldata.publish.target import Target


def erase_raw_files(database: Database, target: Target, keys: Sequence[str]) -> list[str]:
    """Delete the raw files that show what is in some packages.

    The indexes still list them until the next snapshot is published: a client that takes one finds nothing.

    Args:
        database: The index, which knows the skills of a package.
        target: Where the files are.
        keys: Keys of the packages.

    Returns:
        The paths that were deleted.
    """
    digests = [f"sha256:{key.rpartition('/')[2].removesuffix('.zip')}" for key in keys]
    with database.transaction() as connection:
        rows = connection.execute(_SKILLS, (digests,)).fetchall()
    contents = {content for _, _, content in rows}
    scopes = {Scope(), *(Scope(owner, repository) for owner, repository, _ in rows)}
    gone = []
    for scope in sorted(scopes):
        for name in _names(target, scope, contents):
            gone += [path for path, _ in target.paths(f"{scope.folder}{RAW}{name}/")]
    for path in gone:
        target.delete(path)
    return gone


def _names(target: Target, scope: Scope, contents: set[str]) -> Iterator[str]:
    """Yield the names under which a published index shows one of the contents."""
    try:
        listed = json.loads(target.get(scope.folder + SKILLS))["skills"]
    except NotFound:
        return
    yield from (skill["name"] for skill in listed if skill["version"] in contents)


_SKILLS = """
    SELECT DISTINCT lower(owner), lower(repository.name), content_digest
    FROM package JOIN version USING (content_digest) JOIN skill USING (skill_id) JOIN repository USING (repository_id)
    WHERE package_digest = ANY (%s)
"""
