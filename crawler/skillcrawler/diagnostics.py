"""The rules a SKILL.md is held to; docs/diagnostics.md is the printed form of all rules.

The level of a file follows from its diagnostics and from nothing else: any error makes it `broken`,
any warning `loadable`, and what is left is `strict`.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from skilldata.models import Diagnostic, DiagnosticLevel, Level

# Diagnostics of one rule that are kept of one file: a hostile one could draw tens of thousands.
RULE_LIMIT = 10


class Rule(NamedTuple):
    """One thing that can be wrong: what it means, and in one sentence what its author can do."""

    id: str
    level: DiagnosticLevel
    meaning: str
    remedy: str

    def diagnostic(self, message: str, *, file: str, line: int | None = None) -> Diagnostic:
        """One case of it.

        Args:
            message: What was found, naming the thing; hostile text must have gone through `safe_text`.
            file: Path from the skill's folder.
            line: From 1, where there is one.
        """
        return Diagnostic(rule=self.id, level=self.level, message=message, remedy=self.remedy, file=file, line=line)


class Findings:
    """Collects the diagnostics of one file in the order they are found, at most ten of a rule."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._found: list[Diagnostic] = []
        self._count: Counter[str] = Counter()
        self._worst: set[DiagnosticLevel] = set()

    def add(self, rule: Rule, message: str, line: int | None = None) -> None:
        """Note one case of a rule."""
        self._worst.add(rule.level)
        self._count[rule.id] += 1
        if self._count[rule.id] <= RULE_LIMIT:
            self._found.append(rule.diagnostic(message, file=self.file, line=line))

    @property
    def level(self) -> Level:
        """What the file is, by what was found in it."""
        if DiagnosticLevel.ERROR in self._worst:
            return Level.BROKEN
        return Level.LOADABLE if DiagnosticLevel.WARNING in self._worst else Level.STRICT

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that was kept; the last of a rule says how many more there were."""
        more = {rule: count - RULE_LIMIT for rule, count in self._count.items() if count > RULE_LIMIT}
        kept = []
        for diagnostic in reversed(self._found):
            rest = more.pop(diagnostic.rule, 0)
            message = f"{diagnostic.message}; and {rest} more of the kind"
            kept.append(diagnostic.model_copy(update={"message": message}) if rest else diagnostic)
        return tuple(reversed(kept))


RULES: dict[str, Rule] = {}


def _rule(rule_id: str, level: DiagnosticLevel, meaning: str, remedy: str) -> Rule:
    RULES[rule_id] = Rule(rule_id, level, meaning, remedy)
    return RULES[rule_id]


_ERROR, _WARNING, _INFO = DiagnosticLevel.ERROR, DiagnosticLevel.WARNING, DiagnosticLevel.INFO

# -- the file
FILE_NAME = _rule(
    "file.name",
    _WARNING,
    "The file is called neither SKILL.md nor skill.md, so that some clients do not find it.",
    "Rename the file to SKILL.md.",
)
FILE_NAME_LOWER = _rule(
    "file.lower-case",
    _INFO,
    "The file is called skill.md, which the specification allows and some clients do not find.",
    "Rename the file to SKILL.md.",
)
FILE_EMPTY = _rule(
    "file.empty",
    _ERROR,
    "The file has no text.",
    "Write front matter with a name and a description, and the instructions after it.",
)
TEXT_ENCODING = _rule(
    "text.not-utf-8",
    _WARNING,
    "The bytes are not UTF-8; they are read as Latin-1, which may show wrong characters.",
    "Save the file as UTF-8.",
)
TEXT_BYTE_ORDER_MARK = _rule(
    "text.byte-order-mark",
    _WARNING,
    "An invisible byte order mark comes before the front matter; some clients then see no front matter.",
    "Save the file as UTF-8 without a byte order mark.",
)
TEXT_LINE_ENDINGS = _rule(
    "text.line-endings",
    _INFO,
    "Lines end in more than one way, or in lone carriage returns; all are read as line breaks.",
    "Save the file with line feeds only.",
)
TEXT_NUL = _rule(
    "text.nul",
    _INFO,
    "There are NUL characters in the text; each is shown as U+FFFD.",
    "Delete the NUL characters, or move binary data to a file of its own.",
)
TEXT_TOO_LONG = _rule(
    "text.too-long",
    _INFO,
    "The file is longer than 1 MiB; only that much of its text is shown. The package has all of it.",
    "Move reference material to files of its own and link to them.",
)

# -- where the front matter is
FRONT_MATTER_MISSING = _rule(
    "front-matter.missing",
    _ERROR,
    "The first line is not `---`, and no front matter follows later.",
    "Begin the file with a line `---`, then `name:` and `description:`, then another line `---`.",
)
FRONT_MATTER_NOT_FIRST = _rule(
    "front-matter.not-first",
    _ERROR,
    "Something comes before the front matter, so that clients see none.",
    "Delete everything before the line `---` that opens the front matter, blank lines and spaces included.",
)
FRONT_MATTER_UNCLOSED = _rule(
    "front-matter.unclosed",
    _ERROR,
    "No line that starts with `---` ends the front matter.",
    "Add a line `---` after the last key of the front matter.",
)
FRONT_MATTER_TOO_LARGE = _rule(
    "front-matter.too-large",
    _ERROR,
    "The front matter is larger than 64 KiB; it is not read.",
    "Move everything but name, description and short settings out of the front matter.",
)
FRONT_MATTER_DASHES = _rule(
    "front-matter.dashes",
    _WARNING,
    "There is `---` inside a line of the front matter, where the reference validator takes it for the end.",
    "Write the dashes another way, such as one long dash.",
)
FRONT_MATTER_CONTROL = _rule(
    "front-matter.control-character",
    _WARNING,
    "The front matter has a control character, a byte order mark or an odd line break, which YAML forbids "
    "or its readers take differently; it is replaced.",
    "Delete the character.",
)

# -- its YAML
YAML_SYNTAX = _rule(
    "yaml.syntax",
    _WARNING,
    "This is not YAML; the front matter is read line by line instead, which most clients do not do.",
    "Mend the line, or put the value in double quotes.",
)
YAML_COLON = _rule(
    "yaml.unquoted-colon",
    _WARNING,
    "An unquoted value has a colon and a space in it, which YAML takes for another key; "
    "the rest of the line is read as text.",
    "Put the whole value in double quotes.",
)
YAML_RESERVED = _rule(
    "yaml.reserved-character",
    _WARNING,
    "An unquoted value starts with a character that means something to YAML; the line is read as text.",
    "Put the whole value in double quotes.",
)
YAML_TAB = _rule(
    "yaml.tab",
    _WARNING,
    "There is a tab outside quotes, where YAML or the reference validator allows spaces only.",
    "Replace the tab by spaces.",
)
YAML_NO_SPACE = _rule(
    "yaml.missing-space",
    _WARNING,
    "There is no space between a key's colon and its value, so that YAML sees no key.",
    "Put a space after the colon.",
)
YAML_NOT_MAPPING = _rule(
    "yaml.not-a-mapping",
    _ERROR,
    "The front matter is not a list of keys with values.",
    "Write each setting as `key: value`.",
)
YAML_ALIAS = _rule(
    "yaml.alias",
    _ERROR,
    "A value starts with `*`, which makes it an alias; aliases are refused and never expanded.",
    "Write the value out, or put it in double quotes if the star is part of it.",
)
YAML_TAG = _rule(
    "yaml.tag",
    _ERROR,
    "A value starts with `!`, which makes it a tag; tags are refused.",
    "Delete the tag, or put the value in double quotes if the exclamation mark is part of it.",
)
YAML_ANCHOR = _rule(
    "yaml.anchor",
    _WARNING,
    "A value starts with `&`, which makes it an anchor; the anchor is dropped.",
    "Delete the anchor, or put the value in double quotes if the ampersand is part of it.",
)
YAML_DUPLICATE = _rule(
    "yaml.duplicate-key",
    _WARNING,
    "A key comes twice; the last one counts, as in the clients that load such a file at all.",
    "Delete all but one of the keys.",
)
YAML_KEY = _rule(
    "yaml.key",
    _WARNING,
    "A key is a list, a mapping or `<<`; it is left out.",
    "Use plain words as keys.",
)
YAML_FLOW = _rule(
    "yaml.flow-style",
    _WARNING,
    "A value is written in brackets or braces, which the reference validator does not read.",
    "Write lists and mappings on lines of their own, or put a text that starts with a bracket in double quotes.",
)
YAML_INDENTATION = _rule(
    "yaml.indentation",
    _WARNING,
    "Nested mappings are indented differently, which the reference validator does not read.",
    "Indent all nested mappings by the same number of spaces.",
)
YAML_BLOCK_HEADER = _rule(
    "yaml.block-header",
    _WARNING,
    "A `|` or `>` is followed by something that the reference validator does not read.",
    "Delete what follows on that line.",
)
YAML_TOO_DEEP = _rule(
    "yaml.too-deep",
    _ERROR,
    "Values are nested more than 32 deep; the rest is not read.",
    "Move nested data to a file of its own.",
)
YAML_IMPLICIT_TYPE = _rule(
    "yaml.implicit-type",
    _INFO,
    "An unquoted value is a number, a date, a truth value or null to many YAML readers; "
    "it is kept as the text that was written.",
    "Put the value in double quotes.",
)

# -- its keys
KEY_UNKNOWN = _rule(
    "key.unknown",
    _WARNING,
    "A key is not one of the specification's; it is kept, and the clients that know it use it.",
    "Move the key under `metadata:`, unless a client needs it where it is.",
)
KEY_TYPE = _rule(
    "key.type",
    _INFO,
    "A client's key has a value of another kind than that client expects; the typed value is left out.",
    "Look up the key in the client's documentation.",
)
NAME_MISSING = _rule(
    "name.missing",
    _ERROR,
    "There is no `name`, or it is empty.",
    "Add `name:` with the name of the skill's folder.",
)
NAME_NOT_TEXT = _rule(
    "name.not-text",
    _ERROR,
    "`name` is a list or a mapping.",
    "Write the name as one line of text.",
)
NAME_TOO_LONG = _rule(
    "name.too-long",
    _WARNING,
    "`name` is longer than 64 characters.",
    "Shorten the name and the folder's to at most 64 characters.",
)
NAME_UPPER = _rule(
    "name.upper-case",
    _WARNING,
    "`name` has upper-case letters.",
    "Write the name and the folder's in lower case.",
)
NAME_HYPHENS = _rule(
    "name.hyphens",
    _WARNING,
    "`name` starts or ends with a hyphen, or has two in a row.",
    "Put single hyphens between words only.",
)
NAME_CHARACTERS = _rule(
    "name.characters",
    _WARNING,
    "`name` has characters other than letters, digits and hyphens.",
    "Replace spaces and other characters in the name by hyphens.",
)
NAME_FOLDER = _rule(
    "name.folder",
    _WARNING,
    "`name` is not the name of the skill's folder (for a skill in the root, of the repository).",
    "Rename the folder, or write its name as `name:`.",
)
DESCRIPTION_MISSING = _rule(
    "description.missing",
    _ERROR,
    "There is no `description`, or it is empty.",
    "Add `description:` that says what the skill does and when to use it.",
)
DESCRIPTION_NOT_TEXT = _rule(
    "description.not-text",
    _ERROR,
    "`description` is a list or a mapping.",
    "Write the description as one text, in double quotes if it starts with a bracket or brace.",
)
DESCRIPTION_TOO_LONG = _rule(
    "description.too-long",
    _WARNING,
    "`description` is longer than 1024 characters.",
    "Shorten the description to at most 1024 characters and move the rest below the front matter.",
)
COMPATIBILITY_NOT_TEXT = _rule(
    "compatibility.not-text",
    _WARNING,
    "`compatibility` is a list or a mapping.",
    "Write the compatibility as one text.",
)
COMPATIBILITY_TOO_LONG = _rule(
    "compatibility.too-long",
    _WARNING,
    "`compatibility` is longer than 500 characters.",
    "Shorten the compatibility to at most 500 characters.",
)

# -- what follows it
BODY_EMPTY = _rule(
    "body.empty",
    _INFO,
    "Nothing follows the front matter.",
    "Write the instructions below the front matter.",
)
BODY_LONG = _rule(
    "body.long",
    _INFO,
    "The instructions have more than 500 lines, all of which a client loads at once.",
    "Move details to files that the instructions link to.",
)
