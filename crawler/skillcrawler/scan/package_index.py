"""Where packages come from: other indexes, plain addresses, and names made to be mistaken."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.hosts import HostKind, classify
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal
from skillcrawler.scan.table import set_of
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

_REDIRECT = Signal(
    (
        "index-url",
        "index_url",
        "extra-index",
        "registry",
        "--index",
        "find-links",
        "trusted-host",
        "goproxy",
        "gem sources",
        "--source",
        "channel",
        "pip.conf",
        "uv_index",
        "pip_index",
        "-i http",
    ),
    r"(?:--(?:extra-)?index-url|--index|--find-links|(?:pip|uv)_(?:default_|extra_)?index(?:_url)?"
    r"|(?:extra-)?index-url|index_url|--registry|npm_config_registry|npm[ ]config[ ]set[ ]registry"
    r"|yarn[ ]config[ ]set[ ]\w{0,3}registry\w{0,6}|^[ ]{0,8}(?:@[\w.-]{1,60}:)?registry|npmregistryserver|goproxy"
    r"|gem[ ]sources[ ]+(?:-a|--add)|pip3?[ ]install[^\n|;]{0,120}?[ ]-i)[ =:\"'\[\]]{1,6}"
    r"(?:\w{1,20}=)?(https?://[^\s\"'`<>)\]},]{3,200})",
)
_TRUSTED = Signal(("trusted-host", "trusted_host"), r"(?:--trusted-host|trusted[-_]host)[ =:\"']{1,4}([\w.-]{3,120})")
_FROM_ADDRESS = Signal(
    (
        "pip install",
        "pip3 install",
        "npm install",
        "npm i ",
        "npx ",
        "uvx ",
        "uv pip install",
        "yarn add",
        "pnpm add",
        "bun add",
        "pipx",
        "gem install",
        "go install",
        "cargo install",
    ),
    r"\b(?:pip3?[ ]install|uv[ ](?:pip[ ]install|add|tool[ ]install)|pipx[ ](?:install|run)|npm[ ](?:i|install|add)"
    r"|npx|uvx|bunx|yarn[ ]add|pnpm[ ](?:add|dlx)|bun[ ](?:add"
    r"|x))\b[^\n|;&]{0,120}?[ \"'=@]((?:git\+)?https?://[^\s\"'`<>)]{4,200})",
)
# Names under which malicious packages were really published, each close to a well-known one.
_SQUATS = set_of(
    "reqeusts requets requestes request-s requesrs reqests rquests python-request python3-dateutil "
    "python-sqlite jeilyfish colourama colorma urlib3 urllib-3 urllib4 beautifulsoup5 beautifulsup4 "
    "beutifulsoup4 selemium seleniun panda pandsa pands numppy nunpy tensorfow tensrflow torchh pytorhc "
    "djanga djago flaks fiask openaii opena1 openal anthropi antropic langchian lang-chain1 cryptograhpy "
    "crypt0graphy pycrypt0 paramikoo bitcoinlib-dev ethers-js1 crossenv cross-env.js d3.js mongose "
    "mongoos expres expresss lodahs loadsh lodashs axois axio reactt react-domm chalkk chalk-next "
    "discord.jss node-fetchh typescriptt puppeter electorn nodemailler dot-env dotenvv babelcli gruntcli "
    "jquery.js mysqljs opencv.js sqlite.js sqliter smb"
) - {"panda", "smb", "axio"}
_INSTALLED = Signal(
    (
        "pip install",
        "pip3 install",
        "npm install",
        "npm i ",
        "npx ",
        "uvx ",
        "uv add",
        "yarn add",
        "pnpm add",
        "uv pip",
    ),
    r"\b(?:pip3?[ ]install|uv[ ](?:pip[ ]install|add)|npm[ ](?:i|install)|npx|uvx|yarn[ ]add"
    r"|pnpm[ ]add)((?:[ ]+[\w@./=<>~^:\[\]-]{1,80}){1,30})",
)


@view_rule(
    "package-source",
    Severity.HIGH,
    "Packages come from an unusual place",
    explanation="Another index or a plain address can serve anything under a trusted package's name.",
    remedy="Use the public registry and pin versions; name a private index only in the reader's own configuration.",
)
def package_source(view: View, skill: Skill) -> Iterator[Hit]:
    """Find other package indexes, packages by address, hosts trusted without TLS, and known look-alike names."""
    for match in view.find(_REDIRECT):
        severity = _weight(view, match[1])
        if severity:
            lasting = view.kind is Kind.SCRIPT and "config set" in view.low[max(0, match.start() - 40) : match.end()]
            yield hit(Severity.HIGH if lasting else severity, view, match)
    for match in view.find(_TRUSTED):
        if classify(match[1]) not in (HostKind.VENDOR, HostKind.LOCAL, HostKind.PLACEHOLDER):
            yield hit(Severity.HIGH if view.kind is not Kind.PROSE else Severity.MEDIUM, view, match)
    for match in view.find(_FROM_ADDRESS):
        kind = classify(match[1].removeprefix("git+"))
        if kind.odd or kind is HostKind.PLAIN:
            yield hit(Severity.HIGH, view, match)
        elif kind is HostKind.ORDINARY:
            yield hit(Severity.MEDIUM, view, match)
    for match in view.find(_INSTALLED):
        names = {re.split(r"[=<>~^\[]|@(?=.)", name)[0] for name in match[1].split()}
        if names & _SQUATS:
            yield hit(Severity.HIGH, view, match, note="a name like that of a well-known package:")
    if view.path.rpartition("/")[2].lower() in ("requirements.txt", "package.json"):
        for name in sorted(
            set(re.findall(r"^[ \t]*\"?([\w.-]{2,40})\"?(?=[ ]?[=<>~:;\n])", view.low[:100_000], re.MULTILINE))
            & _SQUATS
        ):
            at = view.low.find(name)
            yield Hit(Severity.HIGH, view, at, at + len(name), note="a name like that of a well-known package:")


def _weight(view: View, address: str) -> Severity | None:
    kind = classify(address)
    if kind in (HostKind.VENDOR, HostKind.LOCAL, HostKind.FORGE, HostKind.PLACEHOLDER):
        return None
    if kind.odd or kind is HostKind.PLAIN:
        return Severity.HIGH
    return Severity.HIGH if view.kind is Kind.CONFIGURATION else Severity.MEDIUM


RULES = (package_source,)
