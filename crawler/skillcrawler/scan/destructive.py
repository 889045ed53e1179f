"""Commands that cannot be undone."""

from __future__ import annotations

from collections.abc import Iterator

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
    ),
    r"\brm[ ]+(?:-[a-z-]{1,20}[ ]+){1,4}[\"']?(?:/(?=[\s\"'*;]|$)|/\*|~/?(?=[\s\"'*;]|$)|~/\*"
    r"|\$\{?home\}?/?(?=[\s\"'*;]|$)|/(?:home|users|etc|var|usr|root|bin|boot)/?(?=[\s\"'*;]|$)|\.\*|\*(?=\s"
    r"|$)[^\n]{0,10}/)|\bmkfs(?:\.\w{2,5})?[ ]+[^\n]{0,20}/dev/|\bdd[ ]+if=/dev/(?:zero"
    r"|u?random)[ ][^\n]{0,40}of=/dev/(?:sd|nvme|hd|disk)|\bshred[ ][^\n]{0,40}(?:/dev/|~|\$home|/home)"
    r"|>[ ]?/dev/sd[a-z]\b|\bwipefs[ ]"
    r"|\b(?:rd|rmdir)[ ]+/s[^\n]{0,20}[a-z]:\\|\bdel[ ]+/[fsq][^\n]{0,20}[a-z]:\\|\bformat[ ]+c:"
    r"|remove-item[^\n]{0,60}-recurse[^\n]{0,60}(?:\$home|\$env:userprofile|[a-z]:\\(?:\s|$|\*|users|windows))"
    r"|vssadmin(?:\.exe)?[ ]+delete[ ]+shadows|wbadmin[ ]+delete|bcdedit[^\n]{0,40}recoveryenabled[ ]+no"
    r"|tmutil[ ]+(?:disable|deletelocalsnapshots)"
    r"|rmtree\([ ]?(?:[\"'](?:/|~|/home|/etc)[\"']|os\.path\.expanduser\([\"']~/?[\"']\)|path\.home\(\)[ ]?[,)])"
    r"|:\(\)[ ]?\{[ ]?:[ ]?\|[ ]?:[ ]?&[ ]?\}|rimraf[ ]+[\"']?(?:/|~)(?:\s|\"|'|$)|chmod[ ]+-r[ ]+(?:0?777"
    r"|000)[ ]+[\"']?/(?:\s|$)|diskutil[ ]+erase|\bfind[ ]+(?:/|~|\$home)[ ][^\n]{0,80}(?:-delete|-exec[ ]+(?:rm"
    r"|shred))",
)
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


@view_rule(
    "destructive-command",
    Severity.HIGH,
    "Files or disks are destroyed",
    explanation="The command deletes or encrypts far more than a task can need.",
    remedy="Name the exact files, and ask before deleting.",
)
def destructive_command(view: View, skill: Skill) -> Iterator[Hit]:
    """Find deletion of homes, roots and disks, fork bombs, and encryption with removal of the originals."""
    for match in view.find(_DESTROY):
        yield hit(Severity.HIGH, view, match)
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


RULES = (destructive_command,)
