"""The GraphQL queries. Their cost is (1 + nodes) / 100 points, at least 1."""

from __future__ import annotations

# One query tells all that the index keeps of a repository.
PROBE = """
query Probe($ids: [ID!]!) {
  nodes(ids: $ids) {
    __typename
    ... on Repository {
      databaseId id name owner { login } description stargazerCount forkCount isFork isArchived isDisabled pushedAt
      parent { databaseId }
      licenseInfo { spdxId }
      repositoryTopics(first: 20) { nodes { topic { name } } }
      defaultBranchRef { name target { oid ... on Commit { tree { oid } } } }
    }
  }
}
"""

# What a list or a search does not tell, but decides whether a fork is more than its parent.
FOUND = """
fragment found on Repository {
  databaseId id name owner { login } description stargazerCount forkCount isFork isArchived isDisabled pushedAt
  createdAt
  parent { databaseId defaultBranchRef { target { oid } } }
  licenseInfo { spdxId }
  repositoryTopics(first: 20) { nodes { topic { name } } }
  defaultBranchRef { name target { oid ... on Commit { tree { oid } } } }
}
"""

FIND_BY_ID = f"query Find($ids: [ID!]!) {{ nodes(ids: $ids) {{ ...found }} }} {FOUND}"


def find_by_name(count: int) -> str:
    """Write the query for so many repositories by owner and name: `$o0` and `$n0` give `r0`, and so on."""
    numbers = range(count)
    types = ", ".join(f"$o{n}: String!, $n{n}: String!" for n in numbers)
    fields = " ".join(f"r{n}: repository(owner: $o{n}, name: $n{n}) {{ ...found }}" for n in numbers)
    return f"query Find({types}) {{ {fields} }} {FOUND}"
