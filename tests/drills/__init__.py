"""Drills: real processes are hurt on purpose, and it is looked at what still holds: `make drills`.

- `drill`    what a drill says, and the registry that it is done to
- `crawl`    faults while a crawl is under way
- `serving`  faults while somebody reads
- `loss`     what is left after a loss
"""
