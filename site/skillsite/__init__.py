"""The static site, generated from a snapshot and nothing else."""
