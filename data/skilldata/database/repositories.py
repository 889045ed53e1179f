"""Writing what is seen of repositories, and the story of each: renamed, archived, gone, held."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from psycopg import Connection
from psycopg.rows import dict_row

from skilldata.database.events import add_event, clean
from skilldata.database.plugins import PluginWriter
from skilldata.models import Repository, RepositoryState
from skilldata.plugins import ReadPlugins

# A change of these is an event of its own, with the old and the new value as evidence.
TOLD = {
    "default_branch": "repository.default-branch-changed",
    "licence": "repository.licence-changed",
    "archived": "repository.archived-changed",
}
# A listing does not tell these, nor does an empty repository; that must not wipe what a probe saw.
NOT_ALWAYS_TOLD = frozenset({"default_branch", "head_oid", "tree_oid"})
AWAY = frozenset({RepositoryState.GONE, RepositoryState.BLOCKED, RepositoryState.EMPTY})


def save_repositories(connection: Connection[tuple[Any, ...]], repositories: Iterable[Repository]) -> list[int]:
    """Insert or update repositories; those that are as the index has them cost nothing.

    Returns:
        Ids of those that are new.
    """
    wanted = {repository.repository_id: repository for repository in repositories}
    known = _known(connection, wanted)
    added = []
    # In the order of ids, so that two workers cannot wait for each other.
    for repository_id in sorted(wanted):
        old, new = known.get(repository_id), _values(wanted[repository_id])
        if old is None:
            if _insert(connection, new):
                added.append(repository_id)
        elif _differences(old, new):
            _update(connection, repository_id, new)
    return added


def set_state(connection: Connection[tuple[Any, ...]], repository_id: int, state: RepositoryState) -> None:
    """Note the state of a repository of which nothing else was learnt."""
    old = connection.execute(
        "SELECT state FROM repository WHERE repository_id = %s FOR UPDATE", (repository_id,)
    ).fetchone()
    if old is not None:
        _change_state(connection, repository_id, RepositoryState(old[0]), state)


def release(connection: Connection[tuple[Any, ...]], repository_id: int, *, actor: str) -> bool:
    """Let a held repository be crawled; False where it was not held."""
    released = connection.execute(
        "UPDATE repository SET state = 'active' WHERE repository_id = %s AND state = 'held'", (repository_id,)
    ).rowcount
    if released:
        add_event(connection, "repository.released", repository_id, {}, actor=actor)
    return bool(released)


def _known(connection: Connection[tuple[Any, ...]], ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    columns = ", ".join(Repository.model_fields)
    with connection.cursor(row_factory=dict_row) as cursor:
        query = f"SELECT {columns} FROM repository WHERE repository_id = ANY(%s)"
        return {row["repository_id"]: row for row in cursor.execute(query.encode(), (list(ids),))}


def _values(repository: Repository) -> dict[str, Any]:
    values = {key: clean(value) for key, value in repository.model_dump().items()}
    values["state"] = str(repository.state)
    return values


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    held = old["state"] == RepositoryState.HELD
    return {
        key: value
        for key, value in new.items()
        if value != old[key] and not (key in NOT_ALWAYS_TOLD and not value) and not (key == "state" and held)
    }


def _insert(connection: Connection[tuple[Any, ...]], values: dict[str, Any]) -> bool:
    repository_id = values["repository_id"]
    holder = _claim_name(connection, values)
    if holder is not None:
        values = {**values, "state": str(RepositoryState.HELD)}
    names, places = ", ".join(values), ", ".join(f"%({column})s" for column in values)
    query = f"INSERT INTO repository ({names}) VALUES ({places}) ON CONFLICT DO NOTHING"
    if not connection.execute(query.encode(), values).rowcount:
        return False
    connection.execute("INSERT INTO probe (repository_id) VALUES (%s) ON CONFLICT DO NOTHING", (repository_id,))
    add_event(connection, "repository.added", repository_id, {"owner": values["owner"], "name": values["name"]})
    if holder is not None:
        add_event(connection, "repository.held", repository_id, {"name_of": holder})
    return True


def _update(connection: Connection[tuple[Any, ...]], repository_id: int, new: dict[str, Any]) -> None:
    connection.execute("SELECT FROM repository WHERE repository_id = %s FOR UPDATE", (repository_id,))
    old = _known(connection, [repository_id])[repository_id]
    changed = _differences(old, new)
    state = changed.pop("state", None)
    if changed:
        assignments = ", ".join(f"{column} = %({column})s" for column in changed)
        query = f"UPDATE repository SET {assignments} WHERE repository_id = %(repository_id)s"
        connection.execute(query.encode(), {**changed, "repository_id": repository_id})
    if "owner" in changed or "name" in changed:
        evidence = {"from": f"{old['owner']}/{old['name']}", "to": f"{new['owner']}/{new['name']}"}
        add_event(connection, "repository.renamed", repository_id, evidence)
        _claim_name(connection, new)
    for column, kind in TOLD.items():
        if column in changed:
            add_event(connection, kind, repository_id, {"from": old[column], "to": new[column]})
    if state is not None:
        _change_state(connection, repository_id, RepositoryState(old["state"]), RepositoryState(state))


def _claim_name(connection: Connection[tuple[Any, ...]], values: Mapping[str, Any]) -> int | None:
    """Note that a repository goes by a name; give the id of another one that went by it before.

    Whoever takes a name that others still type could pass for its earlier owner, so a newcomer is held
    until a maintainer has looked (arXiv 2603.16572 counts the skills that could be hijacked so).
    """
    name = f"{values['owner']}/{values['name']}".lower()
    row = connection.execute(
        "SELECT repository_id FROM repository_name WHERE name = %s AND repository_id <> %s ORDER BY seen_at LIMIT 1",
        (name, values["repository_id"]),
    ).fetchone()
    connection.execute(
        "INSERT INTO repository_name (name, repository_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
        (name, values["repository_id"]),
    )
    return None if row is None else int(row[0])


def _change_state(
    connection: Connection[tuple[Any, ...]], repository_id: int, old: RepositoryState, new: RepositoryState
) -> None:
    if old is new or old is RepositoryState.HELD:
        return
    connection.execute("UPDATE repository SET state = %s WHERE repository_id = %s", (new, repository_id))
    add_event(connection, f"repository.{new}", repository_id, {"from": old, "to": new})
    if new in AWAY:
        _take_along(connection, repository_id)


def _take_along(connection: Connection[tuple[Any, ...]], repository_id: int) -> None:
    """Mark the skills and plugins of a repository gone with it, to be read anew should it come back."""
    rows = connection.execute(
        """
        UPDATE skill SET state = 'gone', gone_at = now(), updated_at = now()
        WHERE repository_id = %s AND state <> 'gone' RETURNING skill_id, path
        """,
        (repository_id,),
    ).fetchall()
    for skill_id, path in rows:
        add_event(connection, "skill.gone", repository_id, {"path": path}, skill_id=skill_id)
    PluginWriter(connection, repository_id).write(ReadPlugins())
    connection.execute("UPDATE repository SET crawled_oid = NULL WHERE repository_id = %s", (repository_id,))
