"""Tests, the local GitHub that they crawl, and the demo that uses it."""
