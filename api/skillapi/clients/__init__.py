"""What clients other than the registry's own ask for, in their own formats (docs/install.md).

- `routing`  a route over the live snapshot
- `files`    the files that are also published: discovery indexes, marketplaces, raw files, packages
- `finding`  the search of `npx skills find`
- `clawhub`  the API that ClawHub's client speaks, below `/clawhub`
"""
