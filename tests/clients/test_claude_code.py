"""Claude Code, as it comes from npm, installs plugins from a published marketplace.

It takes packages by https alone, and never from loopback. So client and server run in a network of their own,
which has one address besides loopback and leads nowhere; `python -m tests.clients.test_claude_code` is what runs
in there.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import ssl
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import node
from tests.clients.certificate import write_certificates
from tests.clients.published import Client, Tree, files, packaged
from tests.clients.test_skills_client import CSV, PDF, with_version
from tests.conftest import ROOT
from tests.serving import QuietHandler
from tests.snapshots import SAMPLES

PROGRAMS = sorted((node.LARGE / "node_modules/@anthropic-ai").glob("claude-code-*/claude"))
ADDRESS, PORT = "10.99.0.1", 8443
PREPARE = f"ip link set lo up && ip addr add {ADDRESS}/32 dev lo && exec "
QUIET = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "HTTPS_PROXY": "",
    "HTTP_PROXY": "",
}

pytestmark = pytest.mark.node


def test_plugins_are_installed_updated_and_checked(tmp_path: Path) -> None:
    unshare, command = shutil.which("unshare"), [sys.executable, "-m", "tests.clients.test_claude_code", str(tmp_path)]
    assert unshare, "unshare is part of util-linux"
    become_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(
        [unshare, "--net", *become_root, "sh", "-c", PREPARE + '"$@"', "sh", *command],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def main(folder: Path) -> None:
    """Install, update and be refused, in a network that leads nowhere."""
    ca, certificate = write_certificates(folder / "tls", ADDRESS)
    tree = Tree(folder, f"https://{ADDRESS}:{PORT}")
    tree.publish("one", SAMPLES)
    server = ThreadingHTTPServer((ADDRESS, PORT), functools.partial(QuietHandler, directory=str(folder / "public")))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = folder / "home"
    configuration = {"CLAUDE_CONFIG_DIR": str(home / "claude"), "NODE_EXTRA_CA_CERTS": str(ca), "NO_PROXY": "*"}
    install_and_update(tree, Client(PROGRAMS[0], home, {**QUIET, **configuration}))


def install_and_update(tree: Tree, claude: Client) -> None:
    cache = claude.home / "claude/plugins/cache"
    claude.run("plugin", "marketplace", "add", f"{tree.url}/r/acme/tools/marketplace.json")
    claude.run("plugin", "install", "pdf-forms@acme_tools")
    assert files(cache / "acme_tools/pdf-forms/1.2.0") == packaged(PDF)
    assert "1.2.0" in claude.run("plugin", "list")

    claude.run("plugin", "marketplace", "add", f"{tree.url}/marketplace.json")
    assert "test-registry" in claude.run("plugin", "marketplace", "list")

    newer = with_version(PDF, "1.3.0", "# PDF\n\nNewer.\n")
    tree.publish("two", [newer, *SAMPLES[1:]])
    claude.run("plugin", "marketplace", "update", "acme_tools")
    claude.run("plugin", "update", "pdf-forms@acme_tools")
    assert files(cache / "acme_tools/pdf-forms/1.3.0") == packaged(newer)

    owner = json.loads((tree.folder / "public/r/acme/marketplace.json").read_text())
    plugin = next(one for one in owner["plugins"] if one["name"] == CSV.slug)
    package = tree.folder / "public" / plugin["source"]["url"].removeprefix(f"{tree.url}/")
    package.unlink()  # another path may be linked to its bytes
    package.write_bytes(b"PK other bytes")
    claude.run("plugin", "marketplace", "add", f"{tree.url}/r/acme/marketplace.json")
    claude.run("plugin", "install", f"{CSV.slug}@{owner['name']}", fails=True)
    assert not (cache / owner["name"] / str(CSV.slug)).exists()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
