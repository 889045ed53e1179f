"""Search over the listed skills of a snapshot: one ranking for the API and everything that asks it.

The index is built once per snapshot, beside its tables, and opened read-only. What a word weighs is in
`ranking`, what the index holds in `fields`, how text becomes words in `words`, how a query becomes one
of tantivy's in `plan`.
"""

from skilldata.search.build import build_search_index
from skilldata.search.index import SearchIndex
from skilldata.search.model import CursorError, FacetCount, Hit, Query, Results, Sort

__all__ = ["CursorError", "FacetCount", "Hit", "Query", "Results", "SearchIndex", "Sort", "build_search_index"]
