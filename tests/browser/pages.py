"""Every kind of page of the sample site, and how Chromium is started."""

from __future__ import annotations

from tests.snapshots import SAMPLES

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# One of every kind.
KINDS = (
    "",
    "skills/",
    "browse/",
    "owners/",
    "changes/",
    "stats/",
    "why/",
    "status/",
    "about/",
    "search/",
    "plugins/",
    "docs/",
    "404.html",
    "o/acme/",
    "r/acme/tools/",
    "r/mallory/evil.repo/",
    "topic/pdf/",
    "s/acme/tools/pdf-forms.html",
    "s/acme/tools/pdf-forms.files.html",
    "s/acme/tools/pdf-forms.changes.html",
    "s/acme/tools/commit-message.html",
    "s/mallory/evil.repo/xss.html",
    "s/nolicence/notes/meeting-notes.html",
    "s/vanished/old/old-skill.html",
)
PAGES = (
    *KINDS,
    "docs/diagnostics/",
    "topics/",
    "licences/",
    "level/strict/",
    "licence/MIT/",
    "verdict/findings/",
    "s/mallory/evil.repo/xss.files.html",
    *(
        path
        for skill in SAMPLES
        if skill.slug and "/" not in skill.slug and skill.state == "listed"
        for path in [f"s/{skill.repository.owner}/{skill.repository.name}/{skill.slug}.html"]
        if path not in KINDS
    ),
)
