#!/bin/sh
# Lists the lines of tracked files that hold a version, without lock files.
set -eu
version=${1:?usage: find_version.sh VERSION}
git grep --line-number --fixed-strings --word-regexp "$version" -- ':!*.lock' ':!*-lock.json' || {
  echo "no tracked file holds $version" >&2
  exit 1
}
