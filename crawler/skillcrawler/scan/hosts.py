"""What kind of place an address points to: a vendor, a paste, a tunnel, a bare IP number."""

from __future__ import annotations

import functools
import ipaddress
import re
from enum import StrEnum

from skillcrawler.scan.table import set_of, words_of

URL = r"(?:https?|ftp)://[^\s\"'`<>()\[\]{}|\\,;]{3,300}"
_PARTS = re.compile(
    r"(?:(https?|ftp)://)?(?:([^/@\s]{0,100})@)?(\[[0-9a-f:.]{2,45}\]|[^/:?#\s]{1,253})(?::\d{1,5})?(/\S*)?"
)


class HostKind(StrEnum):
    """Kinds of hosts, as far as an address alone tells."""

    LOCAL = "this machine or a private network"
    VENDOR = "a well-known vendor"
    FORGE = "a code forge"
    PLACEHOLDER = "a placeholder"
    ORDINARY = "an ordinary host"
    PLAIN = "a host without TLS"
    ADDRESS = "a bare IP address"
    PASTE = "a paste or file-drop site"
    TUNNEL = "a tunnel or free dynamic name"
    SHORTENER = "a link shortener"
    COLLECTOR = "a request collector"
    DISGUISED = "an address in disguise"

    @property
    def odd(self) -> bool:
        """Whether honest installers are hardly ever found there."""
        return self in _ODD


_ODD = frozenset(
    {HostKind.ADDRESS, HostKind.PASTE, HostKind.TUNNEL, HostKind.SHORTENER, HostKind.COLLECTOR, HostKind.DISGUISED}
)

PASTES = words_of(
    "pastebin.com paste.ee pastes.dev paste.rs rentry.co rentry.org hastebin.com glot.io ghostbin.com "
    "dpaste.com dpaste.org ix.io sprunge.us termbin.com controlc.com justpaste.it pasteio.com 0bin.net "
    "privatebin.net cl1p.net transfer.sh temp.sh file.io 0x0.st catbox.moe gofile.io anonfiles.com "
    "bashupload.com oshi.at tmpfiles.org uguu.se filebin.net wetransfer.com mega.nz mediafire.com "
    "sendspace.com cdn.discordapp.com telegra.ph gist.githubusercontent.com gist.github.com"
)
TUNNELS = words_of(
    "ngrok.io ngrok.app ngrok-free.app ngrok.dev trycloudflare.com serveo.net localhost.run loca.lt "
    "localtunnel.me lhr.life pagekite.me bore.pub tunnelto.dev portmap.io duckdns.org no-ip.org ddns.net "
    "hopto.org zapto.org sytes.net dynu.net afraid.org nip.io sslip.io onion"
)
SHORTENERS = words_of("bit.ly tinyurl.com t.ly is.gd cutt.ly rb.gy shorturl.at goo.gl t.co ow.ly v.gd tiny.cc soo.gd")
COLLECTORS = words_of(
    "webhook.site requestbin.com requestbin.net pipedream.net m.pipedream.net beeceptor.com "
    "requestcatcher.com hookbin.com hookb.in webhook.cool webhookinbox.com postb.in ptsv2.com ptsv3.com "
    "requestinspector.com mockbin.org typedwebhook.tools smee.io interact.sh interactsh.com oast.pro "
    "oast.live oast.site oast.online oast.fun oast.me burpcollaborator.net oastify.com canarytokens.com "
    "dnslog.cn ceye.io dnsbin.zhack.ca requestrepo.com xss.ht"
)
_VENDORS = set_of(
    "astral.sh sh.rustup.rs rustup.rs rust-lang.org get.docker.com docker.com nodesource.com brew.sh "
    "python-poetry.org bun.sh bun.com deno.land deno.com pnpm.io volta.sh mise.run mise.jdx.dev "
    "starship.rs ollama.com ollama.ai claude.ai anthropic.com cursor.com opencode.ai openclaw.ai fly.io "
    "helm.sh k3s.io k0s.sh sdkman.io nixos.org determinate.systems pkgx.sh pixi.sh mamba.pm "
    "pyenv.run rvm.io rclone.org tailscale.com cloud.google.com google.com "
    "googleapis.com googlecloud.com amazonaws.com aws.amazon.com aka.ms microsoft.com azure.com "
    "aspire.dev dot.net nvidia.com pytorch.org istio.io linkerd.io fluxcd.io submariner.io argoproj.io "
    "k8s.io kubernetes.io hashicorp.com vercel.com vercel.app netlify.com cloudflare.com supabase.com "
    "supabase.co planetscale.com neon.tech neon.com railway.app railway.com render.com github.com "
    "github.io githubcli.com gitlab.com sentry.io datadoghq.com grafana.com paradigm.xyz solana.com "
    "anza.xyz starkup.dev sourcegraph.com goreleaser.com semgrep.dev snyk.io doppler.com infisical.com "
    "temporal.io temporal.download huggingface.co hf.co modal.com replicate.com pulumi.com terraform.io "
    "juliahub.com julialang.org ghcup.haskell.org haskell.org haskellstack.org opam.ocaml.org ocaml.org "
    "golang.org go.dev nodejs.org "
    "apache.org debian.org ubuntu.com fedoraproject.org archlinux.org "
    "alpinelinux.org chocolatey.org scoop.sh jetbrains.com apple.com mozilla.org flutter.dev dart.dev "
    "dlthub.com motherduck.com duckdb.org redis.io mongodb.com postgresql.org stripe.com prisma.io "
    "posit.co r-project.org rstudio.com quarto.org typst.app ohmyz.sh ohmyposh.dev direnv.net atuin.sh "
    "zoxide.dev get.sdkman.io openai.com cli.github.com x.ai mistral.ai groq.com elevenlabs.io expo.dev "
    "ngrok.com wasmtime.dev wasmer.io moonrepo.dev"
)
_FORGES = set_of(
    "raw.githubusercontent.com objects.githubusercontent.com codeload.github.com bitbucket.org "
    "codeberg.org sr.ht gitee.com sourceforge.net cdnjs.com esm.sh"
)
# The public package registries, as (name, top-level domain).
_REGISTRIES = frozenset(
    {
        ("npmjs", "org"),
        ("npmjs", "com"),
        ("yarnpkg", "com"),
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("pypa", "io"),
        ("crates", "io"),
        ("rubygems", "org"),
        ("maven", "org"),
    }
)
_PLACEHOLDERS = set_of(
    "example.com example.org example.net your-domain.com yourdomain.com your-server.com yourserver.com "
    "domain.com mysite.com company.com your-company.com yourcompany.com"
)
_LOCAL_NAMES = frozenset({"localhost", "host.docker.internal", "0.0.0.0", "kubernetes.default.svc"})  # noqa: S104  a name, not a bind


def host_of(address: str) -> str:
    """The host part of a URL, or of `host/path`; empty if there is none."""
    parts = _PARTS.match(address)
    return parts[3].strip("[].").lower() if parts else ""


@functools.lru_cache(maxsize=4_096)
def classify(address: str) -> HostKind:
    """Tell what kind of place a URL (or `host/path`) in lower case points to."""
    parts = _PARTS.match(address)
    if parts is None:
        return HostKind.ORDINARY
    scheme, user, host = parts[1], parts[2], parts[3].strip("[].")
    if user and "." in user:
        return HostKind.DISGUISED  # https://vendor.example@elsewhere
    number = _address(host)
    if number is not None:
        return _kind_of_address(number, host)
    return _kind_of_name(host, plain=scheme in ("http", "ftp"))


def _kind_of_name(host: str, *, plain: bool) -> HostKind:
    for names, kind in _LISTS:
        if _listed(host, names):
            return kind
    if tuple(host.split(".")[-2:]) in _REGISTRIES:
        return HostKind.VENDOR
    if host in _LOCAL_NAMES or host.endswith((".local", ".internal", ".localhost")) or "." not in host:
        return HostKind.LOCAL
    if _listed(host, _PLACEHOLDERS) or "your" in host:
        return HostKind.PLACEHOLDER
    return HostKind.PLAIN if plain else HostKind.ORDINARY


_LISTS: tuple[tuple[frozenset[str], HostKind], ...] = (
    (frozenset(PASTES), HostKind.PASTE),
    (frozenset(TUNNELS), HostKind.TUNNEL),
    (frozenset(SHORTENERS), HostKind.SHORTENER),
    (frozenset(COLLECTORS), HostKind.COLLECTOR),
    (_FORGES, HostKind.FORGE),
    (_VENDORS, HostKind.VENDOR),
)


def _listed(host: str, names: frozenset[str]) -> bool:
    """Whether the host or a domain above it is in the list."""
    labels = host.split(".")
    return any(".".join(labels[index:]) in names for index in range(len(labels)))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        if host.isdigit() or host.startswith("0x"):
            return ipaddress.IPv4Address(int(host, 0 if host.startswith("0x") else 10))
        return ipaddress.ip_address(host)
    except ValueError:
        return None


_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        [
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ],
    )
)


def _kind_of_address(number: ipaddress.IPv4Address | ipaddress.IPv6Address, host: str) -> HostKind:
    # Not `is_private`: that is also true of the numbers reserved for documentation.
    if any(number in network for network in _PRIVATE):
        return HostKind.LOCAL
    return HostKind.ADDRESS if "." in host or ":" in host else HostKind.DISGUISED
