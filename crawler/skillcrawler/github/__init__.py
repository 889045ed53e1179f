"""GitHub's API. The only package that imports PyGithub.

- `client`       what is asked; start here
- `queries`      the GraphQL that it takes
- `answers`      what comes back, as records
- `requests`     one request, with the credential that has most left, and what its status means
- `credentials`  tokens and App installations
- `limits`       what GitHub's headers say of its limits, and which credential may ask

Nothing here waits or retries: a limit or an outage is raised at once, with the time at which GitHub wants to be
asked again, and Temporal does the waiting.
"""

from __future__ import annotations

from skillcrawler.github.answers import CodeHit, Found, ProbeAnswer, SearchPage
from skillcrawler.github.client import GitHub
from skillcrawler.github.requests import PER_PAGE

__all__ = ["PER_PAGE", "CodeHit", "Found", "GitHub", "ProbeAnswer", "SearchPage"]
