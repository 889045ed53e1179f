"""What can be wrong with marketplace and plugin files; docs/diagnostics.md is the printed form.

None of these changes the level of a skill.
"""

from __future__ import annotations

from skillcrawler.diagnostics import Rule
from skilldata.models import DiagnosticLevel

_ERROR, _WARNING, _INFO = DiagnosticLevel.ERROR, DiagnosticLevel.WARNING, DiagnosticLevel.INFO

FILE_UNREAD = Rule(
    "plugin.file",
    _ERROR,
    "The file is no JSON object, is larger than 1 MiB or past 16 MiB of such files, or is a link or a submodule.",
    "Write one JSON object in UTF-8, as `claude plugin validate` expects it.",
)
NO_PLUGINS = Rule(
    "plugin.no-list",
    _ERROR,
    "The marketplace file has no list of plugins.",
    'Add `"plugins": []` with an entry for each plugin.',
)
NO_NAME = Rule(
    "plugin.no-name",
    _ERROR,
    "A plugin or marketplace has no name; such a plugin is left out.",
    "Give it a name of lower-case letters, digits and hyphens.",
)
NAME_FORM = Rule(
    "plugin.name",
    _WARNING,
    "The name is not of lower-case letters, digits and single hyphens, so that clients may refuse it.",
    "Rename it to lower-case words joined by hyphens.",
)
DUPLICATE = Rule(
    "plugin.duplicate",
    _WARNING,
    "Two plugins of one file have the same name; the first counts.",
    "Give each plugin a name of its own.",
)
TOO_MANY = Rule(
    "plugin.too-many",
    _WARNING,
    "There are more plugins, files or components than are read; the rest is left out.",
    "Split the marketplace or the plugin into smaller ones.",
)
SOURCE = Rule(
    "plugin.source",
    _ERROR,
    "The source of a plugin is missing, of no known kind, or lacks what its kind needs.",
    'Write a path that starts with `./`, or an object with `"source"` and the keys of that kind.',
)
SOURCE_PATH = Rule(
    "plugin.source-path",
    _ERROR,
    "The source of a plugin is a folder that is not in the repository or leads out of it.",
    "Name a folder of this repository, from the marketplace's root.",
)
TYPE = Rule(
    "plugin.type",
    _WARNING,
    "A key has a value of another kind than clients expect; the value is left out.",
    "Look the key up in the plugin reference and write the kind of value that it names.",
)
COMPONENT_PATH = Rule(
    "plugin.component-path",
    _WARNING,
    "A component is at a path that is not in the plugin or leads out of it; the component is left out.",
    "Name a path inside the plugin's folder that starts with `./`.",
)
NO_MANIFEST = Rule(
    "plugin.no-manifest",
    _INFO,
    "The plugin has no plugin.json and its entry names no components; clients take what lies in its usual folders.",
    'Add `.claude-plugin/plugin.json`, or name the components in the entry and set `"strict": false`.',
)
CONFLICT = Rule(
    "plugin.conflict",
    _WARNING,
    "The entry says `strict: false` and names components, and plugin.json names some too, which clients refuse.",
    "Name the components in one of the two files only.",
)
