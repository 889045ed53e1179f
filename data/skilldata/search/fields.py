"""The fields of the index: what is in them, how their words are made."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tantivy

from skilldata.search.ranking import GRAM_WEIGHTS, WEIGHTS

STEMMED = "stemmed"  # words without their English endings
PLAIN = "plain"  # words as written, for prefixes, typos and suggestions
GRAMS = "grams"  # single characters and pairs, for scripts without spaces

FACETS = ("licence", "level", "topic", "owner", "verdict", "tag", "category", "client")

_TOKEN_BYTES = 40  # longer tokens are hashes and the like


def schema() -> tantivy.Schema:
    """Describe the fields to tantivy."""
    builder = tantivy.SchemaBuilder()
    for name in WEIGHTS:
        builder.add_text_field(name, tokenizer_name=STEMMED, index_option="freq")
    for name in GRAM_WEIGHTS:
        builder.add_text_field(name, tokenizer_name=GRAMS, index_option="freq")
    # What is in name, tags, description or place, without scores: counting reads it instead of those.
    builder.add_text_field("title", tokenizer_name=STEMMED, index_option="basic")
    builder.add_text_field("words", tokenizer_name=PLAIN, index_option="basic")
    builder.add_text_field("exact", tokenizer_name="raw", index_option="basic")  # whole names, addresses
    builder.add_text_field("filter", tokenizer_name="raw", index_option="basic")  # `owner=acme` …
    builder.add_text_field("fold", tokenizer_name="raw", index_option="basic")  # see `copies`
    for name in FACETS:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic", fast=True)
    builder.add_float_field("prior", fast=True)
    builder.add_unsigned_field("by_stars", fast=True)  # place in that order, 0 first
    builder.add_unsigned_field("by_updated", fast=True)
    builder.add_integer_field("updated", fast=True)  # seconds since 1970
    builder.add_bytes_field("card", stored=True)
    return builder.build()


def analyzers() -> dict[str, tantivy.TextAnalyzer]:
    """Make what turns text into tokens, by name."""

    def make(tokenizer: tantivy.Tokenizer, *filters: tantivy.Filter) -> tantivy.TextAnalyzer:
        builder = tantivy.TextAnalyzerBuilder(tokenizer)
        for one in filters:
            builder = builder.filter(one)
        return builder.build()

    short, lower = tantivy.Filter.remove_long(_TOKEN_BYTES), tantivy.Filter.lowercase()
    fold = tantivy.Filter.ascii_fold()
    return {
        STEMMED: make(tantivy.Tokenizer.simple(), short, lower, fold, tantivy.Filter.stemmer("english")),
        PLAIN: make(tantivy.Tokenizer.simple(), short, lower, fold),
        GRAMS: make(tantivy.Tokenizer.ngram(1, 2)),
    }


def create_index(folder: Path) -> tantivy.Index:
    """Start an index in an empty folder."""
    return _with_analyzers(tantivy.Index(schema(), path=str(folder), reuse=False))


def open_index(folder: Path) -> tuple[tantivy.Schema, tantivy.Searcher]:
    """Open an index for reading. Nothing is written to its folder, which may be read-only.

    Raises:
        ValueError, OSError: There is none, or it cannot be read.
    """
    # tantivy takes a lock file in the folder even to read. It gets a folder of links for that, which may
    # go as soon as the files are mapped; tantivy may write to it while it goes.
    with tempfile.TemporaryDirectory(prefix="search-", ignore_cleanup_errors=True) as links:
        for file in folder.iterdir():
            if file.suffix != ".lock":
                (Path(links) / file.name).symlink_to(file.absolute())
        index = _with_analyzers(tantivy.Index.open(links))
        index.config_reader("manual")  # no thread that watches for commits
        return index.schema, index.searcher()


def _with_analyzers(index: tantivy.Index) -> tantivy.Index:
    # Tokenizers belong to the process, not to the files.
    for name, analyzer in analyzers().items():
        index.register_tokenizer(name, analyzer)
    return index
