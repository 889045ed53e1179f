"""Version labels that rise: what installers order a skill's versions by (SemVer 2.0.0)."""

from __future__ import annotations

from collections.abc import Iterable

from semver import Version


def next_label(labels: Iterable[str], metadata_version: str | None) -> str:
    """Choose the label of a skill's next version.

    The author's `metadata.version` is taken where it is valid SemVer and above all earlier labels. Else a
    skill that never had one counts `0.0.1`, `0.0.2`…, and one that had gets a pre-release of the patch
    that would follow, `1.2.1-registry.1`: above `1.2.0`, yet below the author's own `1.2.1`.

    Args:
        labels: The labels of the skill's earlier versions, in any order.
        metadata_version: What the manifest says, if anything.

    Returns:
        A label that is valid SemVer and above every earlier one.
    """
    highest = max(map(Version.parse, labels), default=None)
    wanted = _parse(metadata_version)
    if wanted is not None and (highest is None or wanted > highest):
        return str(wanted)
    if highest is None:
        return "0.0.1"
    if (highest.major, highest.minor, highest.prerelease) == (0, 0, None):
        return str(highest.bump_patch())
    return str(highest.bump_prerelease("registry") if highest.prerelease else _before_next_patch(highest))


def _parse(text: str | None) -> Version | None:
    # Build metadata has no place in the order, so two labels could differ and yet be equal.
    if text is None or len(text) > 64 or not Version.is_valid(text):
        return None
    return Version.parse(text).replace(build=None)


def _before_next_patch(version: Version) -> Version:
    return version.bump_patch().replace(prerelease="registry.1")
