"""The maintainers' policy file: what is blocked, and which skills have a state by decree."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import yaml
from pydantic import ValidationError

from skilldata.errors import ConfigurationError
from skilldata.stewardship.models import Action, Policy

MAX_BYTES = 16 * 1024 * 1024


def load_policy(path: Path | None) -> Policy:
    """Read the policy file.

    Args:
        path: The file; None for a policy that says nothing.

    Raises:
        ConfigurationError: It cannot be read, is too large, or an entry of it is wrong or there twice. A policy
            that cannot be read stops crawl and publish, since either could show what it forbids.
    """
    if path is None:
        return Policy()
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _wrong(path, f"it is larger than {MAX_BYTES} bytes")
        content = yaml.load(data, Loader=yaml.CSafeLoader)
        policy = Policy.model_validate({} if content is None else content)
    except OSError as error:
        raise ConfigurationError(
            f"policy_file = {path} cannot be read: {error.strerror}", remedy="Name an existing file."
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _wrong(path, f"{where}: {first['msg']}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(path, str(error).splitlines()[0]) from None
    _check(path, policy)
    return policy


def _check(path: Path, policy: Policy) -> None:
    for number, entry in enumerate(policy.skills):
        if entry.state is Action.BLOCKED:
            raise _wrong(path, f"skills.{number}.state: a skill is yanked, quarantined or removed; digests are blocked")
    blocked = policy.blocked
    named = Counter(
        [entry.digest for entry in blocked.digests]
        + [entry.repository.lower() for entry in blocked.repositories]
        + [entry.owner.lower() for entry in blocked.owners]
        + [entry.skill.lower() for entry in policy.skills]
    )
    twice = [name for name, count in named.items() if count > 1]
    if twice:
        raise _wrong(path, f"{twice[0]} is there twice")


def _wrong(path: Path, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is no policy: {reason}",
        remedy="Mend that entry; docs/stewardship.md has the format. Until then nothing is crawled or published.",
    )
