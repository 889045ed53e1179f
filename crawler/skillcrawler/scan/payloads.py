"""Code that hides what it does, and software that mines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.flow import uses
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import TO_SHELL, code_calls
from skilldata.models import Severity

_DECODE = Signal(
    (
        "base64",
        "b64",
        "openssl enc",
        "xxd",
        "uudecode",
        "base32",
        "printf",
        "tr ",
        "rev",
        "gunzip",
        "zcat",
        "certutil -decode",
    ),
    r"\bbase(?:64|32)(?:\.exe)?[ ]+(?:-{1,2}[a-z]{1,12}[ ]+){0,3}?-{1,2}(?:d|decode)\b"
    r"|\bopenssl[ ]+(?:enc[ ]+)?(?:-\w+[ ]+){0,3}-?base64[ ][^\n|]{0,40}-d\b"
    r"|\bopenssl[ ]+enc[ ][^\n|]{0,80}-d\b|\bxxd[ ]+-[a-z]{0,3}r|\buudecode\b"
    r"|\bprintf[ ]+[^\n|]{0,40}\\\\?(?:x[0-9a-f]{2}|[01][0-7]{2}\\)|\|[ ]{0,4}rev\b"
    r"|\btr[ ]+['\"]?a-z[^\n|]{0,20}n-z|\b(?:gunzip|zcat)[ ][^\n|]{0,60}|certutil(?:\.exe)?[ ]+-decode",
)
_SHELL_OF_DECODE = Signal(
    ("base64", "xxd", "b64"),
    r"(?:\beval|\bsource|\bexec|\b(?:ba|z|da)?sh(?:[ ]+-\w{1,4})?|(?<=[ ;&])\.)[ ]{0,3}[\"']?(?:<\(|\$\(|`"
    r"|<<<)[^\n]{0,2000}?(?:\bbase64[ ]+-{1,2}d|\bxxd[ ]+-\w{0,3}r)",
)
_RUN_DECODED = Signal(
    (
        "b64decode",
        "atob(",
        "'base64'",
        '"base64"',
        "frombase64",
        "fromhex",
        "unhexlify",
        "decompress(",
        "rot13",
        "rot_13",
        "marshal.loads",
        "a85decode",
        "b85decode",
        "b32decode",
        "base64_decode",
        "gzinflate",
        "str_rot13",
        "decode64",
        "unpack(",
        "fromcharcode",
        "buffer.from",
    ),
    r"(?:(?<![\w.])(?:(?:exec|eval|execscript|function|assert|compile|os\.system|os\.popen|subprocess\.\w{2,14}"
    r"|exec(?:file)?sync|child_process\.\w{2,14}|setimmediate|settimeout|require\([\"']vm[\"']\)\.\w{3,20}"
    r"|vm\.run\w{2,20}|__import__\([^)\n]{1,40}\)\.\w{2,14}|system"
    r"|passthru|shell_exec)[ ]?\(|(?:iex|invoke-expression)\b)|\bspawn\w{0,4}\([^\n]{0,40}?)[^\n;]{0,160}?"
    r"(?:b64decode|\batob\(|,[ ]?['\"]base64['\"]|frombase64string|fromhex\(|unhexlify\(|decompress\(|rot_?13"
    r"|marshal\.loads|[ab]85decode|b32decode|base64_decode|gzinflate|decode64|fromcharcode"
    r"|buffer\.from\([^\n]{0,80},[ ]?[\"'](?:base64|hex)[\"'])",
)
_DECODES = Signal(
    (
        "b64decode",
        "b85decode",
        "a85decode",
        "b32decode",
        "atob(",
        "'base64'",
        '"base64"',
        "'hex'",
        '"hex"',
        "frombase64",
        "fromhex",
        "unhexlify",
        "decompress(",
        "rot13",
        "rot_13",
        "marshal.loads",
        "base64_decode",
        "decode_base64",
        "gzinflate",
        "decode64",
        "gzipstream",
        "codecs.decode",
        ".decrypt(",
        ".pack(",
    ),
    r"[ab]85decode|b(?:64|32)decode|\batob\(|buffer\.from\([^\n]{0,200},[ ]?[\"'](?:base64|hex)[\"']|frombase64string"
    r"|fromhex\(|unhexlify\(|\bdecompress\(|marshal\.loads\(|base64_decode|decode_base64|gzinflate|decode64\("
    r"|gzipstream|codecs\.decode\(|\.decrypt\(|\.pack\([\"'][hm]"
    r"|\bimport[ ]+(?:\w+[ ]?,[ ]?){0,4}(?:\w{0,8}decode\w{0,4}|decompress|unhexlify|loads)[ ]+as[ ]+([a-z_]\w{0,40})",
)
_DECODED_TO_FILE = Signal(
    ("certutil", "base64", "openssl", "xxd"),
    r"\bcertutil(?:\.exe)?[ ]+(?:-f[ ]+)?-decode(?:hex)?[ ]+[^\s]{1,120}[ ]+([^\s;&|]{2,120})"
    r"|\b(?:base64[ ]+-{1,2}d|openssl[ ]+(?:enc[ ]+)?[^\n|>]{0,80}-d\b|xxd[ ]+-\w{0,3}r)[^\n|>]{0,200}"
    r"(?:\|[ ]?(?:gunzip|zcat|tar|gzip[ ]-d)[^\n|>]{0,40})?>[ ]?[\"']?([^\s;&|\"']{2,120})",
)
_RUN_PATH = re.compile(
    r"(?:^|[\n;&|(][ \t]{0,8})(?:(?:start|call|nohup|sudo|exec|source|\.|(?:ba|z)?sh|chmod[ ]+\S{1,8}"
    r"|python[\d.]{0,4}|node|perl)"
    r"(?:[ ]+[-/]\w{1,8}){0,3}[ ]+)?[\"']?([^\s;&|\"']{2,120})"
)
_ENCODED_POWERSHELL = Signal(
    ("powershell", "pwsh"),
    r"\b(?:powershell|pwsh)(?:\.exe)?\b[^\n|;]{0,160}?[ ][-/](?:e|ec|en|enc|enco|encod|encode"
    r"|encodedcommand)[ ]+[\"']?[a-z0-9+/=]{16,}",
)
_POWERSHELL_DECODE_RUN = Signal(
    ("frombase64string",),
    r"frombase64string[^\n]{0,2000}?(?:\|[ ]?iex|invoke-expression|invoke\(|::load\()|(?:iex|invoke-expression"
    r"|::load\()[^\n]{0,200}?frombase64string",
)
_RUN_UNPACKED = Signal(
    ("exec(", "eval("),
    r"(?<![\w.])(?:exec|eval)\([ ]?(?:compile\()?(?:[a-z_]\w{0,30}\(){0,3}(?:zlib|gzip|bz2|lzma|marshal|base64"
    r"|codecs|binascii|pickle|cryptography|fernet|bytes|bytearray|''\.join|\"\"\.join)\b",
)
_DYNAMIC_NAME = Signal(
    (
        "__import__(",
        "getattr(",
        "globals()",
        "__builtins__",
        "this[",
        "window[",
        "globalthis[",
        "constructor",
        "& (",
        "&(",
        ". (",
    ),
    r"getattr\([ ]?(?:__builtins__|__import__\([^)\n]{1,40}\)|builtins)[ ]?,|__builtins__[ ]?(?:\[|\.__dict__)"
    r"|globals\(\)\[[ ]?[\"']__builtins__|__import__\([ ]?(?:chr\(|[\"'][a-z]{1,3}[\"'][ ]?\+|bytes|base64"
    r"|\w{1,20}\[)|(?:this|window|globalthis)\[[ ]?(?:atob\(|[\"'](?:ev|al|ex)[\"']|string\.from)"
    r"|\[\][\[.][\"']?(?:filter|constructor|flat)[\"']?\]?[\[.][\"']?constructor"
    r"|(?:^|[ ;|{(])[&.][ ]?\([ ]?(?:\$?\w{1,30}[ ]?\+[ ]?\$?\w|[\"'](?:iex|invoke-expression)[\"']"
    r"|[\"']\{\d\}[^\n]{0,30}-f[ ])",
)
_OBFUSCATOR = Signal(("_0x",), r"\b_0x[0-9a-f]{4,6}\b")
_JSFUCK = Signal(("[]",), r"(?:[\[\]()!+]{2,6}){20,}")
_CHARACTER_CODES = Signal(
    ("chr(", "fromcharcode", "[char]"),
    r"(?:chr\([ ]?(?:0x)?[0-9a-f]{2,3}[ ]?\)[ ]?[+.,&][ ]?){4,}"
    r"|fromcharcode\([ ]?(?:(?:0x)?[0-9a-f]{2,3}[ ]?,[ ]?){6,}|map\([ ]?chr[ ]?,[ ]?\["
    r"|(?:\[char\](?:0x)?[0-9a-f]{2,3}[ ]?\+?[ ]?){4,}",
)
_RUNS = Signal(
    ("exec", "eval", "system(", "popen", "iex", "invoke-expression", "function(", "subprocess", "spawn"),
    r"(?<![\w.])(?:exec|eval|iex|invoke-expression)\b|os\.(?:system|popen)|new[ ]function\(|subprocess\.\w"
    r"|child_process|\bspawn\(",
)
_LONG_RUN = Signal(
    ("decode", "atob", "frombase64", "fromhex", "decompress", "unhexlify"),
    r"[a-z0-9+/_=\\-]{900,}|(?:b64decode|b85decode|a85decode|atob|fromhex|unhexlify|frombase64string|decompress)\(",
)

_MINER = Signal(
    (
        "xmrig",
        "stratum+",
        "stratum1+",
        "minerd",
        "cpuminer",
        "nicehash",
        "cryptonight",
        "randomx",
        "coinhive",
        "t-rex.exe",
        "nbminer",
        "ethminer",
        "minexmr",
        "supportxmr",
        "nanopool",
        "2miners",
        "moneroocean",
        "phoenixminer",
        "cgminer",
    ),
    r"\bxmrig\b|stratum1?\+(?:tcp|ssl)://|\bminerd\b|\bcpuminer\b|\bcryptonight\b|--algo[= ](?:randomx|rx/0|kawpow"
    r"|ethash)|--donate-level|\bcoinhive\b|\bnbminer\b|\bethminer\b|\bphoenixminer\b|\bcgminer\b|(?:minexmr"
    r"|supportxmr|nanopool|2miners|moneroocean|nicehash)\.(?:com|org|stream)",
)
_MINER_START = Signal(
    ("stratum", "--donate-level", "xmrig", "pool", "minerd", "-o "),
    r"\b(?:xmrig|minerd|nbminer|ethminer|phoenixminer|cgminer|cpuminer)(?:\.exe)?[ ][^\n]{0,120}?(?:stratum1?\+"
    r"|--donate-level|-o[ ]|--url|-p[ ])|[ ](?:-o|--url|--pool|-p)[ =]{1,2}[\"']?stratum1?\+(?:tcp|ssl)://",
)


@view_rule(
    "encoded-command",
    Severity.CRITICAL,
    "A command is decoded and run",
    explanation="What runs can only be read after decoding it; nothing honest in a skill needs that.",
    remedy="Write the command or script as plain text.",
)
def encoded_command(view: View, skill: Skill) -> Iterator[Hit]:
    """Find decoders whose result is run."""
    for decoded, piped in view.pairs(_DECODE, TO_SHELL, within=600, one_line=True):
        yield hit(Severity.CRITICAL, view, decoded, piped)
    for signal in (_SHELL_OF_DECODE, _RUN_DECODED, _ENCODED_POWERSHELL, _POWERSHELL_DECODE_RUN):
        for match in view.find(signal):
            yield hit(Severity.CRITICAL, view, match)
    if view.kind is Kind.SCRIPT:
        for match in view.find(_RUN_UNPACKED):
            yield hit(Severity.CRITICAL, view, match)
        yield from _run_later(view)


@view_rule(
    "obfuscated-code",
    Severity.HIGH,
    "Code is made unreadable",
    explanation="Names or strings are assembled from pieces so that neither people nor scanners see what is called.",
    remedy="Publish the source as it was written.",
)
def obfuscated_code(view: View, skill: Skill) -> Iterator[Hit]:
    """Find names built at run time, character codes, obfuscators' marks and long opaque strings beside a decoder."""
    for match in view.find(_DYNAMIC_NAME):
        yield hit(Severity.HIGH, view, match)
    marks = view.find(_OBFUSCATOR)
    if len(marks) >= 10:
        yield hit(Severity.HIGH, view, marks[0])
    for match in view.find(_JSFUCK):
        if "!" in match[0] and "+" in match[0]:
            yield hit(Severity.HIGH, view, match)
    for match in view.find(_CHARACTER_CODES):
        running = near(match, view.find(_RUNS), before=400, after=400)
        yield hit(Severity.HIGH if running else Severity.LOW, view, match)
    if view.kind is Kind.SCRIPT:
        long_runs = [match for match in view.find(_LONG_RUN) if len(match[0]) >= 900]
        if long_runs and view.any(_RUNS) and len(long_runs) < len(view.find(_LONG_RUN)):
            yield hit(Severity.HIGH, view, long_runs[0], note="a long encoded string beside a decoder")


@view_rule(
    "crypto-miner",
    Severity.CRITICAL,
    "Software that mines cryptocurrency",
    explanation="It spends the reader's computer and electricity for somebody else's gain.",
    remedy="Remove it.",
)
def crypto_miner(view: View, skill: Skill) -> Iterator[Hit]:
    """Find miners, and miners being started."""
    started = view.find(_MINER_START) if view.any(_MINER) else ()
    for match in started:
        yield hit(Severity.CRITICAL, view, match)
    if not started:
        for match in view.find(_MINER):
            yield hit(Severity.HIGH if view.kind is Kind.SCRIPT else Severity.LOW, view, match)


def _run_later(view: View) -> Iterator[Hit]:
    """Find what is decoded in one line and run in another."""
    if view.any(_DECODES):
        for call, is_bare in uses(view, view.find(_DECODES), code_calls(view)):
            yield hit(Severity.CRITICAL if is_bare else Severity.HIGH, view, call, note="what was decoded is run:")
    for match in view.find(_DECODED_TO_FILE):
        path = match[match.lastindex or 0]
        for run in _RUN_PATH.finditer(view.low, match.end(), match.end() + 600):
            if run[1] == path:
                yield hit(Severity.CRITICAL, view, match, run)
                break


RULES = (encoded_command, obfuscated_code, crypto_miner)
