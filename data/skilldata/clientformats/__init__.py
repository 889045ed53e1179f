"""The files that living clients install from, made from a snapshot's records (docs/formats.md, docs/install.md).

- `scopes`       which skills a client is shown: all of an owner, of a repository, one skill, one version
- `offers`       what may be handed out, and under which name; start here
- `addresses`    the public addresses that some of these files have to name
- `wellknown`    `.well-known/agent-skills` and `.well-known/skills`: `npx skills`, OpenCode
- `marketplace`  `marketplace.json`: Claude Code
- `clawhub`      `.well-known/clawhub.json`: ClawHub
- `featured`     the few skills that the registry's root shows
- `documents`    every one of these files that may differ, given what changed
- `catalogue`    one file by its path, as the API answers it

The publisher writes what `documents` gives, the API answers what `catalogue` gives; both call the same
functions with the same records, so the bytes are the same.
"""
