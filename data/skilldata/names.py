"""Names that a person sees: slugs for addresses, and text that is safe to print.

A slug is the last part of a skill's public address, `owner/repo/slug`: 1 to 64 of `a-z`, `0-9` and
single hyphens inside. It must not change from crawl to crawl, whatever order the skills come in.
"""

from __future__ import annotations

import hashlib
import itertools
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping

SLUG_PATTERN = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
SLUG_LENGTH = 64

# Folders that say where skills are kept, not what they are about.
_GENERIC_FOLDERS = frozenset({"skill", "skills", "plugin", "plugins", "agents", "claude", "codex", "src"})
# Not in the hidden categories below, yet invisible: they can carry a message inside ordinary text.
_VARIATION_SELECTORS = range(0xE0100, 0xE01F0)
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


# Windows keeps these names for devices; a client there could not make the skill's folder.
_DEVICES = frozenset({"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def is_slug(text: str) -> bool:
    """Whether `text` can be a slug as it stands."""
    return len(text) <= SLUG_LENGTH and SLUG_PATTERN.fullmatch(text) is not None


def slugify(text: str) -> str:
    """Make a slug of any text: accents are dropped, other characters become hyphens.

    Returns:
        A slug of at most 64 characters, or '' where the text has no letter or digit that ASCII knows.
    """
    return _cut(re.sub(r"[^a-z0-9]+", "-", _without_accents(text.lower())).strip("-"), SLUG_LENGTH)


def assign_slugs(
    skills: Iterable[tuple[str, str | None]],
    *,
    repository_name: str = "",
    previous: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Give every skill of one repository its own slug, independent of the order they come in.

    A skill wants its manifest name, or the name of its folder where the manifest's cannot be a slug.
    Where several want the same, the shallowest path has it (bytewise order among equals) and each of
    the others adds the nearest parent folder that tells it apart, or else a short hash of its path.

    Args:
        skills: Folder of each skill from the repository's root ('' is the root) and the name in its
            manifest, None where there is none. A folder must not come twice.
        repository_name: What a skill in the root is called when its manifest does not say.
        previous: Slugs given before, by folder. A folder keeps its slug, and the slugs of folders that
            are no longer there stay taken: leave those out to free them.

    Returns:
        Folder → slug, for each of `skills`.
    """
    kept = previous or {}
    wanted = {path: _wanted(path, name, repository_name) for path, name in skills}
    slugs: dict[str, str] = {}
    crowded: list[str] = []
    taken = {*kept.values(), *_DEVICES}
    keepers = {slug: path for path, slug in kept.items() if path in wanted and is_slug(slug)}
    slugs.update((path, slug) for slug, path in keepers.items())
    for path in sorted(wanted.keys() - slugs.keys(), key=_shallowest_first):
        if wanted[path] in taken:
            crowded.append(path)
        else:
            slugs[path] = wanted[path]
            taken.add(wanted[path])
    # Only now that nobody wants a plain slug any more can one with a suffix not be in the way of it.
    for path in crowded:
        slugs[path] = next(slug for slug in _suffixed(wanted[path], path) if slug not in taken)
        taken.add(slugs[path])
    return slugs


def alias_of(slug: str, parent: str, *, taken: Collection[str]) -> str:
    """Give a slug that is not taken yet, for one that others have too.

    Args:
        slug: The slug that it would have.
        parent: What tells it apart, such as the name of its repository.
        taken: Slugs that it must not have.
    """
    return next(one for one in _suffixed(slug, f"{parent}/{slug}") if one not in taken)


def safe_text(text: str, *, keep: str = "", limit: int | None = None) -> str:
    """Make text from a stranger safe to print to a terminal or a log.

    Control, bidirectional and other invisible characters come out as `<U+202E>`, line breaks included.

    Args:
        text: Any text.
        keep: Characters to let through all the same, such as a line break and a tab.
        limit: Characters of `text` after which it is cut with `…`.
    """
    shown = text if limit is None or len(text) <= limit else text[:limit] + "…"
    if shown.isascii() and shown.isprintable():
        return shown
    return "".join(f"<U+{ord(c):04X}>" if _is_hidden(c) and c not in keep else c for c in shown)


def _is_hidden(character: str) -> bool:
    category = unicodedata.category(character)
    return category in _HIDDEN_CATEGORIES or ord(character) in _VARIATION_SELECTORS


def _wanted(path: str, name: str | None, repository_name: str) -> str:
    """The slug a skill has if no other wants it: see `assign_slugs`."""
    normal = unicodedata.normalize("NFKC", (name or "").strip())
    if is_slug(normal):
        return normal
    folder = path.rsplit("/", 1)[-1] if path else repository_name
    plain_name, plain_folder = _without_accents(normal), _without_accents(folder)
    # Before half of a name is lost to another script, the folder's is taken.
    for text in (
        plain_name if is_slug(plain_name) else "",
        plain_folder if plain_folder.isascii() else "",
        plain_name,
        plain_folder,
    ):
        if slug := slugify(text):
            return slug
    return f"skill-{_hash(path)[:8]}"


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _shallowest_first(path: str) -> tuple[int, bytes]:
    return (path.count("/") + 1 if path else 0, path.encode("utf-8", "surrogatepass"))


def _suffixed(slug: str, path: str) -> Iterator[str]:
    """Slugs that tell `path` apart from others that want the same, the most readable first."""
    for folder in reversed(path.split("/")[:-1]):
        parent = slugify(folder)
        if parent and parent not in _GENERIC_FOLDERS:
            yield _joined(slug, parent)
    yield _joined(slug, _hash(path)[:8])
    for attempt in itertools.count(1):
        yield _joined(slug, _hash(f"{path}\n{attempt}")[:8])


def _joined(slug: str, suffix: str) -> str:
    suffix = _cut(suffix, SLUG_LENGTH // 2)
    return f"{_cut(slug, SLUG_LENGTH - 1 - len(suffix))}-{suffix}"


def _cut(slug: str, length: int) -> str:
    return slug[:length].rstrip("-")


def _hash(path: str) -> str:
    return hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
