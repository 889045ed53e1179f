"""Which sources there are: those of registry.yaml, those of its sources file, and how a person writes one."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from skilldata.config import Settings
from skilldata.errors import ConfigurationError
from skilldata.models import ConfiguredSource, Source, SourceKind

_SOURCES = TypeAdapter(tuple[ConfiguredSource, ...])


def all_sources(settings: Settings) -> list[Source]:
    """List the configured sources that are enabled, without doubles. Raises as `configured_sources` does."""
    enabled = [source for source in configured_sources(settings) if source.enabled]
    return [Source.model_validate(source.model_dump(exclude={"enabled"})) for source in enabled]


def configured_sources(settings: Settings) -> list[ConfiguredSource]:
    """List the configured sources, without doubles.

    Raises:
        ConfigurationError: The sources file cannot be read, or an entry of it is wrong.
    """
    found = list(settings.sources)
    if settings.sources_file is not None:
        found += _read(settings.sources_file)
    return list({(source.kind, source.target.lower()): source for source in found}.values())


def parse_source(text: str) -> Source:
    """Read a source as people write it: `owner`, `owner/name`, or `kind:target`.

    Raises:
        ConfigurationError: The kind is unknown.
    """
    kind, colon, target = text.partition(":")
    if not colon:
        return Source(kind=SourceKind.REPOSITORY if "/" in text else SourceKind.OWNER, target=text)
    try:
        return Source(kind=SourceKind(kind), target=target)
    except ValueError:
        kinds = ", ".join(SourceKind)
        raise ConfigurationError(
            f"{text!r} is no source", remedy=f"Write owner, owner/name, or KIND:TARGET with one of: {kinds}."
        ) from None


def _read(path: Path) -> tuple[ConfiguredSource, ...]:
    try:
        content = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        return _SOURCES.validate_python(content["sources"])
    except OSError as error:
        raise ConfigurationError(
            f"sources_file = {path} cannot be read: {error.strerror}", remedy="Name an existing file."
        ) from None
    except (yaml.YAMLError, KeyError, TypeError, ValidationError) as error:
        raise ConfigurationError(
            f"{path} is no list of sources: {str(error).splitlines()[0]}",
            remedy="It wants `sources:` and entries with kind, target and, if you like, interval_seconds and enabled.",
        ) from None
