#!/bin/sh
# Prints the compressed size in bytes of each address given, largest first.
set -eu
for address in "$@"; do
  size=$(curl --silent --compressed --output /dev/null --write-out '%{size_download}' "$address")
  printf '%s\t%s\n' "$size" "$address"
done | sort -rn
