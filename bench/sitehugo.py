"""Hugo (https://gohugo.io) on the same content as `bench/site.py`: a page with the same parts for each skill, lists."""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from pathlib import Path

from skilldata.snapshot import Snapshot
from skillsite.markdown import split_front_matter
from skillsite.records import read_skills, skill_keys


def time_hugo(snapshot: Path, folder: Path) -> float | None:
    """CPU seconds that Hugo takes for the same pages; None where there is none."""
    program = os.environ.get("HUGO") or shutil.which("hugo")
    if program is None:
        return None
    _hugo_site(snapshot, folder)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = os.spawnvp(os.P_WAIT, program, [program, "--quiet", "--source", str(folder)])
    if status:
        sys.exit(f"hugo ended with status {status}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _hugo_site(snapshot: Path, folder: Path) -> None:
    for name, content in _HUGO.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    with Snapshot(snapshot) as opened:
        keys = skill_keys(opened)
        for start in range(0, len(keys), 1000):
            chunk = keys[start : start + 1000]
            for skill in read_skills(opened, [(key.repository_id, key.path) for key in chunk]):
                row, version = skill.summary, skill.versions[0]
                target = folder / "content/s" / row.owner / row.repository / f"{row.slug}.md"
                target.parent.mkdir(parents=True, exist_ok=True)
                facts = {
                    "title": row.name,
                    "description": row.description,
                    "owners": [row.owner],
                    "repositories": [f"{row.owner}-{row.repository}"],
                    "licences": [row.licence],
                    "levels": [row.level],
                    "verdicts": [row.verdict],
                    "topics": skill.repository.topics,
                    "stars": row.stars,
                    "label": version.label,
                    "revision": version.revision,
                    "digest": version.content_digest,
                    "package": version.package_digest,
                    "files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in skill.files],
                    "updated": row.updated_at.date().isoformat(),
                }
                target.write_text(json.dumps(facts, indent=1) + "\n\n" + split_front_matter(skill.text)[1])


_HUGO = {
    "hugo.toml": """
baseURL = "http://127.0.0.1:8080/"
title = "Skills"
disableKinds = ["RSS", "sitemap"]
[pagination]
pagerSize = 100
[markup.highlight]
codeFences = false
[taxonomies]
owner = "owners"
repository = "repositories"
licence = "licences"
level = "levels"
verdict = "verdicts"
topic = "topics"
""",
    "layouts/_default/baseof.html": """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ .Title }}</title>
<meta name="description" content="{{ .Description }}">
<link rel="canonical" href="{{ .Permalink }}"><link rel="stylesheet" href="/static/app.css">
<meta property="og:title" content="{{ .Title }}"><meta property="og:description" content="{{ .Description }}">
<script src="/static/app.js" defer></script></head><body><header><a href="/">Skills</a>
<form action="/search/"><input name="q"><button>Search</button></form></header>
<main>{{ block "main" . }}{{ end }}</main><footer><a href="/about/">About</a></footer></body></html>
""",
    "layouts/_default/single.html": """{{ define "main" }}<h1>{{ .Title }}</h1><p>{{ .Description }}</p>
<dl><dt>Licence</dt><dd>{{ index .Params.licences 0 }}</dd><dt>Level</dt><dd>{{ index .Params.levels 0 }}</dd>
<dt>Version</dt><dd>{{ .Params.label }}</dd><dt>Stars</dt><dd>{{ .Params.stars }}</dd><dt>Commit</dt>
<dd><a href="https://github.com/{{ index .Params.owners 0 }}/commit/{{ .Params.revision }}">
{{ .Params.revision }}</a></dd>
<dt>Digest</dt><dd>{{ .Params.digest }}</dd></dl>
<h2>Install</h2>{{ range slice "claude" "opencode" "agents" }}<details><summary>{{ . }}</summary><pre><code>
curl -fsSLo skill.zip http://127.0.0.1:8080/api/v1/packages/{{ $.Params.package }} &&
unzip skill.zip -d ~/.{{ . }}/skills
</code></pre></details>{{ end }}
<article>{{ .Content }}</article>
<table>{{ range .Params.files }}<tr><td>{{ .path }}</td><td>{{ .size }}</td><td>{{ .sha256 }}</td></tr>{{ end }}</table>
<ul>{{ range .Params.topics }}<li><a href="/topics/{{ . }}/">{{ . }}</a></li>{{ end }}</ul>{{ end }}
""",
    "layouts/_default/list.html": """{{ define "main" }}<h1>{{ .Title }}</h1><ul>{{ range (.Paginate .Pages).Pages }}
<li><a href="{{ .RelPermalink }}">{{ .Title }}</a><p>{{ .Description }}</p></li>{{ end }}</ul>{{ end }}
""",
    "layouts/index.html": """{{ define "main" }}<h1>Skills</h1>{{ end }}
""",
}
