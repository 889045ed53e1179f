"""`python -m skillcli.healthy URL`: the health check of the images, which have no curl.

Exit status 0 where the address answers 200 within three seconds, else 1.
"""

from __future__ import annotations

import sys
import urllib.request

SECONDS = 3.0


def main() -> int:
    """Ask once."""
    try:
        with urllib.request.urlopen(sys.argv[1], timeout=SECONDS) as answer:  # noqa: S310 - the image's own address
            return 0 if answer.status == 200 else 1
    except OSError as error:
        sys.stderr.write(f"{sys.argv[1]}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
