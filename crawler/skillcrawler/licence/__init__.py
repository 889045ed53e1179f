"""Which licence a skill is under, from what that is known, and whether its files may be handed out.

    files         which files of a tree are licences, and which of them speak about a skill
    texts         the licence whose text a file holds: `licenseclassifier`, offline
    statements    what the front matter says: `licenselynx` for names
    expressions   SPDX ids and expressions: `license-expression`
    rules         what can be said to an author
    judge         all of it together

docs/adr/0009-licence-detector.md says why these libraries, with figures.
"""

from skillcrawler.licence.files import LicenceFile, licence_basis, licence_files
from skillcrawler.licence.judge import Judgement, LicenceEvidence, judge_licence
from skillcrawler.licence.rules import RULES
from skillcrawler.licence.texts import MAX_BYTES, TextCache

__all__ = [
    "MAX_BYTES",
    "RULES",
    "Judgement",
    "LicenceEvidence",
    "LicenceFile",
    "TextCache",
    "judge_licence",
    "licence_basis",
    "licence_files",
]
