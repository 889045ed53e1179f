"""Commands that cannot be undone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from skillcrawler.scan.flow import uses
from skillcrawler.scan.rule import Hit, Skill, hit, view_rule
from skillcrawler.scan.signals import Signal, near
from skillcrawler.scan.view import Kind, View
from skilldata.models import Severity

_DESTROY = Signal(
    (
        "rm -",
        "mkfs",
        "dd if=",
        "shred",
        "/dev/sd",
        "/dev/nvme",
        "format c",
        "rd /s",
        "del /",
        "rmdir /s",
        "remove-item",
        "vssadmin",
        "wbadmin",
        "bcdedit",
        "rmtree(",
        ":(){",
        "rimraf",
        "cipher /w",
        "chmod -r 777 /",
        "diskutil erase",
        "find / ",
        "find ~",
        "> /dev/sda",
        "wipefs",
        "tmutil",
        "/dev/hd",
        "/dev/disk",
        "clear-disk",
        "format-volume",
        "find $home",
        'find "$home',
        "rmsync(",
        "s3 rb",
        "--all",
    ),
    r"\brm[ ]+(?:-[a-z-]{1,20}[ ]+){1,4}[^\n|;&]{0,120}?[ ]?(?<=[ ])~/(?:\.ssh|\.gnupg|\.aws|\.kube|documents|desktop"
    r"|pictures"
    r"|downloads|projects)/?(?=[\s\"'*;]|$)"
    r"|\brm[ ]+(?:-[a-z-]{1,20}[ ]+){1,4}[\"']?(?:/(?=[\s\"'*;]|$)|/\*|~/?(?=[\s\"'*;]|$)|~/\*"
    r"|\$\{?home\}?/?(?=[\s\"'*;]|$)|/(?:home|users|etc|var|usr|root|bin|boot)/?(?=[\s\"'*;]|$)|\.\*|\*(?=\s"
    r"|$)[^\n]{0,10}/)|\bmkfs(?:\.\w{2,5})?[ ]+[^\n]{0,20}/dev/|\bdd[ ]+if=/dev/(?:zero"
    r"|u?random)[ ][^\n]{0,40}of=/dev/(?:sd|nvme|hd|disk)|\bshred[ ][^\n]{0,40}(?:/dev/|~|\$home|/home)"
    r"|>[ ]?/dev/(?:sd[a-z]|nvme\d|hd[a-z]|disk\d|vd[a-z])|\bwipefs[ ]|\bclear-disk[ ]|\bformat-volume[ ]"
    r"|\b(?:rd|rmdir)[ ]+/s[^\n]{0,20}[a-z]:\\|\bdel[ ]+/[fsq][^\n]{0,20}[a-z]:\\|\bformat[ ]+c:"
    r"|remove-item(?=[^\n]{0,120}-r(?:ec|\b))[^\n]{0,120}?[ \"'](?:\$home|~|\$env:userprofile|[a-z]:\\(?:users"
    r"|windows)?)"
    r"\\?\*?[\"']?(?=[\s;|]|$)"
    r"|\b(?:get-childitem|gci|dir|ls)\b[^\n|]{0,60}[ \"'](?:\$home|~|\$env:userprofile"
    r"|[a-z]:\\(?:users)?)\\?\*?[\"']?(?=[\s;|]|$)"
    r"[^\n|]{0,60}\|[ ]?(?:foreach-object[ ]?\{[ ]?)?(?:remove-item|ri|del|rm)\b"
    r"|\b(?:rd|rmdir)[ ]+/s[^\n]{0,20}%(?:userprofile|homepath|systemdrive|systemroot|windir)%"
    r"|\bdel[ ]+/[fsq][^\n]{0,30}%(?:userprofile"
    r"|systemdrive|systemroot|windir)%"
    r"|rmsync\([ ]?os\.homedir\(\)[ ]?,"
    r"|xargs[^\n]{0,60}\baws[ ]s3[ ]rb[^\n]{0,60}--force|\bkubectl[ ]delete[ ](?:namespaces?|ns)[ ]--all\b(?!-)"
    r"|vssadmin(?:\.exe)?[ ]+delete[ ]+shadows|wbadmin[ ]+delete|bcdedit[^\n]{0,40}recoveryenabled[ ]+no"
    r"|tmutil[ ]+(?:disable|deletelocalsnapshots)"
    r"|rmtree\([ ]?(?:[\"'](?:/|~|/home|/etc)[\"']|os\.path\.expanduser\([\"']~/?[\"']\)|path\.home\(\)[ ]?[,)])"
    r"|:\(\)[ ]?\{[ ]?:[ ]?\|[ ]?:[ ]?&[ ]?\}|rimraf[ ]+[\"']?(?:/|~)(?:\s|\"|'|$)|chmod[ ]+-r[ ]+(?:0?777"
    r"|000)[ ]+[\"']?/(?:\s|$)|diskutil[ ]+erase|\bfind[ ]+[\"']?(?:/|~|\$\{?home\}?)[\"']?[ ][^\n]{0,80}(?:-delete"
    r"|-exec[ ]+(?:rm"
    r"|shred))",
)
_LISTED = Signal(
    ("'rm'", '"rm"', "/dev/null"),
    r"[\"']rm[\"'][ ]?,[ ]?[\"']-[a-z]{1,4}[\"'][ ]?,[ ]?[\"'](?:/|~|/home|/etc|/usr|/var|/users)/?\*?[\"']"
    r"|\bmv[ ]+[^\n|;&]{1,60}[ ]/dev/null\b",
)
_FORK_BOMB = Signal(("fork(",), r"\bwhile[ ]?\(?(?:true|1)\)?[ ]?[:{]\s{0,20}(?:os\.)?fork\(", lines=1)
_RANSOM = Signal(
    (".encrypt(", "fernet", "aes.new", "openssl enc", "gpg -c", "gpg --symmetric", "createcipheriv"),
    r"\.encrypt\(|fernet\(|aes\.new\(|openssl[ ]+enc[ ]+-(?:e|aes)|gpg[ ]+(?:-c|--symmetric|--batch)|createcipheriv\(",
)
_REMOVE = Signal(
    ("os.remove", "unlink", "shred", "rm -", "fs.rm", "os.rename"),
    r"os\.(?:remove|unlink|rename|replace)\(|\.unlink\(|\bshred\b|\brm[ ]+-|fs\.(?:rm|unlink)\w{0,6}\(",
)
_EVERYTHING = Signal(
    ("os.walk", "rglob", "glob(", "find ", "readdir", "**/*"),
    r"os\.walk\(|\.rglob\(|glob\([^\n]{0,60}\*\*|\bfind[ ]+[~/$.]|readdir",
)
_RANSOM_NOTE = Signal(
    ("ransom", "bitcoin", "btc", "decrypt", "your files"),
    r"\byour\s+files\s+(?:have\s+been|are|were)\s+(?:now\s+)?encrypted|\bransom(?:ware)?\b|(?:pay"
    r"|send)[^\n]{0,40}(?:btc|bitcoin|monero|xmr)[^\n]{0,80}(?:decrypt|recover|unlock)",
)


# The reader's home, or a folder in which people keep what is theirs; not a tool's folder in it.
PERSONAL = Signal(
    (
        "expanduser(",
        "path.home(",
        "homedir()",
        "/home",
        "$home",
        "userprofile",
        "documents",
        "pictures",
        "desktop",
        "os.walk(",
    ),
    r"expanduser\([ ]?[\"']~/?(?:(?:documents|desktop|pictures|downloads|photos)[^\"'\n]{0,40})?[\"']"
    r"|\bpath\.home\(\)(?![ ]?(?:/|\.joinpath))"
    r"|\bpath\.home\(\)[ ]?/[ ]?[\"'](?:documents|desktop|pictures|downloads)|\bhomedir\(\)(?![ ]?[,+])"
    r"|\bhomedir\(\)[ ]?[,+][ ]?[\"']/?(?:documents|desktop|pictures|downloads)|[\"'](?:/home|/users"
    r"|c:\\{1,2}users)/?[\"']"
    r"|(?:\$home|\$env:userprofile)[\\/](?:documents|desktop|pictures|downloads)"
    r"|(?<![\w/])~/(?:documents|desktop|pictures|downloads)(?=[\s;\"']|$)|os\.walk\([ ]?[\"'](?:/|/home|/users)[\"']",
)
_DELETES = Signal(
    ("os.remove(", "os.unlink(", ".unlink(", "rmtree(", "rmsync(", "unlinksync(", "fs.rm(", "rm -"),
    r"\bos\.(?:remove|unlink)\(|(?:shutil\.)?\brmtree\(|\b(?:fs\.)?(?:rm|unlink"
    r"|rmdir)(?:sync)?\((?=[^\n]{0,200}recursive)|unlinksync\(|\brm[ ]+-[a-z]{1,4}[ ]+(?=[\"']?\$)",
)
_PART_OF_HOME = re.compile(r"[ ]/[ ]?[\"'.]|,[ ]?[\"'](?!\*)[\w.]|\+[ ]?[\"']/?[.\w]")


@view_rule(
    "destructive-command",
    Severity.HIGH,
    "Files or disks are destroyed",
    explanation="The command deletes or encrypts far more than a task can need.",
    remedy="Name the exact files, and ask before deleting.",
)
def destructive_command(view: View, skill: Skill) -> Iterator[Hit]:
    """Find deletion of homes, roots and disks, fork bombs, and encryption with removal of the originals."""
    for match in (*view.find(_DESTROY), *view.find(_LISTED), *view.find(_FORK_BOMB)):
        yield hit(Severity.HIGH, view, match)
    if view.kind is Kind.SCRIPT and view.any(PERSONAL):
        yield from _wiping(view)
    encrypts = view.find(_RANSOM)
    if view.kind is Kind.SCRIPT and encrypts and view.any(_EVERYTHING):
        for match in encrypts:
            if near(match, view.find(_REMOVE), before=800, after=800) and near(
                match, view.find(_EVERYTHING), before=2_000, after=2_000
            ):
                yield hit(Severity.HIGH, view, match, note="files are encrypted and the originals removed:")
                break
    for match in view.find(_RANSOM_NOTE) if encrypts else ():
        if view.kind is Kind.SCRIPT and "your files" in match[0]:
            yield hit(Severity.HIGH, view, match)


def _wiping(view: View) -> Iterator[Hit]:
    """Find loops over a home, or a folder of documents, that delete what they find."""
    for call, _ in uses(view, view.find(PERSONAL), view.find(_DELETES)):
        line_end = view.low.find("\n", call.end())
        if not _PART_OF_HOME.search(view.low, call.end(), line_end if line_end >= 0 else call.end() + 200):
            yield hit(Severity.HIGH, view, call, note="what is in the reader's home is deleted:")


RULES = (destructive_command,)
