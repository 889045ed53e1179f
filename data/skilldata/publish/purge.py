"""Telling a CDN which paths have new content. A CDN that is not told learns it within a minute all the same."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Sequence

from skilldata.config import PublishSettings

TIMEOUT_SECONDS = 60
MAX_PATHS = 1000  # above it everything is named by folders
EVERYTHING = ("index/v1/*", "packages/*", "r/*", ".well-known/*", "marketplace.json")


def purge(settings: PublishSettings, paths: Sequence[str]) -> str:
    """Run the command and ask the address that are set.

    Args:
        settings: Command and address; without either nothing happens.
        paths: What has new content. The command reads them from standard input, one a line; the address is
            sent `{"paths": […]}`.

    Returns:
        What went wrong, '' where nothing did: a snapshot is live whether or not a CDN was told.
    """
    named = list(paths) if len(paths) <= MAX_PATHS else list(EVERYTHING)
    problems = []
    try:
        if settings.purge_command:
            subprocess.run(
                settings.purge_command,
                input="\n".join(named) + "\n",
                text=True,
                check=True,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
            )
    except (OSError, subprocess.SubprocessError) as error:
        problems.append(f"the purge command failed: {type(error).__name__}")
    try:
        if settings.purge_url:
            _post(str(settings.purge_url.get_secret_value()), named)
    except (OSError, ValueError) as error:
        problems.append(f"the purge address failed: {type(error).__name__}")
    return "; ".join(problems)


def _post(url: str, paths: Sequence[str]) -> None:
    if not url.startswith(("https://", "http://")):
        raise ValueError("not a web address")
    request = urllib.request.Request(  # noqa: S310 - checked above
        url, json.dumps({"paths": list(paths)}).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS):  # noqa: S310
        pass
