"""The registry for agents: five tools over the Model Context Protocol, on standard input and output and at `/mcp`.

- `reading`  asks the API, over HTTP or within the process; takedowns, licences and limits are the API's
- `tools`    what each tool takes and answers
- `server`   the protocol, by the package `mcp`
- `http`     the route `/mcp`

What a skill's author wrote is data: every answer says so, and shows control and invisible characters as `<U+202E>`.
"""
