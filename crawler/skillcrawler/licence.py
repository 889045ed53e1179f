"""Which licence a skill is under, and from what that is known."""

from __future__ import annotations

from collections.abc import Iterable

from skilldata.models import Licence

STATED, GITHUB = 0.9, 0.8  # how sure each kind of evidence is


def judge_licence(stated: str | None, github: str | None, known: Iterable[str]) -> Licence:
    """Tell a skill's licence; the nearer evidence wins.

    Args:
        stated: The `license` key of the manifest, as written.
        github: SPDX id of the repository's licence file, in GitHub's opinion.
        known: SPDX ids that count when stated.
    """
    if stated:
        wanted = stated.strip().casefold()
        for spdx in known:
            if spdx.casefold() == wanted:
                return Licence(spdx=spdx, evidence="front matter", confidence=STATED)
    if github:
        return Licence(spdx=github, evidence="repository, detected by GitHub", confidence=GITHUB)
    return Licence(evidence="no licence that is known")
