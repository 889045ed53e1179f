"""GitHub's limits: who may ask, who must wait, and that all workers agree on it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from skillcrawler.errors import CrawlError, CredentialRefused, FetchFailed, RateLimited
from skillcrawler.fetch import Fetcher
from skillcrawler.github import GitHub
from skillcrawler.github.credentials import read_credentials
from skillcrawler.github.limits import choose, is_limit, read_headers, wait
from skilldata.budgets import Budget, Budgets
from skilldata.config import load_settings
from skilldata.errors import ConfigurationError, ServiceUnavailable
from skilldata.models import RepositoryState
from tests.conftest import Registry
from tests.standin import StandIn

NAMES = ["a", "b"]
MakeGitHub = Callable[..., GitHub]


def budget(credential: str, left: int, *, limit: int = 100, resets_in: float = 600, blocked_for: float = 0) -> Budget:
    return Budget(credential, "core", limit, left, resets_in, blocked_for)


@pytest.mark.parametrize(
    ("budgets", "chosen"),
    [
        ([budget("a", 50), budget("b", 80)], "b"),
        ([budget("a", 50)], "b"),
        ([budget("a", 1), budget("b", 0)], "a"),
        ([budget("a", 50, blocked_for=5), budget("b", 1)], "b"),
        ([budget("a", 0, resets_in=0), budget("b", 80)], "a"),
        ([budget("a", 80), Budget("a", "secondary", None, None, 0, 30), budget("b", 1)], "b"),
    ],
)
def test_the_credential_with_most_left_asks(budgets: list[Budget], chosen: str) -> None:
    assert choose(NAMES, budgets, "core", 0) == chosen


@pytest.mark.parametrize(
    ("budgets", "reserve", "seconds"),
    [
        ([budget("a", 0, resets_in=600), budget("b", 0, resets_in=90)], 0, 90),
        ([budget("a", 10), budget("b", 10, resets_in=700)], 0.1, 600),
        ([budget("a", 50, blocked_for=5), budget("b", 50, blocked_for=7)], 0, 5),
        ([Budget("a", "secondary", None, None, 0, 30), Budget("b", "secondary", None, None, 0, 20)], 0, 20),
    ],
)
def test_where_none_may_ask_the_first_that_may_says_when(budgets: list[Budget], reserve: float, seconds: float) -> None:
    with pytest.raises(RateLimited) as caught:
        choose(NAMES, budgets, "core", reserve)
    assert caught.value.retry_after == seconds


def test_the_reserve_is_left_to_who_may_use_it() -> None:
    budgets = [budget("a", 10), budget("b", 10)]
    assert choose(NAMES, budgets, "core", 0.0) in NAMES


@pytest.mark.parametrize(
    ("headers", "seconds", "secondary"),
    [
        ({"retry-after": "30"}, 30, True),
        ({"retry-after": "30", "x-ratelimit-remaining": "0"}, 30, False),
        ({"retry-after": "soon"}, None, True),
        ({}, None, True),
        ({"x-ratelimit-remaining": "7"}, None, True),
        (
            {
                "x-ratelimit-limit": "60",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": "1000090",
                "date": "Mon, 12 Jan 1970 13:46:40 GMT",
            },
            91,
            False,
        ),
    ],
)
def test_how_long_to_wait_is_what_the_headers_say(
    headers: dict[str, str], seconds: float | None, secondary: bool
) -> None:
    assert wait(headers) == (seconds, secondary)


@pytest.mark.parametrize("value", ["", "many", "1e999", "-"])
def test_headers_that_say_nothing_are_no_reading(value: str) -> None:
    headers = {"x-ratelimit-limit": value, "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1"}
    assert read_headers(headers, "core") is None


# -- against the local GitHub


@pytest.fixture
def make(registry: Registry, github: StandIn) -> Iterator[MakeGitHub]:
    """Makes clients as of so many workers, on one index."""
    made: list[GitHub] = []

    def client(**values: Any) -> GitHub:
        settings = type(registry.settings.github).model_validate({**registry.settings.github.model_dump(), **values})
        made.append(GitHub(settings, Budgets(registry.database)))
        return made[-1]

    github.add_repository("acme/tools", {"README.md": "x"})
    yield client
    for one in made:
        one.close()


def asked(github: StandIn) -> list[tuple[str, int]]:
    """Who asked for the repository, and what the answer's status was."""
    return [(one.token, one.status) for one in github.wire_log() if one.path == "/repos/acme/tools"]


def test_when_one_token_is_used_up_the_other_goes_on(github: StandIn, make: MakeGitHub) -> None:
    github.add_token("second-token", name="second", limits={"core": 3})
    client = make(tokens=["second-token"])
    for _ in range(10):
        client.repository("acme", "tools")
    assert [status for _, status in asked(github)] == [200] * 10
    assert len({token for token, _ in asked(github)}) == 2
    assert sum(token == "second" for token, _ in asked(github)) <= 3


def test_a_limit_that_github_tells_is_kept_by_all_workers(github: StandIn, make: MakeGitHub) -> None:
    github.inject(path="/repos/acme/tools", status=429, retry_after=2, count=1)
    first, second = make(), make()
    with pytest.raises(RateLimited) as caught:
        first.repository("acme", "tools")
    assert 1 < caught.value.retry_after <= 2
    for client in (second, first, make()):
        with pytest.raises(RateLimited):
            client.repository("acme", "tools")
    assert len(asked(github)) == 1
    time.sleep(caught.value.retry_after)  # the time that GitHub gave is over, not a condition to await
    second.repository("acme", "tools")
    assert [status for _, status in asked(github)] == [429, 200]


@pytest.mark.parametrize("status", [403, 429])
def test_without_a_word_on_how_long_it_is_a_minute_and_then_two(
    registry: Registry, github: StandIn, make: MakeGitHub, status: int
) -> None:
    github.inject(path="/repos/acme/tools", status=status, message="You have exceeded a secondary rate limit.", count=2)
    client = make()
    waits = []
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            client.repository("acme", "tools")
        waits.append(round(caught.value.retry_after))
        registry.rows("UPDATE github_budget SET blocked_until = now() - interval '1 s' RETURNING 1")
    assert waits == [60, 120]
    client.repository("acme", "tools")
    assert registry.rows("SELECT strikes FROM github_budget WHERE bucket = 'secondary'") == [(0,)]


def test_a_secondary_limit_holds_for_every_bucket(github: StandIn, make: MakeGitHub) -> None:
    github.inject(path="/repos/acme/tools", status=403, retry_after=30, count=1)
    client = make()
    with pytest.raises(RateLimited):
        client.repository("acme", "tools")
    with pytest.raises(RateLimited):
        client.probe(["R_x"])
    assert [one.kind for one in github.wire_log()] == ["rest"]


def test_graphql_that_is_limited_at_status_200_is_a_limit(github: StandIn, make: MakeGitHub) -> None:
    github.inject(path="/graphql", graphql="RATE_LIMITED", count=1)
    client = make()
    with pytest.raises(RateLimited) as caught:
        client.probe(["R_x"])
    assert caught.value.retry_after >= 1
    with pytest.raises(RateLimited):
        client.probe(["R_x"])
    assert len(github.wire_log()) == 1


def test_graphql_that_is_limited_for_one_token_is_asked_with_another(github: StandIn, make: MakeGitHub) -> None:
    github.add_token("second-token", name="second")
    github.inject(path="/graphql", graphql="RATE_LIMITED", count=1)
    answer = make(tokens=["second-token"]).probe(["R_x"])
    assert answer.missing == [("R_x", RepositoryState.GONE)]
    assert len({one.token for one in github.wire_log()}) == 2


def test_a_token_that_github_refuses_does_not_stop_the_others(github: StandIn, make: MakeGitHub) -> None:
    github.add_token("second-token", name="second")
    github.revoke_token("second-token")
    client = make(tokens=["second-token"])
    for _ in range(5):
        client.repository("acme", "tools")
    assert sum(status == 401 for _, status in asked(github)) <= 1


def test_the_only_token_that_github_refuses_is_named(github: StandIn, make: MakeGitHub) -> None:
    with pytest.raises(CrawlError, match="HTTP 401") as caught:
        make(token="wrong").repository("acme", "tools")
    assert "github.token" in caught.value.remedy


def test_the_reserve_is_kept_for_what_somebody_waits_for(github: StandIn, make: MakeGitHub) -> None:
    github.add_token("small-token", name="small", limits={"core": 10})
    client = make(token="small-token", reserve=0.5)
    for _ in range(5):
        client.repository("acme", "tools")
    with pytest.raises(RateLimited):
        client.repository("acme", "tools")
    for _ in range(5):
        client.on_demand().repository("acme", "tools")
    with pytest.raises(RateLimited):
        client.on_demand().repository("acme", "tools")
    assert [status for _, status in asked(github)] == [200] * 10


def test_workers_never_send_more_than_the_window_has(github: StandIn, make: MakeGitHub) -> None:
    github.add_token("small-token", name="small", limits={"core": 20})
    clients = [make(token="small-token", reserve=0) for _ in range(4)]
    clients[0].repository("acme", "tools")

    def ask(client: GitHub) -> None:
        for _ in range(10):
            try:
                client.repository("acme", "tools")
            except RateLimited:
                return

    threads = [threading.Thread(target=ask, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [status for _, status in asked(github)] == [200] * 20


def test_an_installation_of_an_app_signs_in(registry: Registry, github: StandIn, make: MakeGitHub) -> None:
    app = github.add_app(app_id=7, installation_id=8)
    apps = [{"app_id": 7, "installation_id": 8, "private_key": app.private_key}]
    client = make(token=None, apps=apps)
    assert client.has_token
    client.repository("acme", "tools")
    assert asked(github) == [("app-7-1", 200)]
    assert client.git_signature().token
    assert {one.credential for one in Budgets(registry.database).list()} == {"app-7-installation-8"}


def test_the_index_tells_nothing_of_a_token(registry: Registry, make: MakeGitHub) -> None:
    make().repository("acme", "tools")
    token = registry.settings.github.token
    assert token is not None
    assert token.get_secret_value() not in str(registry.rows("SELECT * FROM github_budget"))


def test_tokens_and_apps_are_read_from_a_secret_file(tmp_path: Any) -> None:
    apps, tokens = tmp_path / "apps", tmp_path / "tokens"
    apps.write_text(json.dumps([{"app_id": 1, "installation_id": 2, "private_key": "pem"}]))
    tokens.write_text('["one", "two"]')
    github = load_settings(
        environment={"SKILLREGISTRY_GITHUB__APPS_FILE": str(apps), "SKILLREGISTRY_GITHUB__TOKENS_FILE": str(tokens)}
    ).github
    assert [one.get_secret_value() for one in github.tokens] == ["one", "two"]
    assert github.apps[0].installation_id == 2


def test_a_wrong_app_is_named_without_its_key(tmp_path: Any) -> None:
    apps = json.dumps([{"app_id": 0, "installation_id": 2, "private_key": "very-secret"}])
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment={"SKILLREGISTRY_GITHUB__APPS": apps})
    assert "github.apps" in str(caught.value)
    assert "very-secret" not in str(caught.value)


# -- what is no limit, and what is one without saying so in a header


def test_no_text_of_a_repository_passes_for_a_limit(github: StandIn, make: MakeGitHub) -> None:
    for description in ("RATE_LIMITED", "You have exceeded a secondary rate limit"):
        github.add_repository("acme/hostile", {"README.md": "x"}, description=description)
        node = next(one["node_id"] for one in github.repositories() if one["full_name"] == "acme/hostile")
        assert make().probe([node]).repositories[0].description == description
        github.delete("acme/hostile")


@pytest.mark.parametrize(
    ("errors", "limited"),
    [
        ([{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}], True),
        ([{"type": "RATE_LIMIT", "message": "API rate limit exceeded"}], True),
        ([{"message": "You have exceeded a secondary rate limit."}], True),
        ([{"type": "NOT_FOUND", "message": "Could not resolve to a Repository named 'acme/rate limit'."}], False),
        ([{"type": "RESOURCE_LIMITS_EXCEEDED", "message": "Resource limits for this query exceeded."}], False),
        ("no list", False),
    ],
)
def test_what_graphql_says_at_status_200(errors: Any, limited: bool) -> None:
    assert is_limit(200, {}, json.dumps({"data": None, "errors": errors}), "graphql") is limited


def test_at_status_200_only_graphql_is_limited() -> None:
    assert not is_limit(200, {}, '{"errors": [{"type": "RATE_LIMITED"}]}', "core")
    assert is_limit(200, {"retry-after": "3"}, '{"errors": [{"message": "wait"}]}', "graphql")


@pytest.mark.parametrize("value", ["1e999", "nan", "-1", "1" * 40])
def test_a_time_that_makes_no_sense_is_none(value: str) -> None:
    assert wait({"retry-after": value}) == (None, True)
    headers = {"x-ratelimit-limit": "5", "x-ratelimit-remaining": "1", "x-ratelimit-reset": value}
    assert read_headers(headers, "core") is None or value == "-1"


def test_a_time_of_day_is_read_on_the_clock_of_github() -> None:
    headers = {"retry-after": "Mon, 12 Jan 1970 13:48:40 GMT", "date": "Mon, 12 Jan 1970 13:46:40 GMT"}
    assert wait(headers) == (120, True)


# -- credentials that GitHub does not take


def test_an_app_that_is_not_installed_takes_no_repository_for_gone(github: StandIn, make: MakeGitHub) -> None:
    app = github.add_app(app_id=7, installation_id=8)
    apps = [{"app_id": 7, "installation_id": 9, "private_key": app.private_key}]
    client = make(token=None, apps=apps)
    for ask in (lambda: client.repository("acme", "tools"), lambda: client.probe(["R_x"]), client.git_signature):
        with pytest.raises(CredentialRefused, match="app-7-installation-9"):
            ask()
    other = make(apps=apps)
    for _ in range(3):
        assert other.repository("acme", "tools").name == "tools"
        assert other.git_signature().token == github.token
    assert sum(one.path.endswith("/access_tokens") for one in github.wire_log()) == 4


def test_a_wrong_key_of_an_app_is_named_at_the_start(make: MakeGitHub) -> None:
    with pytest.raises(ConfigurationError, match="app-7-installation-8") as caught:
        make(apps=[{"app_id": 7, "installation_id": 8, "private_key": "very-secret"}])
    assert "very-secret" not in str(caught.value)


def test_a_limit_on_the_tokens_of_an_app_is_kept_too(github: StandIn, make: MakeGitHub) -> None:
    app = github.add_app(app_id=7, installation_id=8)
    github.inject(path="/access_tokens", status=403, retry_after=30, count=1)
    client = make(token=None, apps=[{"app_id": 7, "installation_id": 8, "private_key": app.private_key}])
    for ask in (client.git_signature, client.git_signature, lambda: client.repository("acme", "tools")):
        with pytest.raises(RateLimited) as caught:
            ask()
        assert 28 < caught.value.retry_after <= 30
    assert len(github.wire_log()) == 1


def test_a_token_of_an_app_is_made_once_for_all_threads_and_anew_before_it_expires(
    github: StandIn, make: MakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = github.add_app(app_id=7, installation_id=8)
    client = make(token=None, apps=[{"app_id": 7, "installation_id": 8, "private_key": app.private_key}])

    def made() -> int:
        return sum(one.path.endswith("/access_tokens") for one in github.wire_log())

    def ask() -> None:
        client.repository("acme", "tools")
        client.git_signature()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made() == 1
    old = client.git_signature().token
    # As if it had less than this to live: PyGithub makes a new one 20 seconds before the end.
    monkeypatch.setattr("github.Auth.TOKEN_REFRESH_THRESHOLD_TIMEDELTA", timedelta(hours=2))
    assert client.git_signature().token != old
    assert made() == 2
    client.repository("acme", "tools")
    token, status = asked(github)[-1]
    assert (token != "app-7-1", status) == (True, 200)


def test_a_revoked_token_takes_no_repository_for_gone(
    registry: Registry, github: StandIn, make: MakeGitHub, tmp_path: Path
) -> None:
    github.add_token("second-token", name="second")
    github.revoke_token("second-token")
    client = make(token="second-token")
    fetcher = Fetcher(registry.settings.github, registry.settings.crawl, tmp_path, client)
    with pytest.raises(FetchFailed):
        fetcher.head("acme", "tools")


def test_git_passes_over_a_credential_that_must_wait(registry: Registry, github: StandIn, make: MakeGitHub) -> None:
    github.add_token("second-token", name="second")
    client = make(tokens=["second-token"])
    assert {client.git_signature().token for _ in range(4)} == {github.token, "second-token"}
    second = next(one.name for one in read_credentials(registry.settings.github.model_copy(
        update={"token": SecretStr("second-token")})))  # fmt: skip
    Budgets(registry.database).block(second, "secondary", 30)
    assert {client.git_signature().token for _ in range(4)} == {github.token}


def test_the_key_of_an_app_is_read_from_a_file(tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    key.write_text("pem\n")
    one = {"app_id": 1, "installation_id": 2, "private_key_file": str(key)}
    github = load_settings(environment={"SKILLREGISTRY_GITHUB__APPS": json.dumps([one])}).github
    assert github.apps[0].private_key.get_secret_value() == "pem"
    key.unlink()
    with pytest.raises(ConfigurationError, match=r"key\.pem"):
        load_settings(environment={"SKILLREGISTRY_GITHUB__APPS": json.dumps([one])})


def test_a_wrong_name_or_form_shows_no_secret() -> None:
    with pytest.raises(ConfigurationError) as typo:
        load_settings(environment={}, github={"tokn": "very-secret"})
    with pytest.raises(ConfigurationError) as form:
        load_settings(environment={"SKILLREGISTRY_GITHUB__TOKENS": "very-secret"})
    assert "github.tokn" in str(typo.value)
    assert "SKILLREGISTRY_GITHUB__TOKENS" in str(form.value)
    assert "very-secret" not in str(typo.value) + str(form.value) + repr(form.value.__cause__)


def test_answers_of_several_buckets_at_once_never_wait_for_each_other(registry: Registry) -> None:
    budgets = Budgets(registry.database)
    buckets = ("core", "graphql", "search")
    failed = []

    def note(bucket: str) -> None:
        try:
            for _ in range(60):
                budgets.block("a", bucket, 0)
                budgets.note("a", bucket, limit=5, left=1, resets_in=9)
        except ServiceUnavailable as error:
            failed.append(error)

    threads = [threading.Thread(target=note, args=[bucket]) for bucket in buckets * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
