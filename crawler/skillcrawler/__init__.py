"""From GitHub to the index: discover, probe, fetch, read, judge and package skills."""
