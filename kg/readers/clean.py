"""Cleaning of text, done once, when a record is read: later stages count offsets in cleaned text only.

What is kept is what the authors wrote, LaTeX included. What goes is what breaks files and displays: control
characters, line separators inside a line, lone surrogates, invisible format characters and markup of catalogues.
"""

from __future__ import annotations

import html
import re
import unicodedata

_BREAKING = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_FORBIDDEN = re.compile("[\ud800-\udfff\ufffe\uffff]")
# Soft hyphen, zero-width space, word joiner, byte-order mark, and the bidirectional embeddings, overrides and isolates:
# a sentence cut out of the text would leave the latter unbalanced and turn the display of what follows around.
_INVISIBLE = re.compile("[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")

_INLINE = "b|i|u|em|strong|sub|sup|sc|tt|span|italic|bold|monospace|underline|ext-link|xref|inline-formula|scp"
_BLOCK = "p|br|div|sec|title|abstract|list|list-item|label|disp-formula|ul|ol|li"
_ATTRIBUTES = r"""(?:\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*\s*/?"""
_HEADING = re.compile(rf"<(jats:)?title{_ATTRIBUTES}>\s*(?:abstract|summary)\s*[.:]?\s*</\1?title>", re.IGNORECASE)
_INLINE_TAG = re.compile(rf"</?(?:(?:jats:)?(?:{_INLINE})|mml:[a-z]+){_ATTRIBUTES}>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:jats:)?(?:{_BLOCK}){_ATTRIBUTES}>", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# "Abstract Meaning Representation" starts an abstract as well, so the bare word stays unless it is in capitals.
_LEADING_WORD = re.compile(r"^(?:(?:Abstract|ABSTRACT|Summary|SUMMARY)\s*[.:—–]|Abstract\s+[-—–]|ABSTRACT(?=\s))\s*")

_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
_LETTERS = {
    "ss": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
}  # fmt: skip
_ACCENT = re.compile(
    r"""\{?\\(?:([`'^~=."])\s*|([urHvdckb])(?=[\s{\\])\s*)"""
    r"""(?:\{\s*\\?([A-Za-z])\s*\}|\\([ij])(?![A-Za-z])\s?|([A-Za-z]))\}?"""
)
_LETTER = re.compile(rf"\{{\\({'|'.join(sorted(_LETTERS, key=len, reverse=True))})\s*\}}")
_LETTER_BARE = re.compile(
    rf"\\({'|'.join(sorted(_LETTERS, key=len, reverse=True))})(?:\{{\}}|(?![A-Za-z])(?:\s(?=[a-zäöüß]))?)"
)


def clean_text(text: str) -> str:
    r"""Return ``text`` on one line, in Unicode NFC, without characters that files of the exports cannot hold.

    Idempotent: ``clean_text(clean_text(x)) == clean_text(x)``.

    >>> clean_text("  Deep\u2028Residual\u00a0 Learn\u00ading\x00 ")
    'Deep Residual Learning'
    """
    if not text.isprintable():  # most texts are, and then none of these signs is in them
        if not text.isascii():
            text = _FORBIDDEN.sub("\ufffd", _INVISIBLE.sub("", text))
        text = _BREAKING.sub(" ", text)
    text = " ".join(text.split())
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def strip_markup(text: str) -> str:
    """Return ``text`` without the HTML, JATS and MathML tags that catalogues leave in titles and abstracts.

    Only tags that mark up text are taken away; anything else in angle brackets (``<mask>``, ``a < b``) is content.

    >>> strip_markup("<jats:title>Abstract</jats:title><jats:p>CO<sub>2</sub> &amp; <mask> tokens</jats:p>").strip()
    'CO2 & <mask> tokens'
    """
    if "&" not in text and "<" not in text:
        return text
    # Crossref records are often escaped twice, so tags may come to light by unescaping.
    return _strip_tags(_ENTITY.sub(lambda match: html.unescape(match[0]), _strip_tags(text)))


def clean_title(text: str) -> str:
    """Return a title without catalogue markup, on one line."""
    return clean_text(strip_markup(text))


def clean_abstract(text: str) -> str:
    """Return an abstract without catalogue markup and without a leading heading "Abstract", on one line.

    >>> clean_abstract("Abstract: We prune networks.")
    'We prune networks.'
    """
    return _LEADING_WORD.sub("", clean_text(strip_markup(text)), count=1)


def decode_accents(text: str) -> str:
    r"""Return ``text`` with TeX accents and letters written as Unicode; all other LaTeX stays.

    >>> decode_accents(r"Erd{\H o}s, G\"odel, {\L}ukasz, $\alpha$")
    'Erdős, Gödel, Łukasz, $\\alpha$'
    """
    if "\\" not in text:
        return text
    text = _ACCENT.sub(_compose, text)
    text = _LETTER.sub(lambda match: _LETTERS[match[1]], text)
    return _LETTER_BARE.sub(lambda match: _LETTERS[match[1]], text)


def strip_braces(text: str) -> str:
    r"""Return ``text`` without the braces that only protect capitals; arguments of commands and formulas keep theirs.

    >>> strip_braces(r"{BERT}: \textbf{Deep} $x^{2}$ {{T}ransformers}")
    'BERT: \\textbf{Deep} $x^{2}$ Transformers'
    """
    if "{" not in text and "}" not in text:
        return text
    kept: list[str] = []
    stack: list[bool] = []
    formula = False
    for index, char in enumerate(text):
        escaped = index > 0 and text[index - 1] == "\\"
        if char == "$" and not escaped:
            formula = not formula
        if char == "{" and not escaped:
            argument = (
                formula
                or (stack[-1] if stack else False)
                or bool(re.search(r"(?:\\[A-Za-z]+\*?|[\^_}\]])$", text[max(0, index - 32) : index]))
            )
            stack.append(argument)
            if not argument:
                continue
        elif char == "}" and not escaped and (not stack or not stack.pop()):
            continue
        kept.append(char)
    return "".join(kept)


def _strip_tags(text: str) -> str:
    if "<" not in text:
        return text
    return _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", _HEADING.sub(" ", text)))


def _compose(match: re.Match[str]) -> str:
    letter = match[3] or match[4] or match[5]
    return unicodedata.normalize("NFC", letter + _ACCENTS[match[1] or match[2]])
