"""JSON bodies of owners, repositories and licences, as GitHub's OpenAPI description has them."""

from __future__ import annotations

from typing import Any

from tests.standin.calls import Sites, timestamp
from tests.standin.ids import node_id, numeric_id
from tests.standin.licence import Licence
from tests.standin.world import Owner, Repository, World

_OWNER_LINKS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_LINKS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}


def simple_user(owner: Owner, sites: Sites) -> dict[str, Any]:
    """Describe an owner as it appears inside other bodies."""
    base = f"{sites.api}/users/{owner.login}"
    return {
        "login": owner.login,
        "id": owner.id,
        "node_id": owner.node_id,
        "avatar_url": f"{sites.html}/{owner.login}.png",
        "gravatar_id": "",
        "url": base,
        "html_url": f"{sites.html}/{owner.login}",
        **{key: base + suffix for key, suffix in _OWNER_LINKS.items()},
        "type": owner.kind,
        "user_view_type": "public",
        "site_admin": False,
    }


def public_user(owner: Owner, world: World, sites: Sites) -> dict[str, Any]:
    """Describe an owner on its own page."""
    repositories = list(world.owned_by(owner))
    times = [repo.created_at for repo in repositories] or [world.clock()]
    return {
        **simple_user(owner, sites),
        "name": owner.login,
        "company": None,
        "blog": "",
        "location": None,
        "email": None,
        "hireable": None,
        "bio": None,
        "twitter_username": None,
        "public_repos": len(repositories),
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "created_at": timestamp(min(times)),
        "updated_at": timestamp(max(times)),
    }


def simple_licence(licence: Licence | None, sites: Sites) -> dict[str, Any] | None:
    """Describe a licence inside other bodies."""
    if licence is None:
        return None
    return {
        "key": licence.key,
        "name": licence.name,
        "spdx_id": licence.spdx_id,
        "url": f"{sites.api}/licenses/{licence.key}" if licence.is_known else None,
        "node_id": node_id("L", numeric_id(f"licence {licence.key}")),
    }


def repository(repo: Repository, sites: Sites) -> dict[str, Any]:
    """Describe a repository as lists and searches do."""
    base = f"{sites.api}/repos/{repo.full_name}"
    html = f"{sites.html}/{repo.full_name}"
    host = sites.html.split("://", 1)[1]
    return {
        "id": repo.id,
        "node_id": repo.node_id,
        "name": repo.name,
        "full_name": repo.full_name,
        "private": False,
        "owner": simple_user(repo.owner, sites),
        "html_url": html,
        "description": repo.description,
        "fork": repo.parent_id is not None,
        "url": base,
        **{key: base + suffix for key, suffix in _REPOSITORY_LINKS.items()},
        "created_at": timestamp(repo.created_at),
        "updated_at": timestamp(repo.updated_at),
        "pushed_at": timestamp(repo.pushed_at),
        "git_url": f"git://{host}/{repo.full_name}.git",
        "ssh_url": f"git@{host}:{repo.full_name}.git",
        "clone_url": f"{html}.git",
        "svn_url": html,
        "homepage": repo.homepage,
        "size": repo.size_kib,
        "stargazers_count": repo.stars,
        "watchers_count": repo.stars,
        "language": repo.language,
        "has_issues": True,
        "has_projects": False,
        "has_downloads": False,
        "has_wiki": False,
        "has_pages": False,
        "has_discussions": False,
        "forks_count": repo.forks,
        "mirror_url": None,
        "archived": repo.archived,
        "disabled": repo.disabled,
        "open_issues_count": 0,
        "license": simple_licence(repo.licence, sites),
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": list(repo.topics),
        "visibility": "public",
        "forks": repo.forks,
        "open_issues": 0,
        "watchers": repo.stars,
        "default_branch": repo.default_branch,
    }


def full_repository(repo: Repository, world: World, sites: Sites) -> dict[str, Any]:
    """Describe a repository on its own page, with its parent where it is a fork."""
    body = repository(repo, sites)
    if repo.owner.kind == "Organization":
        body["organization"] = simple_user(repo.owner, sites)
    parent = world.repositories.get(repo.parent_id or 0)
    if parent:
        body["parent"] = body["source"] = repository(parent, sites)
    return body | {"network_count": repo.forks, "subscribers_count": repo.stars // 50, "temp_clone_token": None}
