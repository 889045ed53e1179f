"""Search for repositories and code, as GitHub's REST search does; ranking is not modelled.

Code search is the older engine that the API still has: default branches only, files under 384 KB, forks
only with more stars than their parent.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from tests.standin import shapes
from tests.standin.calls import ApiError, Call, Reply, page_of
from tests.standin.search_query import Query, QueryError, number_matches, parse, time_matches
from tests.standin.store import Entry, folder_of
from tests.standin.world import Repository, World

RESULT_LIMIT = 1_000
_CODE_FILE_LIMIT = 384 * 1024
_FRAGMENT = 500  # characters of the line around a match
_SCAN_LIMIT = 64 * 1024 * 1024  # bytes read for one query before its results are called incomplete


def repositories(call: Call) -> Reply:
    """GET /search/repositories."""
    found = find_repositories(call.world, _query(call))
    sort = {"stars": lambda r: r.stars, "forks": lambda r: r.forks, "updated": lambda r: r.updated_at}
    if call.query("sort") in sort:
        found.sort(key=sort[call.query("sort")], reverse=call.query("order", "desc") == "desc")
    page, links = page_of(call, found, limit=RESULT_LIMIT)
    items = [shapes.repository(repo, call.sites) | {"score": 1.0} for repo in page]
    return Reply(_body(len(found), items), headers=links)


def code(call: Call) -> Reply:
    """GET /search/code, for callers with a token."""
    if call.token is None:
        raise ApiError(401, "Requires authentication")
    query = _query(call)
    if not query.words and not query.qualifiers:
        raise _refused("The search contains only logical operators (AND / OR / NOT) without any search terms.")
    budget = _Budget(_SCAN_LIMIT)
    found = list(_find_code(call.world, query, budget))
    page, links = page_of(call, found, limit=RESULT_LIMIT)
    items = [_code_item(call, repo, entry) for repo, entry in page]
    if call.accepts("text-match"):
        for (repo, entry), item in zip(page, items, strict=True):
            item["text_matches"] = _text_matches(repo, entry, query, item["url"])
    return Reply(_body(len(found), items, incomplete=budget.is_spent), headers=links)


def find_repositories(world: World, query: Query) -> list[Repository]:
    """List the repositories that fit a query, by stars and then name."""
    found = [repo for repo in world.repositories.values() if _repository_fits(repo, query)]
    return sorted(found, key=lambda repo: (-repo.stars, repo.full_name.lower()))


class _Budget:
    def __init__(self, size: int) -> None:
        self.left = size

    @property
    def is_spent(self) -> bool:
        return self.left <= 0


def _query(call: Call) -> Query:
    try:
        return parse(call.query("q"))
    except QueryError as error:
        raise _refused(str(error)) from None


def _refused(message: str) -> ApiError:
    problem = {"resource": "Search", "field": "q", "code": "missing" if message == "missing" else "invalid"}
    if message != "missing":
        problem["message"] = message
    return ApiError(422, "Validation Failed", errors=[problem])


def _body(total: int, items: list[dict[str, Any]], *, incomplete: bool = False) -> dict[str, Any]:
    return {"total_count": total, "incomplete_results": incomplete, "items": items}


def _repository_fits(repo: Repository, query: Query) -> bool:
    if repo.block or repo.disabled:
        return False
    fork = repo.parent_id is not None
    if fork and not {"true", "only"} & set(query.values("fork")):
        return False
    text = f"{repo.full_name} {repo.description or ''} {' '.join(repo.topics)}".lower()
    if not all(word in text for word in query.words) or any(word in text for word in query.refused_words):
        return False
    owners = [q.value.lower() for q in query.qualifiers if q.key in {"user", "org"} and not q.negated]
    if owners and repo.owner.login.lower() not in owners:
        return False
    return all(
        _holds(repo, qualifier.key, qualifier.value) is not qualifier.negated
        for qualifier in query.qualifiers
        if qualifier.key not in {"user", "org", "in", "sort"} or qualifier.negated
    )


def _holds(repo: Repository, key: str, value: str) -> bool:
    """Say whether one qualifier of a repository search holds; an unknown one never does."""
    plain = value.lower()
    licence = repo.licence
    match key:
        case "user" | "org":
            return repo.owner.login.lower() == plain
        case "repo":
            return repo.full_name.lower() == plain
        case "topic":
            return plain in repo.topics
        case "stars" | "forks" | "size" | "topics":
            numbers = {"stars": repo.stars, "forks": repo.forks, "size": repo.size_kib, "topics": len(repo.topics)}
            return number_matches(numbers[key], value)
        case "created" | "pushed":
            return time_matches(repo.created_at if key == "created" else repo.pushed_at, value)
        case "archived":
            return repo.archived is (plain == "true")
        case "fork":
            return repo.parent_id is not None or plain != "only"
        case "license":
            return licence is not None and plain in {licence.key, licence.spdx_id.lower()}
        case "language":
            return (repo.language or "").lower() == plain
        case "is":
            return plain == "public"
        case _:
            return False


def _find_code(world: World, query: Query, budget: _Budget) -> Iterator[tuple[Repository, Entry]]:
    where = Query((), (), tuple(q for q in query.qualifiers if q.key in {"user", "org", "fork"}))
    wanted = [name.lower() for name in query.values("repo")]
    for repo in sorted(world.repositories.values(), key=lambda repo: repo.full_name.lower()):
        commit = repo.store.commit(repo.default_branch)
        if commit is None or (wanted and repo.full_name.lower() not in wanted) or not _is_searched(world, repo, where):
            continue
        for entry in repo.store.entries(commit.tree, recursive=True):
            if entry.type == "blob" and (entry.size or 0) < _CODE_FILE_LIMIT and _path_fits(entry, query):
                if (query.words or query.refused_words) and not _text_fits(repo, entry, query, budget):
                    continue
                yield repo, entry


def _is_searched(world: World, repo: Repository, where: Query) -> bool:
    parent = world.repositories.get(repo.parent_id or 0)
    if parent and repo.stars <= parent.stars:
        return False
    with_forks = Query((), (), (*where.qualifiers, *parse("fork:true").qualifiers))
    return _repository_fits(repo, with_forks)


def _path_fits(entry: Entry, query: Query) -> bool:
    """Say whether a file fits the qualifiers; globs and regular expressions match nothing, as there."""
    name = posixpath.basename(entry.path).lower()
    folder = folder_of(entry.path).lower()
    for qualifier in query.qualifiers:
        value = qualifier.value.lower()
        match qualifier.key:
            case "filename":
                fits = name == value or value in posixpath.splitext(name)[0]
            case "extension":
                fits = posixpath.splitext(name)[1] == f".{value.lstrip('.')}"
            case "path":
                wanted = value.strip("/")
                fits = folder == wanted or folder.startswith(f"{wanted}/") or (value == "/" and not folder)
            case "size":
                fits = number_matches(entry.size or 0, qualifier.value)
            case "user" | "org" | "repo" | "in" | "fork":
                continue
            case _:
                fits = False
        if fits is qualifier.negated:
            return False
    return True


def _text_fits(repo: Repository, entry: Entry, query: Query, budget: _Budget) -> bool:
    if budget.is_spent:
        return False
    content = (repo.store.blob(entry.oid) or b"").lower()
    budget.left -= len(content)
    text = content + b"\n" + entry.path.lower().encode()
    return all(word.encode() in text for word in query.words) and not any(
        word.encode() in text for word in query.refused_words
    )


def _code_item(call: Call, repo: Repository, entry: Entry) -> dict[str, Any]:
    base = f"{call.sites.api}/repositories/{repo.id}"
    head = repo.store.commit(repo.default_branch)
    ref = str(head.id) if head else repo.default_branch
    return {
        "name": posixpath.basename(entry.path),
        "path": entry.path,
        "sha": entry.oid,
        "url": f"{base}/contents/{entry.path}?ref={ref}",
        "git_url": f"{base}/git/blobs/{entry.oid}",
        "html_url": f"{call.sites.html}/{repo.full_name}/blob/{ref}/{entry.path}",
        "repository": _minimal(shapes.repository(repo, call.sites)),
        "score": 1.0,
    }


def _text_matches(repo: Repository, entry: Entry, query: Query, address: str) -> list[dict[str, Any]]:
    """Show where each word occurs first, with the line around it."""
    text = (repo.store.blob(entry.oid) or b"").decode(errors="replace")
    found = []
    for word in query.words:
        start = text.lower().find(word)
        if start < 0:
            continue
        begin = text.rfind("\n", 0, start) + 1
        fragment = text[begin:].partition("\n")[0][:_FRAGMENT]
        matched = {"text": text[start : start + len(word)], "indices": [start - begin, start - begin + len(word)]}
        found.append(
            {
                "object_url": address,
                "object_type": "FileContent",
                "property": "content",
                "fragment": fragment,
                "matches": [matched],
            }
        )
    return found


def _minimal(body: dict[str, Any]) -> dict[str, Any]:
    """Keep what code search says of a repository: names, addresses and whose it is."""
    kept = {"id", "node_id", "name", "full_name", "private", "owner", "description", "fork"}
    gone = {"git_url", "ssh_url", "clone_url", "svn_url", "mirror_url"}
    return {key: value for key, value in body.items() if (key in kept or key.endswith("url")) and key not in gone}
