"""Telling a CDN which paths have new content.

Documents are served for a minute, so a CDN that is not told of one learns it soon. It is otherwise with a package that
was taken away, which caches may keep for a year; so what could not be told is told with the next publish.
"""

from __future__ import annotations

import http.client
import json
import logging
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence

from skilldata.config import PublishSettings
from skilldata.errors import NotFound
from skilldata.publish.order import ROOT, STATE
from skilldata.publish.target import MAX_CHANGED, Target

COMMAND_SECONDS = 60
REQUEST_SECONDS = 10
PATHS_AT_ONCE = 500  # in a request
UNPURGED = f"{ROOT}unpurged.json"  # what is still to be told
EVERYTHING = ("index/v1/*", "packages/*", "r/*", ".well-known/*", "marketplace.json")  # above `MAX_CHANGED`

logger = logging.getLogger(__name__)


def purge(settings: PublishSettings, paths: Sequence[str]) -> str:
    """Run the command and ask the address that are set.

    Args:
        settings: Command and address; without either nothing happens.
        paths: What has new content; more than `MAX_CHANGED` are named by folders instead. The command reads them
            from standard input, one a line; the address is sent `{"paths": […]}`, `PATHS_AT_ONCE` at a time.

    Returns:
        What went wrong, '' where nothing did: a snapshot is live whether or not a CDN was told.
    """
    named = paths if len(paths) <= MAX_CHANGED else EVERYTHING
    if not named:
        return ""
    return "; ".join(problem for problem in (_run(settings, named), _ask(settings, named)) if problem)


def purge_with_earlier(settings: PublishSettings, target: Target, paths: Iterable[str]) -> str:
    """Tell a CDN of paths, and of those that it could not be told of before.

    Args:
        settings: How it is told.
        target: Where what could not be told is noted.
        paths: What has new content.

    Returns:
        What went wrong, as `purge` says it; it is logged as a warning too.
    """
    if not (settings.purge_command or settings.purge_url):
        return ""
    earlier = _earlier(target)
    wanted = earlier | set(paths)
    problem = purge(settings, sorted(wanted))
    if problem:
        _note(target, _earlier(target) | wanted)
        logger.warning("%s: %s; the next publish tries again", target.name, problem)
    elif earlier:
        _note(target, _earlier(target) - wanted)  # others may have been noted meanwhile
    return problem


def _earlier(target: Target) -> set[str]:
    try:
        return set(json.loads(target.get(UNPURGED)))
    except (NotFound, ValueError):  # damaged notes are no reason not to publish
        return set()


def _note(target: Target, paths: set[str]) -> None:
    if paths:
        named = paths if len(paths) <= MAX_CHANGED else EVERYTHING
        target.put(UNPURGED, json.dumps(sorted(named)).encode() + b"\n", STATE)
    else:
        target.delete(UNPURGED)


def _run(settings: PublishSettings, paths: Sequence[str]) -> str:
    if not settings.purge_command:
        return ""
    try:
        subprocess.run(
            settings.purge_command,
            input="\n".join(paths) + "\n",
            encoding="utf-8",
            check=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
        )
    except (OSError, subprocess.SubprocessError) as error:
        return f"the purge command failed: {type(error).__name__}"  # its arguments may be secret
    return ""


def _ask(settings: PublishSettings, paths: Sequence[str]) -> str:
    if not settings.purge_url:
        return ""
    try:
        for start in range(0, len(paths), PATHS_AT_ONCE):
            _post(settings.purge_url.get_secret_value(), paths[start : start + PATHS_AT_ONCE])
    except urllib.error.HTTPError as error:
        return f"the purge address failed: it answered {error.code}"
    except (OSError, ValueError, http.client.HTTPException) as error:  # whose text may have the secret address
        return f"the purge address failed: {type(error).__name__}"
    return ""


def _post(url: str, paths: Sequence[str]) -> None:
    if not url.startswith(("https://", "http://")):
        raise ValueError("not a web address")
    request = urllib.request.Request(  # noqa: S310 - checked above
        url, json.dumps({"paths": list(paths)}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=REQUEST_SECONDS):  # noqa: S310
        pass
