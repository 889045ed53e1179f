"""Code that hides what it does, and code with only one use: shells for others and mining."""

from __future__ import annotations

from collections.abc import Iterator

from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near, pairs
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import TO_SHELL
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
    ),
    r"(?:(?<![\w.])(?:(?:exec|eval|execscript|function|assert|compile|os\.system|os\.popen|subprocess\.\w{2,14}"
    r"|exec(?:file)?sync|child_process\.\w{2,14}|setimmediate|settimeout|__import__\([^)\n]{1,40}\)\.\w{2,14}|system"
    r"|passthru|shell_exec)[ ]?\(|(?:iex|invoke-expression)\b)|\bspawn\w{0,4}\([^\n]{0,40}?)[^\n;]{0,160}?"
    r"(?:b64decode|\batob\(|,[ ]?['\"]base64['\"]|frombase64string|fromhex\(|unhexlify\(|decompress\(|rot_?13"
    r"|marshal\.loads|[ab]85decode|b32decode|base64_decode|gzinflate|decode64|fromcharcode)",
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
    ("__import__(", "getattr(", "globals()", "__builtins__", "this[", "window[", "globalthis[", "constructor"),
    r"getattr\([ ]?(?:__builtins__|__import__\([^)\n]{1,40}\)|builtins)[ ]?,|__builtins__[ ]?(?:\[|\.__dict__)"
    r"|globals\(\)\[[ ]?[\"']__builtins__|__import__\([ ]?(?:chr\(|[\"'][a-z]{1,3}[\"'][ ]?\+|bytes|base64"
    r"|\w{1,20}\[)|(?:this|window|globalthis)\[[ ]?(?:atob\(|[\"'](?:ev|al|ex)[\"']|string\.from)"
    r"|\[\][\[.][\"']?(?:filter|constructor|flat)[\"']?\]?[\[.][\"']?constructor",
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

_REVERSE_SHELL = Signal(
    (
        "/dev/tcp/",
        "/dev/udp/",
        "nc ",
        "ncat",
        "netcat",
        "nc.exe",
        "mkfifo",
        "socat",
        "dup2",
        "pty.spawn",
        "tcpclient",
        "fsockopen",
        "socket(pf_inet",
        "net.socket",
        "net.connect",
        "tcpsocket",
        "telnet ",
        "wss://",
        "msfvenom",
        "meterpreter",
        "createconnection",
    ),
    r"(?:ba|z|da)?sh[ ]+-i[ ]{0,3}(?:>|<|[0-9]|&)[^\n]{0,40}/dev/(?:tcp|udp)/"
    r"|exec[ ]+[0-9]{1,3}<>[ ]{0,2}/dev/(?:tcp|udp)/|0<&[0-9]{1,4}[^\n]{0,60}/dev/tcp/"
    r"|/dev/tcp/[^\n]{0,120}(?:\bsh\b|<&|\bcat\b[^\n]{0,30}\|)"
    r"|\b(?:nc|ncat|netcat)(?:\.exe|\.traditional|\.openbsd)?[ ][^\n|;]{0,80}?(?:-[a-z]{0,6}[ec][ ]+"
    r"|--(?:sh-)?exec[ ]+)[\"']?(?:/?(?:usr/)?bin/)?(?:(?:ba|z|da|k)?sh|cmd(?:\.exe)?|powershell)\b"
    r"|mkfifo[ ][^\n]{0,160}\b(?:nc|ncat|netcat|openssl[ ]s_client|telnet)\b|socat[ ][^\n]{0,120}\bexec:"
    r"|socat[ ][^\n]{0,80}exec[:=][^\n]{0,40}sh"
    r"|os\.dup2\([^\n]{0,40}fileno|pty\.spawn\([\"']/?(?:usr/)?(?:bin/)?(?:ba|z)?sh"
    r"|system\.net\.sockets\.tcpclient\([^\n]{0,400}?(?:iex|invoke-expression|getstream)"
    r"|tcpclient\([^\n]{0,120}\)[^\n]{0,200}getstream"
    r"|fsockopen\([^\n]{0,120}(?:proc_open|exec|popen|shell_exec|passthru|/bin/)|socket\(pf_inet[^\n]{0,300}exec"
    r"|tcpsocket\.(?:new|open)\([^\n]{0,200}(?:exec|popen|/bin/)|telnet[ ][^\n|]{3,60}\|[ ]{0,2}(?:/bin/)?(?:ba)?sh",
)
_SOCKET_SHELL_PARTS = (
    Signal(
        ("socket.socket", "net.socket", "net.connect", "createconnection", "net.createconnection"),
        r"socket\.socket\(|new[ ]net\.socket|net\.(?:connect|createconnection)\(",
    ),
    Signal(
        ("subprocess", "spawn", "os.system", "popen", "exec("),
        r"(?:subprocess\.\w{2,14}|spawn|popen|os\.system|exec)\([^\n]{0,80}(?:/bin/(?:ba|z)?sh|cmd\.exe|powershell"
        r"|[\"'](?:ba|z)?sh[\"'])|subprocess\.\w{2,14}\([ ]?(?:cmd|command|data|recv)\b[^\n]{0,80}shell[ ]?=[ ]?true",
    ),
    Signal((".recv(", "on('data'", 'on("data"', ".pipe(", "dup2"), r"\.recv\(|\.on\([\"']data|\.pipe\(|dup2\("),
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
    for decoded, piped in pairs(view.find(_DECODE), view.find(TO_SHELL), within=600):
        if "\n" not in view.low[decoded.start() : piped.start()]:
            yield hit(Severity.CRITICAL, view, decoded, piped)
    for signal in (_SHELL_OF_DECODE, _RUN_DECODED, _ENCODED_POWERSHELL, _POWERSHELL_DECODE_RUN):
        for match in view.find(signal):
            yield hit(Severity.CRITICAL, view, match)
    if view.kind is Kind.SCRIPT:
        for match in view.find(_RUN_UNPACKED):
            yield hit(Severity.CRITICAL, view, match)


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
    running = view.find(_RUNS)
    for match in view.find(_CHARACTER_CODES):
        yield hit(Severity.HIGH if near(match, running, before=400, after=400) else Severity.LOW, view, match)
    if view.kind is Kind.SCRIPT and running:
        runs = [match for match in view.find(_LONG_RUN) if len(match[0]) >= 900]
        if runs and len(runs) < len(view.find(_LONG_RUN)):
            yield hit(Severity.HIGH, view, runs[0], note="a long encoded string beside a decoder")


@view_rule(
    "reverse-shell",
    Severity.CRITICAL,
    "A shell is handed to another machine",
    explanation="Somebody at the other end of the connection can run any command here.",
    remedy="Remove it; there is no place for it in a skill that others install.",
)
def reverse_shell(view: View, skill: Skill) -> Iterator[Hit]:
    """Find shells tied to a network connection."""
    for match in view.find(_REVERSE_SHELL):
        yield hit(Severity.CRITICAL, view, match)
    if view.kind is Kind.SCRIPT:
        sockets, shells, reads = (view.find(signal) for signal in _SOCKET_SHELL_PARTS)
        for connected, shell in pairs(sockets, shells, within=1_500, ordered=False):
            if near(shell, reads, before=1_500, after=1_500):
                yield hit(Severity.CRITICAL, view, connected, shell)


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


RULES = (encoded_command, obfuscated_code, reverse_shell, crypto_miner)
