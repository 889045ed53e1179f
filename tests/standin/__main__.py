"""`python -m tests.standin`: serves the local GitHub until it is ended."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from skilldata.errors import RegistryError
from tests.standin.standin import DEFAULT_CACHE, DEFAULT_TOKEN, Options, StandIn


def main() -> int:
    """Load what was asked for, print one line of JSON with the address, and serve."""
    given = _parser().parse_args()
    options = Options(
        cache=given.cache, full_schema=given.full_schema, token=given.token, port=given.port, socket=given.socket
    )
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    standin = StandIn(options)
    try:
        loaded = [name for folder in given.samples for name in standin.load_folder(folder)]
        loaded += [name for folder in given.corpus for name in standin.load_corpus(folder, given.snapshot)]
        with standin:
            ready = {"url": standin.url, "token": standin.token, "repositories": len(loaded)}
            if given.socket:
                ready["socket"] = str(given.socket)
            print(json.dumps(ready), flush=True)
            ended.wait()
    except RegistryError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    finally:
        standin.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.standin", description="A GitHub on this machine.")
    parser.add_argument("--port", type=int, default=0, help="TCP port on 127.0.0.1; a free one where not given")
    parser.add_argument("--socket", type=Path, help="Unix socket to listen on besides")
    parser.add_argument(
        "--samples", type=Path, action="append", default=[], metavar="DIR", help="folder of OWNER/NAME folders"
    )
    parser.add_argument(
        "--corpus", type=Path, action="append", default=[], metavar="DIR", help="folder of corpus files"
    )
    parser.add_argument("--snapshot", choices=["first", "last"], default="first", help="state of corpus repositories")
    parser.add_argument("--cache", type=Path, default=DEFAULT_CACHE, help="where corpus repositories are kept")
    parser.add_argument("--token", default=DEFAULT_TOKEN, help="a valid token")
    parser.add_argument(
        "--full-schema", action="store_true", help="answer GraphQL over the whole published schema (needs npm's)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
