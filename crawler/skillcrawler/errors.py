"""What can go wrong in a crawl.

    RegistryError                     (skilldata.errors)
    └── CrawlError                    a repository could not be crawled
        ├── RateLimited               GitHub says: not now; `retry_after` says when
        ├── GitHubUnavailable         GitHub does not answer, or answers nonsense
        ├── SearchRefused             GitHub does not take a search query
        ├── CredentialRefused         GitHub does not take a token or an installation of an App
        ├── RepositoryGone            404: deleted, private, or never there
        ├── RepositoryBlocked         451 or 403: GitHub itself does not hand it out
        ├── RepositoryEmpty           there is no commit
        ├── FetchFailed               git could not fetch it
        ├── FetchTooLarge             it is larger than the crawl accepts
        ├── TooManyEntries            it has more files and folders than the crawl accepts
        ├── ObjectMismatch            bytes that do not hash to their git object id
        └── PackageRefused            a skill that must not become a package

Gone, blocked, empty, too large and refused are results that the index records; the rest is worth
another try (`retryable`). Nothing here waits or retries: activities translate for Temporal.
"""

from __future__ import annotations

from typing import ClassVar

from skilldata.errors import RegistryError


class CrawlError(RegistryError):
    """A repository, or one skill of it, could not be crawled."""

    code = "crawl"
    retryable: ClassVar[bool] = False


class RateLimited(CrawlError):
    """GitHub asked to wait.

    Args:
        retry_after: Seconds until the next request may be sent.
        bucket: Which of GitHub's limits it is: `core`, `graphql`, `search`, `secondary` …
    """

    code = "rate-limited"
    retryable = True

    def __init__(self, retry_after: float, bucket: str) -> None:
        self.retry_after = retry_after
        self.bucket = bucket
        super().__init__(
            f"GitHub's {bucket} limit is used up for another {retry_after:.0f} s",
            remedy="Wait that long, or add credentials to the configuration (github.token).",
        )


class GitHubUnavailable(CrawlError):
    """GitHub did not answer, or answered with a server error or something that is no answer.

    Args:
        request: What was asked for, without credentials.
        reason: What came back.
        status: HTTP status, None where there was none.
    """

    code = "github-unavailable"
    retryable = True

    def __init__(self, request: str, reason: str, *, status: int | None = None) -> None:
        self.request = request
        self.reason = reason
        self.status = status
        answer = reason if status is None else f"HTTP {status}, {reason}"
        super().__init__(
            f"GitHub did not answer {request}: {answer}",
            remedy="Nothing to do: the crawl tries again later.",
        )


class SearchRefused(CrawlError):
    """GitHub does not take a search query, for its form or for an owner who is not there.

    Args:
        query: The query.
        reason: What GitHub says.
    """

    code = "search-refused"

    def __init__(self, query: str, reason: str) -> None:
        self.query = query
        super().__init__(
            f"GitHub refuses the search {query!r}: {reason}",
            remedy="Try the query on github.com, and correct the source's target.",
        )


class CredentialRefused(CrawlError):
    """GitHub does not take a credential.

    Args:
        credential: Its name, which tells nothing of it.
        status: HTTP status of GitHub's answer.
    """

    code = "credential-refused"

    def __init__(self, credential: str, status: int) -> None:
        self.credential = credential
        self.status = status
        super().__init__(
            f"GitHub does not take the credential {credential}: HTTP {status}",
            remedy="Check github.token, github.tokens and github.apps, and whether the App is installed.",
        )


class RepositoryGone(CrawlError):
    """The repository is no longer there, or is not public.

    Args:
        repository: `owner/name`, or the numeric id where no name is known.
    """

    code = "repository-gone"

    def __init__(self, repository: str) -> None:
        self.repository = repository
        super().__init__(
            f"{repository} is deleted, private or was never there",
            remedy="Check the name; a private repository needs a token that may read it.",
        )


class RepositoryBlocked(CrawlError):
    """GitHub itself refuses to hand the repository out.

    Args:
        repository: `owner/name`.
        reason: GitHub's word for it, such as `dmca` or `tos`.
    """

    code = "repository-blocked"

    def __init__(self, repository: str, reason: str) -> None:
        self.repository = repository
        self.reason = reason
        super().__init__(
            f"GitHub blocks {repository}: {reason}",
            remedy="Only GitHub or the repository's owner can lift the block.",
        )


class RepositoryEmpty(CrawlError):
    """The repository has no commit yet.

    Args:
        repository: `owner/name`.
    """

    code = "repository-empty"

    def __init__(self, repository: str) -> None:
        self.repository = repository
        super().__init__(f"{repository} has no commit yet", remedy="Push one; the next crawl sees it.")


class FetchFailed(CrawlError):
    """Git could not fetch the repository.

    Args:
        repository: `owner/name`.
        reason: The end of what git said.
    """

    code = "fetch-failed"
    retryable = True

    def __init__(self, repository: str, reason: str) -> None:
        self.repository = repository
        self.reason = reason
        super().__init__(
            f"git could not fetch {repository}: {reason}",
            remedy="Nothing to do: the crawl tries again later.",
        )


class FetchTooLarge(CrawlError):
    """The repository is larger than a crawl accepts.

    Args:
        repository: `owner/name`.
        limit: Bytes that a fetch may bring.
    """

    code = "fetch-too-large"

    def __init__(self, repository: str, limit: int) -> None:
        self.repository = repository
        self.limit = limit
        super().__init__(
            f"{repository} is larger than the {limit:,} bytes that a fetch may bring",
            remedy="Raise crawl.fetch_max_bytes if the repository is worth it.",
        )


class TooManyEntries(CrawlError):
    """The repository has more files and folders than a crawl accepts.

    Args:
        repository: `owner/name`.
        limit: Files and folders that are accepted.
    """

    code = "too-many-entries"

    def __init__(self, repository: str, limit: int) -> None:
        self.repository = repository
        self.limit = limit
        super().__init__(
            f"{repository} has more than {limit:,} files and folders",
            remedy="Raise crawl.max_entries if the repository is worth it.",
        )


class ObjectMismatch(CrawlError):
    """Bytes do not hash to the git object id they came under.

    Args:
        repository: `owner/name`.
        expected: The object id that was asked for.
        found: The object id of what came.
    """

    code = "object-mismatch"
    retryable = True

    def __init__(self, repository: str, expected: str, found: str) -> None:
        self.repository = repository
        self.expected = expected
        self.found = found
        super().__init__(
            f"{repository} sent object {found} where {expected} was asked for",
            remedy="The bytes are thrown away and fetched again; if it recurs, suspect a proxy on the way.",
        )


class PackageRefused(CrawlError):
    """A skill must not become a package; its other files and other skills are not touched.

    Args:
        rule: Id of the diagnostic rule that refuses it.
        message: What is wrong, naming the path.
        remedy: What its author can do, one sentence.
    """

    code = "package-refused"

    def __init__(self, rule: str, message: str, *, remedy: str) -> None:
        self.rule = rule
        super().__init__(message, remedy=remedy)
