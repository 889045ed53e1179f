"""Crawl errors keep their fields and say in one sentence what happened to what."""

from __future__ import annotations

import inspect

import pytest

from skillcrawler import errors
from skilldata.errors import RegistryError

CASES = [
    (errors.RateLimited(90.4, "graphql"), "GitHub's graphql limit is used up for another 90 s", True),
    (
        errors.GitHubUnavailable("GET /repos/o/r", "bad gateway", status=502),
        "GitHub did not answer GET /repos/o/r: HTTP 502, bad gateway",
        True,
    ),
    (errors.GitHubUnavailable("GET /", "timed out"), "GitHub did not answer GET /: timed out", True),
    (errors.SearchRefused("a b", "too long"), "GitHub refuses the search 'a b': too long", False),
    (errors.CredentialRefused("token-1f", 401), "GitHub does not take the credential token-1f: HTTP 401", False),
    (errors.RepositoryGone("o/r"), "o/r is deleted, private or was never there", False),
    (errors.RepositoryBlocked("o/r", "dmca"), "GitHub blocks o/r: dmca", False),
    (errors.RepositoryEmpty("o/r"), "o/r has no commit yet", False),
    (errors.FetchFailed("o/r", "early EOF"), "git could not fetch o/r: early EOF", True),
    (errors.TooManyEntries("o/r", 1000), "o/r has more than 1,000 files and folders", False),
    (errors.FetchTooLarge("o/r", 1 << 20), "o/r is larger than the 1,048,576 bytes that a fetch may bring", False),
    (
        errors.ObjectMismatch("o/r", "a" * 40, "b" * 40),
        f"o/r sent object {'b' * 40} where {'a' * 40} was asked for",
        True,
    ),
    (errors.PackageRefused("path.escapes", "../x leaves the skill", remedy="Move it."), "../x leaves the skill", False),
]


@pytest.mark.parametrize(("error", "sentence", "retryable"), CASES)
def test_error_names_the_thing_and_the_remedy(error: errors.CrawlError, sentence: str, retryable: bool) -> None:
    assert isinstance(error, RegistryError)
    assert error.message == sentence
    assert error.remedy
    assert str(error) == f"{sentence}\n  {error.remedy}"
    assert error.retryable is retryable


def test_every_error_is_in_the_drawn_tree_and_has_its_own_code() -> None:
    members = vars(errors).values()
    classes = [kind for kind in members if inspect.isclass(kind) and issubclass(kind, errors.CrawlError)]
    drawn = errors.__doc__ or ""
    assert all(kind.__name__ in drawn for kind in classes)
    assert len({kind.code for kind in classes}) == len(classes)
    assert {type(error) for error, _, _ in CASES} == set(classes) - {errors.CrawlError}
