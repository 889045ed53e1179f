"""Which licence GitHub would say a repository has, from the licence file in its root."""

from __future__ import annotations

import re
from dataclasses import dataclass

_FILE_NAME = re.compile(r"(un)?licen[cs]e(\.(md|txt|rst))?|copying(\.(md|txt))?", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


@dataclass(frozen=True)
class Licence:
    """A licence by key, name and SPDX id."""

    key: str
    name: str
    spdx_id: str

    @property
    def is_known(self) -> bool:
        """Whether it has a page of its own on GitHub; `NOASSERTION` has none."""
        return self.key != "other"


MIT = Licence("mit", "MIT License", "MIT")
APACHE_2 = Licence("apache-2.0", "Apache License 2.0", "Apache-2.0")
BSD_3 = Licence("bsd-3-clause", 'BSD 3-Clause "New" or "Revised" License', "BSD-3-Clause")
OTHER = Licence("other", "Other", "NOASSERTION")

# A phrase that only this licence's text has.
_PHRASES = (
    (MIT, "permission is hereby granted, free of charge, to any person obtaining a copy"),
    (APACHE_2, "apache license version 2.0"),
    (BSD_3, "neither the name of"),
)


def is_licence_file(name: str) -> bool:
    """Say whether a file of this name in the root is taken for the repository's licence."""
    return _FILE_NAME.fullmatch(name) is not None


def detect(text: str) -> Licence:
    """Name the licence that a licence file's text is; `OTHER` where it is none of those known here."""
    plain = _SPACE.sub(" ", text).strip().lower().replace("apache license, version", "apache license version")
    return next((licence for licence, phrase in _PHRASES if phrase in plain), OTHER)
