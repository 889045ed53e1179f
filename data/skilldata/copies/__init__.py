"""Copies: which skills are the same, or nearly, and which of them is the original.

    sketches   a few numbers for each content, by which texts are compared; made once
    grouping   groups of contents, and the origin of each group, in the tables of a snapshot

`skilldata.copyrows` has what a snapshot tells about them; docs/adr/0016-copies-and-licence-files.md the method and its
sources.
"""

from skilldata.copies.grouping import QUERIES, group_copies
from skilldata.copies.sketches import resemblance, sketch, sketch_new

__all__ = ["QUERIES", "group_copies", "resemblance", "sketch", "sketch_new"]
