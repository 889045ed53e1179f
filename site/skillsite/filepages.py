"""The page with the text of every file of a skill, and the tree of files on the skill's own page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import quote

from markupsafe import Markup, escape

from skilldata.snapshot import FileRow, Skill, VersionRow
from skillsite.addresses import Addresses, repository_path, skill_path
from skillsite.cards import CARD
from skillsite.packages import Texts
from skillsite.pages import Crumb, Page, repository_crumbs
from skillsite.visible import one_line
from skillsite.words import visible

FILES = ".files.html"  # behind the path of a skill
MAX_ROWS = 300  # of the tree on a skill's page
MAX_DEPTH = 6  # that the tree is indented by


class TreeRow(NamedTuple):
    """A row of the tree: a folder, or a file with its place on the page of files, if its text is there."""

    depth: int
    name: str
    file: FileRow | None
    anchor: str | None
    source: str | None


class ShownFile(NamedTuple):
    """A file with its text laid out: `numbers` is the column of line numbers beside `code`."""

    file: FileRow
    anchor: str
    source: str
    numbers: str
    code: Markup


class Anchors:
    """Where on the page of files each text is, and each line that something is said about."""

    def __init__(self, files: Sequence[FileRow], texts: Texts, lines: Iterable[tuple[str, int | None]]) -> None:
        self._names = {file.path: f"f{number}" for number, file in enumerate(files, 1) if file.path in texts}
        self._lines: dict[str, set[int]] = {}
        for path, line in lines:
            if line is not None and path in self._names and line <= texts[path].count("\n") + 1:
                self._lines.setdefault(path, set()).add(line)

    def file(self, path: str) -> str | None:
        """Id of a file; None where its text is not shown."""
        return self._names.get(path)

    def line(self, path: str, line: int | None) -> str | None:
        """Id of a line, or of its file where the line has none; None where the file is not shown."""
        name = self._names.get(path)
        return f"{name}-{line}" if name and line in self._lines.get(path, ()) else name

    def lines(self, path: str) -> list[int]:
        """The lines of a file that have ids, in their order."""
        return sorted(self._lines.get(path, ()))


def anchors_of(skill: Skill, texts: Texts) -> Anchors:
    """Name the files of a skill, and the lines that its findings and diagnostics are about."""
    said = [(row.file, row.line) for row in skill.findings]
    said += [(row.file, row.line) for row in skill.diagnostics]
    said += [(row.file, row.line) for row in (skill.second_opinion.findings if skill.second_opinion else ())]
    return Anchors(skill.files, texts, said)


def tree_rows(skill: Skill, version: VersionRow | None, anchors: Anchors, addresses: Addresses) -> list[TreeRow]:
    """Lay out the files as a tree; at most `MAX_ROWS` rows."""
    rows: list[TreeRow] = []
    open_folders: list[str] = []
    sources = source_links(skill, version, addresses)
    for file in skill.files:
        *folders, name = file.path.split("/")
        common = 0
        while common < min(len(folders), len(open_folders)) and folders[common] == open_folders[common]:
            common += 1
        rows.extend(TreeRow(min(n, MAX_DEPTH), folders[n], None, None, None) for n in range(common, len(folders)))
        open_folders = folders
        rows.append(TreeRow(min(len(folders), MAX_DEPTH), name, file, anchors.file(file.path), sources[file.path]))
        if len(rows) >= MAX_ROWS:
            break
    return rows


def source_links(skill: Skill, version: VersionRow | None, addresses: Addresses) -> Mapping[str, str]:
    """Where each file is at its source, at the commit that was read."""
    summary = skill.summary
    revision = version.revision if version else skill.repository.default_branch
    folder = addresses.source(summary.owner, summary.repository, revision, summary.path, view="blob").rstrip("/")
    return {file.path: f"{folder}/{quote(file.path)}" for file in skill.files}


def files_page(skill: Skill, texts: Texts, anchors: Anchors, addresses: Addresses) -> Page:
    """Lay out the page of a skill's files.

    Raises:
        AddressError: Owner, repository or slug cannot be part of an address.
    """
    summary = skill.summary
    path = skill_path(summary.owner, summary.repository, summary.slug)
    name = one_line(summary.name or summary.slug or "", 80)
    sources = source_links(skill, skill.current, addresses)
    shown = [
        ShownFile(
            file,
            anchors.file(file.path) or "",
            sources[file.path],
            line_numbers(texts[file.path]),
            mark_lines(texts[file.path], anchors.file(file.path) or "", anchors.lines(file.path)),
        )
        for file in skill.files
        if file.path in texts
    ]
    context = {
        "shown": shown,
        "others": [(file, sources[file.path]) for file in skill.files if file.path not in texts],
        "version": skill.current,
    }
    return Page(
        path + FILES,
        "files.html",
        f"Files of {name}",
        f"Every file of {summary.address} that is text, as it was at the commit that was read.",
        context,
        (
            *repository_crumbs(summary.owner, summary.repository),
            Crumb(name, path + ".html"),
        ),
        hide=True,
        card=repository_path(summary.owner, summary.repository) + CARD,
        twin=False,
    )


def line_numbers(text: str) -> str:
    """The numbers of a text's lines, one a line."""
    return "\n".join(map(str, range(1, text.removesuffix("\n").count("\n") + 2)))


def mark_lines(text: str, anchor: str, lines: Sequence[int]) -> Markup:
    """Escape a text, show what is hidden in it, and mark lines (from 1) with ids."""
    if not lines:
        return escape(visible(text.replace("\r\n", "\n")))
    parts = text.replace("\r\n", "\n").split("\n")
    marked = set(lines)
    return Markup("\n").join(
        Markup('<mark id="{}-{}">{}</mark>').format(anchor, number, visible(part) or " ")
        if number in marked
        else escape(visible(part))
        for number, part in enumerate(parts, 1)
    )
