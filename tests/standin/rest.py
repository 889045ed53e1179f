"""REST answers about repositories and owners. Git data is in `rest_git`, search in `search`."""

from __future__ import annotations

from tests.standin import shapes
from tests.standin.calls import ApiError, Call, Reply, not_found, page_of
from tests.standin.limits import BUCKETS, Limits, Quota
from tests.standin.world import Owner, Repository


def repository(call: Call) -> Reply:
    """GET /repos/{owner}/{repo}."""
    return Reply(shapes.full_repository(call.repo, call.world, call.sites))


def user(call: Call) -> Reply:
    """GET /users/{owner} and /orgs/{owner}."""
    return Reply(shapes.public_user(_owner(call), call.world, call.sites))


def authenticated_user(call: Call) -> Reply:
    """GET /user."""
    if call.token is None:
        raise ApiError(401, "Requires authentication")
    owner = Owner(call.token.user_id, call.token.login, "User")
    return Reply(shapes.public_user(owner, call.world, call.sites))


def repositories_of_user(call: Call) -> Reply:
    """GET /users/{owner}/repos and /orgs/{owner}/repos, with `type`, `sort` and `direction`."""
    repositories = [repo for repo in call.world.owned_by(_owner(call)) if _is_of_type(repo, call.query("type"))]
    sort = call.query("sort", "full_name")
    keys = {"created": "created_at", "updated": "updated_at", "pushed": "pushed_at"}
    if sort in keys:
        repositories.sort(key=lambda repo: getattr(repo, keys[sort]))
    if call.query("direction", "asc" if sort == "full_name" else "desc") == "desc":
        repositories.reverse()
    page, links = page_of(call, repositories)
    return Reply([shapes.repository(repo, call.sites) for repo in page], headers=links)


def releases_latest(call: Call) -> Reply:
    """GET …/releases/latest: no repository here has releases."""
    raise not_found()


def releases(call: Call) -> Reply:
    """GET …/releases: none."""
    return Reply([])


def topics(call: Call) -> Reply:
    """GET …/topics."""
    return Reply({"names": list(call.repo.topics)})


def rate_limit(call: Call, limits: Limits) -> Reply:
    """GET /rate_limit, which is free."""
    quotas = {name: _quota(limits.look(call.token, name)) for name in BUCKETS}
    return Reply({"resources": quotas, "rate": quotas["core"]})


def _owner(call: Call) -> Owner:
    owner = call.world.owners.get(call.path("owner").lower())
    if owner is None or (owner.kind == "User" and call.request.url.path.startswith("/orgs/")):
        raise not_found()
    return owner


def _is_of_type(repo: Repository, wanted: str) -> bool:
    fork = repo.parent_id is not None
    return {"forks": fork, "sources": not fork, "private": False, "member": False}.get(wanted, True)


def _quota(quota: Quota) -> dict[str, int | str]:
    return {"limit": quota.limit, "used": quota.used, "remaining": quota.remaining, "reset": quota.reset}
