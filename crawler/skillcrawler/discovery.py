"""Finding repositories: what each kind of source lists."""

from __future__ import annotations

from collections.abc import Iterator

from skillcrawler.errors import CrawlError
from skillcrawler.github import GitHub
from skilldata.models import Repository, Source, SourceKind


def discover(github: GitHub, source: Source) -> Iterator[Repository]:
    """List the repositories of a source.

    Raises:
        CrawlError: The target is no such thing, or GitHub could not be asked; see `skillcrawler.errors`.
    """
    match source.kind:
        case SourceKind.OWNER:
            yield from github.owner_repositories(source.target)
        case SourceKind.REPOSITORY:
            yield github.repository(*split_name(source.target))
        case SourceKind.TOPIC:
            yield from github.search_repositories(f"topic:{source.target}")
        case SourceKind.SEARCH:
            yield from github.search_repositories(source.target)


def split_name(target: str) -> tuple[str, str]:
    """Take `owner/name` apart.

    Raises:
        CrawlError: It is something else.
    """
    owner, slash, name = target.partition("/")
    if not slash or not owner or not name or "/" in name:
        raise CrawlError(f"{target!r} is no repository", remedy="Write it as owner/name.")
    return owner, name
