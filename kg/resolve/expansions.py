"""What papers say an abbreviation stands for, and whether they agree."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache

import snowballstemmer

from kg.model import EntityType
from kg.text import name_key, plain

_SMALL = frozenset({"a", "an", "the", "of", "and", "for", "in", "on", "with", "to", "by", "from"})
_SAME_WORD = {"net": "network", "nets": "network"}
_PREFIX = re.compile(
    r"\b(multi|non|semi|pre|re|sub|co|bi|inter|intra|hyper|super|auto|anti|cross)[\s-]+", re.IGNORECASE
)
_TAIL = frozenset({"network", "model", "method", "algorithm", "framework"})


@lru_cache(maxsize=100_000)
def _stemmed(word: str) -> str:
    return str(snowballstemmer.stemmer("english").stemWord(_SAME_WORD.get(word, word)))


@lru_cache(maxsize=100_000)
def expansion_key(long_form: str, short: str = "") -> str:
    """Return the form under which two expansions of an abbreviation count as one: the stems of its words.

    The stemmer is Snowball's for English (M. F. Porter 2001). With ``short``, a last word such as "network" goes if
    the abbreviation has no letter for it.

    >>> expansion_key("Convolution Neural Network") == expansion_key("convolutional neural networks")
    True
    >>> expansion_key("recurrent neural network") == expansion_key("recursive neural network")
    False
    >>> expansion_key("long short-term memory network", "LSTM") == expansion_key("Long Short Term Memory", "LSTM")
    True
    """
    text = _PREFIX.sub(r"\1", plain(long_form).casefold()).replace("isation", "ization")
    words = [w for w in re.findall(r"\w+", text) if w not in _SMALL]
    stems = [_stemmed(word) for word in words]
    letters = short.rstrip("s").casefold()
    if len(stems) > 1 and letters and stems[-1] in _TAIL and stems[-1][0] != letters[-1]:
        stems.pop()
    return " ".join(stems) or text


class Expansions:
    """Counts of the expansions of each abbreviation over all papers; all is added before anything is asked."""

    def __init__(self) -> None:
        self._forms: dict[str, set[str]] = defaultdict(set)
        self._spellings: dict[str, Counter[str]] = defaultdict(Counter)
        self._form_of: dict[str, set[str]] = defaultdict(set)
        self._types: dict[str, set[EntityType]] = defaultdict(set)
        self._sorted: dict[str, tuple[str, ...]] = {}

    def add(self, key: str, long_: str, form: str, long_key: str, type_: EntityType, count: int = 1) -> None:
        """Count a definition: the name key of the abbreviation, the expansion, its form and its name key."""
        self._forms[key].add(form)
        self._spellings[form][long_] += count
        self._form_of[long_key].add(form)
        self._types[key].add(type_)

    def agreed(self, form: str, long_: str) -> tuple[str, ...]:
        """Return the spellings of this form of an expansion, the commonest first."""
        return self._by_count(form) or (long_,)

    def spellings(self, key: str) -> tuple[str, ...]:
        """Return the spellings of the expansion that has the name key ``key``, if it is one and but one."""
        forms = self._form_of.get(key, set())
        return self._by_count(next(iter(forms))) if len(forms) == 1 else ()

    def all(self, short: str) -> list[tuple[str, ...]]:
        """Return the spellings of each expansion of ``short``."""
        return [self._by_count(form) for form in sorted(self._forms.get(name_key(short), ()))]

    def only(self, short: str, type_: EntityType) -> tuple[str, ...]:
        """Return the spellings of the expansion of ``short`` if all papers mean one, and such a kind of thing by it."""
        found = self.all(short)
        if len(found) != 1:
            return ()
        types = self._types[name_key(short)]
        either = {EntityType.METHOD, EntityType.TASK}
        return found[0] if type_ in types or (type_ in either and types & either) else ()

    def _by_count(self, form: str) -> tuple[str, ...]:
        if form not in self._sorted:
            by_key: Counter[str] = Counter()
            for name, count in self._spellings.get(form, {}).items():
                by_key[name_key(name)] += count
            names = self._spellings.get(form, ())
            self._sorted[form] = tuple(sorted(names, key=lambda n: (-by_key[name_key(n)], name_key(n), n)))
        return self._sorted[form]
