"""Plugins of Claude Code in crawled repositories: marketplace files, plugin.json, and what plugins bring along.

- `rules`        what can be wrong, each with a remedy
- `fields`       values of JSON that others wrote, typed and cut
- `sources`      where a plugin's files come from: every kind of source
- `marketplace`  the reader of marketplace.json
- `components`   skills, commands, agents, hooks, MCP and LSP servers of one plugin
- `repository`   all plugins of one repository

Formats: https://code.claude.com/docs/en/plugin-marketplaces and https://code.claude.com/docs/en/plugins-reference.
"""

from __future__ import annotations

from skillcrawler.plugins.repository import plugin_files, read_plugins, references_of

__all__ = ["plugin_files", "read_plugins", "references_of"]
