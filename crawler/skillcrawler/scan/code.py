"""Unsafe code: not malice, but a door for whoever controls the input."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.flow import uses
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import Kind, View
from skillcrawler.scan.vocabulary import code_calls
from skilldata.models import Severity

_INPUT = Signal(
    (
        "sys.argv",
        "input(",
        "argparse",
        "request.",
        "req.body",
        "req.query",
        "process.argv",
        "readline",
        "params[",
        "$1",
        "$@",
        "argv",
        "parse_args(",
        "read ",
        "param(",
        "param (",
        "$*",
        "$2",
        "args.",
        "user_input",
        "userinput",
        "$_get",
        "$_post",
        "click.",
        "stdin",
        "prompt(",
        "gets",
        "typer",
        "def ",
        "function ",
    ),
    r"sys\.argv|\binput\(|\bargparse\b|\brequest\.(?:args|form|json|get|values|query)|\breq\.(?:body|query|params)"
    r"|process\.argv|\breadline\b|\$_(?:get|post|request)|\bclick\.(?:argument|option)|\bstdin\b|\btyper\b"
    r"|user_?input|\bargs\.\w|\bargv\b|\bgets\b|\bread[ ]+(?:-\w{1,3}[ ]+){0,3}([a-z_]\w{0,40})"
    r"|\bparam[ ]?\([^\n$]{0,40}\$(\w{1,40})"
    r"|\bparse_args\(|\$_(?:get|post|request)\[|(?<![\w$])\$[1-9@*](?!\w)",
)
_EVALUATE = Signal(
    ("eval(", "exec(", "new function(", "eval "),
    r"(?<![\w.>$])(?:eval|exec)\([ ]?(?![\"'`)]|compile\(open|self\b)[a-z_$][\w.$\[\]\"']{0,60}"
    r"|\bnew[ ]function\([ ]?[a-z_$][\w.$]{0,60}[ ]?\)|(?:^|[;&|][ ]?)[ \t]{0,12}eval[ ]+[\"']?\$[1-9@*]",
)
_SHELL = Signal(
    (
        "os.system(",
        "os.popen(",
        "shell=true",
        "shell = true",
        "exec(",
        "execsync(",
        "shell_exec(",
        "system(",
        "popen(",
        "getoutput(",
    ),
    r"\bos\.(?:system|popen)\([ ]?(?:rf?|fr?)[\"'][^\n]{0,200}?\{|\bos\.(?:system"
    r"|popen)\([^\n]{0,120}?(?:[\"'][ ]?(?:\+|%)[ ]?|\.format\()|\bos\.(?:system|popen)\([ ]?[a-z_]\w{0,40}[ ]?\)"
    r"|subprocess\.(?:getoutput|getstatusoutput)\([ ]?(?:f[\"'][^\n]{0,120}\{|[a-z_]\w{0,40}[ ]?\))"
    r"|subprocess\.\w{2,14}\([ ]?(?:f[\"'][^\n]{0,300}?\{[^\n]{0,300}?|[a-z_][\w.]{0,40}[ ]?,[^\n]{0,160}?"
    r"|[\"'][^\n]{0,200}?[\"'][ ]?(?:\+|%)[^\n]{0,160}?|[\"'][^\n]{0,200}?\.format\([^\n]{0,160}?)shell[ ]?=[ ]?true"
    r"|\bexec(?:sync)?\([ ]?`[^`\n]{0,200}?\$\{|\bexec(?:sync)?\([ ]?[\"'][^\"'\n]{0,200}[\"'][ ]?\+|\b(?:shell_exec"
    r"|passthru|system)\([^\n]{0,80}\$_(?:get|post|request)"
    r"|\b(?:exec|execsync|spawn|system|eval)\([ ]?(?:req|request)\.(?:query|body|params|args|form)"
    r"|(?<![\w.])(?:system|exec)[ (][ ]?\"[^\"\n]{0,120}#\{",
)
_SQL = Signal(
    ("select ", "insert ", "update ", "delete ", "drop "),
    r"(?:execute|executemany|raw|query|executescript)\([ ]?(?:f[\"']{1,3}[^\n]{0,300}?\{"
    r"|[\"'][^\"\n]{0,300}?[\"'][ ]?(?:\+|%[ ]?\(?\w)|[\"'][^\n]{0,300}?\.format\()"
    r"|(?<![\w.])\w{1,20}[ ]?=[ ]?(?:f[\"']{1,3}[^\n]{0,20}(?:select|insert|update|delete"
    r"|drop)\b[^\n]{0,300}?[\"']?\{[a-z_]"
    r"|[\"'](?:select|insert|update|delete)\b[^\n]{0,300}?[\"'][ ]?\+[ ]?[a-z_])|`(?:select|insert|update"
    r"|delete)\b[^`\n]{0,300}?'\$\{",
)
_QUERIES = Signal(
    ("_query(", "->query(", ".query(", ".execute(", "executequery(", ".raw("),
    r"\b(?:mysqli|pg|mysql)_query\(|->(?:query|exec)\(|\.(?:query|execute|executequery|raw)\(",
)
# The text of a query, with a value put into it, and not given beside it.
_PUT_TOGETHER = re.compile(
    r"[ ]?(?:\$\w{1,20},[ ]?)?f?[\"'`][^\"'`\n]{0,200}?(?:select|insert|update|delete)\b[^\n]{0,200}?(?:=|like|in"
    r"|values)[ ('\"%]{0,6}"
    r"(?:[.+][ ]?)?(?:\$\{?|\{)?[a-z_]\w{0,40}[ ]?(?:\}|[\"')]|;|$)"
)
_QUOTED_VALUE = ("'{", "= {", "={", "%{", "('{", "'\" +", "'\"+", '= " +', '=" +', "'%s'", "'${", "where")
_DESERIALISE = Signal(
    (
        "pickle",
        "yaml.load",
        "yaml.unsafe_load",
        "marshal.load",
        "shelve.open",
        "jsonpickle",
        "dill.load",
        "joblib.load",
        "torch.load",
        "unserialize(",
        "node-serialize",
        "objectinputstream",
        "binaryformatter",
    ),
    r"\b(?:c?pickle|dill|cloudpickle)\.loads?\(|\byaml\.(?:unsafe_load|full_load)\("
    r"|\byaml\.load\((?![^\n]{0,120}(?:safeloader|csafeloader|loader[ ]?=[ ]?(?:yaml\.)?safe))|\bmarshal\.loads?\("
    r"|\bjsonpickle\.decode\(|\bunserialize\([ ]?\$|\bnode-serialize\b|\bobjectinputstream\(|\bbinaryformatter\b",
)
_FROM_OUTSIDE = Signal(
    ("request", "urlopen", "recv(", "b64decode", "sys.argv", "input(", "stdin", "upload", "http", "args."),
    r"requests\.|urlopen\(|\.recv\(|b64decode\(|sys\.argv|\binput\(|\bstdin\b|request\.|args\.\w|user_|untrusted",
)
_TRAVERSAL = Signal(
    ("../../", "..\\..\\", "/etc/passwd", "/etc/shadow", "%2e%2e"),
    r"[\"'`=( ](?:\.\./){2,12}(?:etc|root|home|proc|var|\.ssh|\.aws|\.env)|(?:open|read\w{0,12}|cat|path"
    r"|load)[( ][^\n]{0,40}/etc/(?:passwd|shadow)|%2e%2e(?:%2f|/)",
)
_OPEN_JOINED = Signal(
    ("open(", "sendfile", "send_file", "readfile", "read_text", "unlink(", "extractall("),
    r"\bopen\([ ]?(?:os\.path\.join\([^\n]{0,80}?,[ ]?)?(?:f[\"'][^\"'\n]{0,80}\{)?(?:user_?(?:input|path"
    r"|file\w{0,6})|request\.\w{2,10}|req\.(?:query|params|body)\.\w{1,30}|untrusted\w{0,20})|\b(?:sendfile"
    r"|readfile(?:sync)?)\([^\n]{0,80}?req\.(?:query|params|body)|tarfile\.open\([^\n]{0,120}extractall\("
    r"|\b(?:open|send_file|sendfile|readfile(?:sync)?)\([^\n]{0,60}\b(?:req|request)\.(?:args|form|query|params|body"
    r"|values)\b",
)


@view_rule(
    "code-injection",
    Severity.HIGH,
    "Input can become code",
    explanation="A value from outside becomes part of a command, a query or an expression; whoever sets it runs code.",
    remedy="Pass arguments as a list, bind query parameters, parse values with a parser made for them.",
)
def code_injection(view: View, skill: Skill) -> Iterator[Hit]:
    """Find evaluators, shells and queries that are fed with variables."""
    if view.kind is not Kind.SCRIPT:
        return
    tainted = view.any(_INPUT)
    for match in view.find(_EVALUATE):
        yield hit(Severity.HIGH if tainted else Severity.MEDIUM, view, match)
    inputs = [match for match in view.find(_INPUT) if match[0] != "argparse"]
    for match in view.find(_SHELL):
        yield hit(Severity.HIGH if near(match, inputs, before=300, after=0) else Severity.MEDIUM, view, match)
    for match in view.find(_SQL):
        quoted = any(mark in match[0] or mark in view.low[match.end() : match.end() + 60] for mark in _QUOTED_VALUE)
        yield hit(Severity.HIGH if quoted and tainted else Severity.MEDIUM if quoted else Severity.LOW, view, match)
    for call, _ in uses(view, inputs, _calls(view)):
        yield hit(Severity.HIGH, view, call, note="input goes into what is run:", firm=True)
    for call, _ in uses(view, inputs, view.find(_QUERIES)):
        if _PUT_TOGETHER.match(view.low, call.end()):
            yield hit(Severity.HIGH, view, call, note="input goes into a query:", firm=True)


@view_rule(
    "unsafe-data",
    Severity.HIGH,
    "Foreign data is trusted too much",
    explanation="Unpickling or joining paths with foreign data lets that data run code or reach other files.",
    remedy="Read foreign data with json or a safe loader; resolve paths and check that they stay inside.",
)
def unsafe_data(view: View, skill: Skill) -> Iterator[Hit]:
    """Find unsafe loaders and paths made of foreign data."""
    if view.kind is not Kind.SCRIPT:
        return
    outside = view.find(_FROM_OUTSIDE)
    for match in view.find(_DESERIALISE):
        yield hit(Severity.HIGH if near(match, outside, before=500, after=120) else Severity.MEDIUM, view, match)
    for match in (*view.find(_TRAVERSAL), *view.find(_OPEN_JOINED)):
        yield hit(Severity.HIGH, view, match)


def _calls(view: View) -> list[re.Match[str]]:
    return [match for match in code_calls(view) if not match[0].startswith("assert")]


RULES = (code_injection, unsafe_data)
