"""Text of papers made safe for files: every format forbids or mangles some code points."""

from __future__ import annotations

import re

REPLACEMENT = "\ufffd"

# The complement of Char in XML 1.0, section 2.2, which is also the value space of xsd:string; it holds lone surrogates.
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def clean(text: str) -> str:
    r"""Return ``text`` with each code point that XML forbids replaced by U+FFFD, one for one, so that offsets hold.

    >>> clean("a\x00b\ud800c") == "a\ufffdb\ufffdc"
    True
    """
    return _FORBIDDEN.sub(REPLACEMENT, text)
