# ruff: noqa: RUF001  other alphabets are what this is about
"""Plain wordings of prompt injection in other languages than English.

"Ignore all earlier instructions" and "do not tell the user", as `fold` and lower case leave them.
"""

from __future__ import annotations

from skillcrawler.scan.normalise import fold
from skillcrawler.scan.signals import Signal


def _folded(text: str) -> str:
    """A pattern or needle as the text is when it is searched: look-alike letters are ASCII, all is lower case."""
    return fold(text).lower()


FOREIGN_OVERRIDE = Signal(
    tuple(
        map(
            _folded,
            (
                "ignoriere",
                "vergiss",
                "missachte",
                "ignora",
                "olvida",
                "ignorez",
                "oubliez",
                "oublie",
                "ignore",
                "esqueça",
                "desconsidere",
                "dimentica",
                "negeer",
                "vergeet",
                "zignoruj",
                "игнориру",
                "забудь",
                "忽略",
                "无视",
                "忘记",
                "無視",
                "無効",
                "무시",
            ),
        )
    ),
    _folded(
        r"\b(?:ignoriere|vergiss|missachte)\b[^.\n]{0,20}\b(?:alle|bisherigen|vorherigen|früheren"
        r"|vorigen)\b[^.\n]{0,20}\b(?:anweisungen|instruktionen|regeln|vorgaben|befehle)"
        r"|\b(?:ignora|olvida|dimentica)\w{0,2}\b[^.\n]{0,20}\b(?:instrucciones|indicaciones|reglas|istruzioni"
        r"|regole)\b[^.\n]{0,16}(?:anterior\w{0,2}|previas|preceden\w{1,4})"
        r"|\b(?:ignore[zr]?|oublie[zr]?)\b[^.\n]{0,20}\b(?:instructions|consignes|règles)\b[^.\n]{0,12}(?:précédentes"
        r"|antérieures)"
        r"|\b(?:ignore|esqueça|desconsidere)\b[^.\n]{0,20}\b(?:instruções|regras)\b[^.\n]{0,16}anteriores"
        r"|\b(?:negeer|vergeet)\b[^.\n]{0,20}\b(?:vorige|eerdere|voorgaande)\b[^.\n]{0,12}(?:instructies|regels)"
        r"|\bzignoruj\b[^.\n]{0,30}(?:instrukcje|polecenia)|(?:игнориру\w{1,4}|забудь\w{0,2})[^.\n]{0,24}(?:инструкци"
        r"|указани|правил)"
        r"|(?:忽略|无视|忘记)[^。\n]{0,12}(?:之前|先前|以上|前面|此前|所有)[^。\n]{0,8}(?:指令|指示|规则|提示|要求)"
        r"|(?:以前|これまで|上記|前)の[^。\n]{0,10}(?:指示|命令|ルール)[^。\n]{0,6}(?:無視|無効)|(?:이전|위의|모든)[^.\n]{0,12}(?:지시|명령"
        r"|규칙)[^.\n]{0,6}무시"
    ),
)
FOREIGN_HIDE = Signal(
    tuple(
        map(
            _folded,
            (
                "benutzer",
                "nutzer",
                "anwender",
                "usuario",
                "utilisateur",
                "usuário",
                "utente",
                "gebruiker",
                "пользовател",
                "用户",
                "ユーザー",
                "사용자",
            ),
        )
    ),
    _folded(
        r"\b(?:sage?|verrate?|teile?|erzähle?|erwähne?|zeige?)\b[^.\n]{0,30}\b(?:dem\s+)?(?:be)?nutzer\b[^.\n]{0,20"
        r"}\b(?:nichts?|nie)\b"
        r"|\bno\s+(?:se\s+)?(?:lo\s+|le\s+)?(?:digas|informes|menciones|reveles|muestres)\b[^.\n]{0,24}usuario"
        r"|\bne\s+(?:le\s+|l')?(?:dites|dis|mentionne\w{0,2}|révèle\w{0,2}|montre\w{0,2})\b[^.\n]{0,8}\b(?:pas|jamais"
        r"|rien)\b[^.\n]{0,20}utilisateur"
        r"|\bnão\s+(?:conte|diga|informe|mencione|revele)\b[^.\n]{0,20}usuário|\bnon\s+(?:dire|dirlo|informare"
        r"|menzionare)\b[^.\n]{0,20}utente"
        r"|\b(?:vertel|zeg|toon)\b[^.\n]{0,24}gebruiker[^.\n]{0,16}\bniet|\bне\s+(?:говори|сообщай|показывай"
        r"|упоминай)[^.\n]{0,24}пользовател"
        r"|(?:不要|别|切勿|禁止)[^。\n]{0,4}(?:告诉|告知|通知|提醒|让)[^。\n]{0,4}用户|ユーザー(?:に|には)[^。\n]{0,12}(?:言わない|知らせない|伝えない|教えない"
        r"|見せない)"
        r"|사용자에게[^.\n]{0,12}(?:말하지|알리지|보여주지)"
    ),
)
