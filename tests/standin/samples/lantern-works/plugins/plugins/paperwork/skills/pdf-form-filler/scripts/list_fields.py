#!/usr/bin/env python3
"""Lists the form fields of a PDF: name, kind, present value and, for check boxes, their states."""

from __future__ import annotations

import sys

KINDS = {"/Tx": "text", "/Btn": "button", "/Ch": "choice", "/Sig": "signature"}


def main(path: str) -> int:
    """Print one line per field; 1 where there are none."""
    from pypdf import PdfReader  # type: ignore[import-not-found]

    fields = PdfReader(path).get_fields() or {}
    for name, field in fields.items():
        kind = KINDS.get(field.get("/FT"), "unknown")
        states = ", ".join(field.get("/_States_", []))
        print(f"{name}\t{kind}\t{field.get('/V', '')}\t{states}")
    return 0 if fields else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
