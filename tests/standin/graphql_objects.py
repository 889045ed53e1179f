"""What GraphQL queries see: one class per type, one member per field, in snake case.

A member is a value or a method that takes the field's arguments. A field that no member stands for is an
error of the query, never a silent null: the stand-in answers truthfully or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.standin import licence
from tests.standin.calls import timestamp
from tests.standin.graphql_base import Connection, Context, Object
from tests.standin.graphql_errors import QueryProblem
from tests.standin.graphql_git import RefObject, git_object
from tests.standin.ids import node_id, numeric_id, read_node_id
from tests.standin.search import find_repositories
from tests.standin.search_query import QueryError, parse
from tests.standin.world import Owner, Repository

_SEARCH_LIMIT = 1_000


class OwnerObject(Object):
    """An Organization or a User."""

    def __init__(self, context: Context, owner: Owner) -> None:
        super().__init__(context)
        self._owner = owner
        self.typename = owner.kind  # type: ignore[misc] # one class stands for two types
        self.id = owner.node_id
        self.database_id = owner.id
        self.login = self.name = owner.login
        self.resource_path = f"/{owner.login}"
        self.url = f"{context.sites.html}/{owner.login}"

    def avatar_url(self, size: int | None = None) -> str:
        return f"{self.url}.png" + (f"?size={size}" if size else "")

    def repository(self, name: str, follow_renames: bool = True) -> RepositoryObject:
        return _repository(self.context, self._owner.login, name, follow_renames)

    def repositories(
        self,
        is_archived: bool | None = None,
        is_fork: bool | None = None,
        order_by: dict[str, str] | None = None,
        privacy: str | None = None,
        visibility: str | None = None,
        owner_affiliations: Sequence[str] = (),
        **page: Any,
    ) -> Connection:
        found = [
            repo
            for repo in self.context.world.owned_by(self._owner)
            if is_archived in {None, repo.archived}
            and is_fork in {None, repo.parent_id is not None}
            and "PRIVATE" not in {privacy, visibility}
        ]
        if order_by:
            keys: dict[str, Callable[[Repository], Any]] = {
                "CREATED_AT": lambda repo: repo.created_at,
                "UPDATED_AT": lambda repo: repo.updated_at,
                "PUSHED_AT": lambda repo: repo.pushed_at,
                "NAME": lambda repo: repo.name.lower(),
                "STARGAZERS": lambda repo: repo.stars,
            }
            found.sort(key=keys[order_by["field"]], reverse=order_by["direction"] == "DESC")
        return Connection(self.context, found, lambda repo: RepositoryObject(self.context, repo), **page)


class RepositoryObject(Object):
    """A Repository."""

    typename = "Repository"

    def __init__(self, context: Context, repo: Repository) -> None:
        super().__init__(context)
        self.repo = repo
        self.id, self.database_id = repo.node_id, repo.id
        self.name, self.name_with_owner = repo.name, repo.full_name
        self.description, self.homepage_url = repo.description, repo.homepage
        self.resource_path = f"/{repo.full_name}"
        self.url = f"{context.sites.html}/{repo.full_name}"
        self.ssh_url = f"git@{context.sites.html.split('://', 1)[1]}:{repo.full_name}.git"
        self.stargazer_count, self.fork_count, self.disk_usage = repo.stars, repo.forks, repo.size_kib
        self.is_archived, self.is_disabled, self.is_fork = repo.archived, repo.disabled, repo.parent_id is not None
        self.is_private = self.is_locked = self.is_mirror = self.is_template = self.is_in_organization = False
        self.is_in_organization = repo.owner.kind == "Organization"
        self.visibility = "PUBLIC"
        self.created_at, self.updated_at = timestamp(repo.created_at), timestamp(repo.updated_at)
        self.archived_at = timestamp(repo.updated_at) if repo.archived else None
        self.viewer_permission = "READ"
        self.has_issues_enabled = True
        self.has_wiki_enabled = self.has_projects_enabled = self.has_discussions_enabled = False

    def owner(self) -> OwnerObject:
        return OwnerObject(self.context, self.repo.owner)

    def pushed_at(self) -> str | None:
        return None if self.repo.is_empty else timestamp(self.repo.pushed_at)

    def is_empty(self) -> bool:
        return self.repo.is_empty

    def default_branch_ref(self) -> RefObject | None:
        return self.ref(self.repo.default_branch)

    def ref(self, qualified_name: str) -> RefObject | None:
        name = qualified_name.removeprefix("refs/heads/")
        oid = self.repo.store.branches().get(name)
        return RefObject(self, name, oid) if oid else None

    def license_info(self) -> LicenseObject | None:
        found = self.repo.licence
        return LicenseObject(self.context, found) if found else None

    def parent(self) -> RepositoryObject | None:
        found = self.context.world.repositories.get(self.repo.parent_id or 0)
        return RepositoryObject(self.context, found) if found else None

    def primary_language(self) -> dict[str, Any] | None:
        name = self.repo.language
        return {"id": node_id("LA", numeric_id(f"language {name}")), "name": name, "color": None} if name else None

    def repository_topics(self, **page: Any) -> Connection:
        return Connection(self.context, self.repo.topics, lambda name: TopicLink(self, name), **page)

    def object(self, oid: str | None = None, expression: str | None = None) -> Object | None:
        if oid is not None:
            return git_object(self, self.repo.store.get(oid))
        revision, colon, path = (expression or "").partition(":")
        commit = self.repo.store.commit(self.repo.default_branch if revision in {"", "HEAD"} else revision)
        if commit is None:
            return git_object(self, self.repo.store.get(revision)) if not colon else None
        return git_object(self, self.repo.store.at(commit, path) if colon else commit)


class LicenseObject(Object):
    """A License."""

    typename = "License"

    def __init__(self, context: Context, found: licence.Licence) -> None:
        super().__init__(context)
        self.id = node_id("L", numeric_id(f"licence {found.key}"))
        self.key, self.name, self.spdx_id = found.key, found.name, found.spdx_id
        self.nickname = None
        self.pseudo_license = not found.is_known
        self.url = f"http://choosealicense.com/licenses/{found.key}/" if found.is_known else None


class TopicLink(Object):
    """A RepositoryTopic."""

    typename = "RepositoryTopic"

    def __init__(self, repository: RepositoryObject, name: str) -> None:
        super().__init__(repository.context)
        self.id = node_id("RT", repository.repo.id, name)
        self.resource_path = f"/topics/{name}"
        self.url = f"{self.context.sites.html}/topics/{name}"
        self.topic = {"id": node_id("T", numeric_id(f"topic {name}")), "name": name}


class Search(Connection):
    """Results of a search; only repositories can be searched for here."""

    typename = "SearchResultItemConnection"

    def __init__(self, context: Context, found: list[Repository], **page: Any) -> None:
        items = found[:_SEARCH_LIMIT]
        super().__init__(context, items, lambda repo: RepositoryObject(context, repo), **page)
        self.repository_count = len(found)
        self.code_count = self.discussion_count = self.issue_count = self.user_count = self.wiki_count = 0


class QueryObject(Object):
    """The root."""

    typename = "Query"

    def repository(self, owner: str, name: str, follow_renames: bool = True) -> RepositoryObject:
        return _repository(self.context, owner, name, follow_renames)

    def repository_owner(self, login: str) -> OwnerObject:
        found = self.context.world.owners.get(login.lower())
        if found is None:
            raise QueryProblem("NOT_FOUND", f"Could not resolve to a RepositoryOwner with the login of '{login}'.")
        return OwnerObject(self.context, found)

    def organization(self, login: str) -> OwnerObject:
        return self._owner_of_kind(login, "Organization")

    def user(self, login: str) -> OwnerObject:
        return self._owner_of_kind(login, "User")

    def node(self, id: str) -> Object:  # noqa: A002 - the field's argument has this name
        return _node(self.context, id)

    def nodes(self, ids: list[str]) -> list[Object | Exception]:
        found: list[Object | Exception] = []
        for number in ids:
            try:
                found.append(_node(self.context, number))
            except QueryProblem as problem:
                found.append(problem)
        return found

    def search(self, query: str, type: str, **page: Any) -> Search:  # noqa: A002 - as above
        if type != "REPOSITORY":
            raise QueryProblem("UNPROCESSABLE", f"the stand-in searches for REPOSITORY only, not {type}")
        try:
            return Search(self.context, find_repositories(self.context.world, parse(query)), **page)
        except QueryError as error:
            raise QueryProblem("UNPROCESSABLE", str(error)) from None

    def rate_limit(self, dry_run: bool = False) -> dict[str, Any]:
        quota = self.context.quota
        return {
            "cost": self.context.cost,
            "limit": quota.limit,
            "nodeCount": self.context.node_count,
            "remaining": quota.remaining,
            "resetAt": timestamp(datetime.fromtimestamp(quota.reset, UTC)),
            "used": quota.used,
        }

    def viewer(self) -> OwnerObject:
        token = self.context.token
        owner = Owner(token.user_id, token.login, "User") if token else Owner(0, "anonymous", "User")
        return OwnerObject(self.context, owner)

    def _owner_of_kind(self, login: str, kind: str) -> OwnerObject:
        found = self.context.world.owners.get(login.lower())
        if found is None or found.kind != kind:
            raise QueryProblem("NOT_FOUND", f"Could not resolve to {_an(kind)} with the login of '{login}'.")
        return OwnerObject(self.context, found)


def _repository(context: Context, owner: str, name: str, follow_renames: bool) -> RepositoryObject:
    found = context.world.find(owner, name)
    if found is None and follow_renames:
        found = context.world.find_moved(owner, name)
    if found is None:
        raise QueryProblem("NOT_FOUND", f"Could not resolve to a Repository with the name '{owner}/{name}'.")
    return _visible(context, found)


def _visible(context: Context, repo: Repository) -> RepositoryObject:
    if repo.block:
        raise QueryProblem("FORBIDDEN", "Repository access blocked")
    return RepositoryObject(context, repo)


def _node(context: Context, global_id: str) -> Object:
    decoded = read_node_id(global_id)
    if decoded:
        prefix, number, inner = decoded
        repo = context.world.repositories.get(number)
        if prefix == "R" and repo and inner is None:
            return _visible(context, repo)
        if prefix in {"C", "T", "B"} and repo and inner:
            found = git_object(_visible(context, repo), repo.store.get(inner))
            if found:
                return found
        owner = next((o for o in context.world.owners.values() if o.node_id == global_id), None)
        if owner:
            return OwnerObject(context, owner)
    raise QueryProblem("NOT_FOUND", f"Could not resolve to a node with the global id of '{global_id}'.")


def _an(kind: str) -> str:
    return f"an {kind}" if kind[0] in "AEIOU" else f"a {kind}"
