"""Bytes for files whose content is not known: the same object id always gives the same bytes."""

from __future__ import annotations

import functools
import hashlib
import posixpath
import random

UNKNOWN_SIZE = 64
_BINARY = frozenset(
    (
        *(".bmp", ".gif", ".ico", ".jpeg", ".jpg", ".png", ".tiff", ".webp"),
        *(".avi", ".mov", ".mp3", ".mp4", ".wav", ".webm"),
        *(".7z", ".gz", ".jar", ".tar", ".tgz", ".zip"),
        *(".docx", ".eot", ".otf", ".pdf", ".pptx", ".ttf", ".woff", ".woff2", ".xlsx"),
        *(".bin", ".class", ".db", ".exe", ".npy", ".npz", ".onnx", ".parquet", ".pickle", ".pkl", ".pyc", ".so"),
        *(".sqlite", ".wasm"),
    )
)
_SIGNATURES = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".gif": b"GIF89a",
    ".jpg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    ".jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
    ".pdf": b"%PDF-1.7\n",
    ".zip": b"PK\x03\x04",
}
_COMMENTS = {".py": "#", ".sh": "#", ".rb": "#", ".yaml": "#", ".yml": "#", ".toml": "#", ".sql": "--"}
_WORDS = (
    *("batch", "cache", "count", "entry", "field", "index", "limit", "model", "order", "parse"),
    *("query", "range", "state", "token", "total", "value"),
)
_LINES = 256
_AVERAGE_LINE = 16  # a lower bound, so that enough lines are drawn


def fill(oid: str, size: int, path: str) -> bytes:
    """Make `size` bytes for a blob: binary noise for images and archives, code-like lines for the rest."""
    extension = posixpath.splitext(path)[1].lower()
    noise = hashlib.shake_128(oid.encode())
    if extension in _BINARY:
        head = _SIGNATURES.get(extension, b"\0")
        return (head + noise.digest(size))[:size]
    lines = _pool(_COMMENTS.get(extension, "//"))
    picked = [lines[number] for number in noise.digest(size // _AVERAGE_LINE + 1)]
    return b"".join(picked)[:size]


@functools.cache
def _pool(comment: str) -> tuple[bytes, ...]:
    """Make the lines that text is put together from; each is at least `_AVERAGE_LINE` bytes long."""
    draw = random.Random(comment)
    lines = []
    for number in range(_LINES):
        first, second, third = draw.choices(_WORDS, k=3)
        indent = "    " * draw.randint(0, 2)
        if number % 16 == 0:
            lines.append(f"{indent}{comment} {first} {second} of the {third}\n")
        else:
            lines.append(f"{indent}{first}_{second} = {third}({draw.randint(100, 9999)}, {second})\n")
    return tuple(line.encode() for line in lines)
