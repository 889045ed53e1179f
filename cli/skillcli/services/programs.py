"""The programs that the optional wheels bring."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from skilldata.errors import ServiceUnavailable

INSTALL_REMEDY = 'Install the embedded services: pip install "agentskillregistry[embedded]"'


def wheel(distribution: str, title: str) -> metadata.Distribution:
    """Find an installed wheel.

    Raises:
        ServiceUnavailable: It is not installed.
    """
    try:
        return metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        raise ServiceUnavailable(
            f"{title} cannot be started: the package {distribution} is not installed", remedy=INSTALL_REMEDY
        ) from None


def program(distribution: str, name: str, title: str) -> Path:
    """Find a program by its file name in an installed wheel.

    Raises:
        ServiceUnavailable: The wheel is not installed, or has lost its program.
    """
    for file in wheel(distribution, title).files or ():
        if file.name == name:
            path = Path(str(file.locate())).resolve()
            if path.is_file():
                return path
    raise ServiceUnavailable(
        f"{title} cannot be started: the package {distribution} has no program {name}", remedy=INSTALL_REMEDY
    )
