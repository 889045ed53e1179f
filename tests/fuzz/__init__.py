"""Fuzzing: what is done with strangers' bytes holds for any bytes.

targets    what is fed, and what must hold
__main__   feeds it, guided by coverage (atheris)
inputs/    inputs that once failed, one folder a target; tests/test_fuzz.py feeds them again
"""

NAMES = ("front-matter", "author-file", "paths", "packages", "scanner")
