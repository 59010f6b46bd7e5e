"""Text without meaning: sentences, words and the normal form under which two names count as equal."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Span = tuple[int, int]
"""Start and end, code points."""

WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:'[^\W\d_]+)?|\S", re.UNICODE)

# A dot behind one of these does not end a sentence.
_ABBREVIATIONS = frozenset(
    [
        "e.g",
        "i.e",
        "et",
        "al",
        "etc",
        "vs",
        "cf",
        "fig",
        "figs",
        "eq",
        "eqs",
        "sec",
        "resp",
        "approx",
        "ca",
        "dr",
        "prof",
        "mr",
        "mrs",
        "st",
        "no",
        "vol",
        "ed",
        "eds",
        "dept",
        "incl",
        "w.r.t",
        "ref",
        "refs",
        "tab",
        "def",
        "thm",
    ]
)
# A run of marks is tried from its start only, or a long one would cost its square in time.
_BREAK = re.compile(r"(?<![.!?])([.!?]+[\"'”’)\]]*)(\s+)(?=[\"'“‘(\[]?[A-Z0-9$\\])")


def sentences(text: str) -> tuple[Span, ...]:
    """Return the sentences of ``text`` as spans without surrounding white space.

    >>> [text[a:b] for text in ["We beat ResNet-50 (He et al. 2016). It is 4.5x faster."] for a, b in sentences(text)]
    ['We beat ResNet-50 (He et al. 2016).', 'It is 4.5x faster.']
    """
    spans: list[Span] = []
    start = 0
    for match in _BREAK.finditer(text):
        before = re.search(r"[\w.]+$", text[max(start, match.start() - 64) : match.start()])
        word = before.group().casefold() if before else ""
        dotted = match.group(1).startswith(".")
        if dotted and (
            word in _ABBREVIATIONS or word.rsplit(".", 1)[-1] in _ABBREVIATIONS or _initial(word, text, match.end())
        ):
            continue
        spans.append((start, match.end(1)))
        start = match.end()
    spans.append((start, len(text)))
    trimmed = ((a + len(text[a:b]) - len(text[a:b].lstrip()), a + len(text[a:b].rstrip())) for a, b in spans)
    return tuple((a, b) for a, b in trimmed if a < b)


def _initial(word: str, text: str, after: int) -> bool:
    """Tell whether ``word`` is a lone initial ("J. Smith"): then the dot belongs to the name."""
    return len(word) == 1 and word.isalpha() and word != "i" and text[after : after + 1].isalpha()


def sentence_of(spans: tuple[Span, ...], start: int, end: int) -> Span:
    """Return the smallest run of sentences that holds ``start:end``.

    Raises:
        ValueError: no sentence touches the span.
    """
    inside = [span for span in spans if span[0] < end and start < span[1]]
    if not inside:
        raise ValueError(f"no sentence at {start}:{end}")
    return min(inside[0][0], start), max(inside[-1][1], end)


_LATEX = re.compile(
    r"\\(?:textbf|textit|texttt|textsc|textsuperscript|textsubscript|text|mathrm|mathbf|mathcal|emph|cdot|times)\b"
    r"|[$\\{}]"
)
_GENERIC = re.compile(
    r"[\s-]+(?:datasets?|data sets?|benchmarks?|corpus|corpora|models?|networks?|methods?|algorithms?|frameworks?|"
    r"architectures?|systems?|approach(?:es)?|tasks?|devices?|platforms?|modules?|baselines?|suites?|series|"
    r"famil(?:y|ies)|librar(?:y|ies)|toolkits?|challenges?|competitions?|optimi[sz]ers?|backbones?|variants?|layers?|"
    r"operators?|attacks?|strateg(?:y|ies)|techniques?|schemes?|leaderboards?|technical reports?)$",
    re.IGNORECASE,
)
_ADJECTIVE = re.compile(
    r"\S+-(?:agnostic|assisted|aware|based|centric|constrained|driven|efficient|enhanced|free|friendly|guided|independent|"
    r"inspired|like|optimi[sz]ed|oriented|powered|specific)",
    re.IGNORECASE,
)
_NOT_ALONE = frozenset({"AI", "ML", "DL", "CV", "NLP", "RL", "IoT", "HPC"})
_MACHINE = (
    r"(?:GPU|CPU|TPU|NPU|FPGA|MCU|SoC|processor|accelerator|microcontroller|graphics card|card|chip|core|board|device|"
    r"machine|server|node)"
)
# The word for a machine counts as generic behind a product (A100 GPU), not behind a class (DNN accelerator).
_AS_MACHINE = re.compile(rf"[\s-]+{_MACHINE}s?$")
_PRODUCT = re.compile(
    r"(?:^|[\s-])(?:(?!(?:INT|FP|BF|TF)\d)[A-Z]{1,3}\d{1,4}[A-Z]{0,2}|(?:RTX|GTX)[\s-]?\d{3,4}|[vV]\d|Nano|Xavier|Orin|"
    r"Loihi(?: 2)?|Pi \d\w?)(?:[\s-](?:Ti|Super|SXM|PCIe))?$"
)
_ONE = r"(?:a single|single|one|1)"
_MANY = r"(?:two|three|four|five|six|seven|eight|ten|twelve|sixteen|(?![1-5]0[5-9]0\b)\d[\d,]*)"
_CHIP = r"(?:[A-Z][A-Za-z]+ )?(?:[A-Z]{1,3}\d{1,4}|[RG]TX[\s-]?\d{3,4}(?: Ti)?)"
_COUNT = re.compile(
    rf"^(?:{_ONE}\s+(?=(?:\S.*)?\b{_MACHINE}$|{_CHIP}$)|{_MANY}\s+(?=(?:\S.*)?\b{_MACHINE}s$|{_CHIP}s?$)|\d[\d,]*\s?[x×]\s?(?=[A-Z]))",
    re.IGNORECASE,
)
_CHIPS = re.compile(r"[A-Z]{1,3}\d{1,4}s")  # A100s; the s of YOLOv5s is a size
_DETERMINER = re.compile(r"^(?:the|an?|our|this|these|its|their)\s+(?=\S)", re.IGNORECASE)
_MAKER = re.compile(
    r"^(?:OpenAI|Google|DeepMind|Meta|Facebook|Microsoft|NVIDIA|Nvidia|Intel|AMD|Apple|Amazon|IBM|Huawei|Alibaba|Baidu|Tencent|"
    r"Anthropic|Mistral|Qualcomm|Samsung|DeepSeek|Stanford|Salesforce)['’]s\s+(?=\S)"
)
_BRACKETED = re.compile(r"^(\S.*?\S)\s*\(([^\W_][\w.+*/-]{1,11})\)$")
_GREEK = {
    chr(code): unicodedata.name(chr(code)).split()[3].lower() for code in (*range(0x3B1, 0x3C2), *range(0x3C3, 0x3CA))
} | {"ϵ": "epsilon", "ϕ": "phi", "ℓ": "l", "λ": "lambda"}
_DASHES = "‐‑‒–—―−"
_SIGNS = str.maketrans(_GREEK | dict.fromkeys(_DASHES, "-"))
_OUR = re.compile(r"(?<=col)our|(?<=[hl]avi)our|(?<=ghb)our|(?<=fav)our")
_BRITISH = re.compile(r"is(?=ations?$)|(?<=al|ar|im|an|gn|nt|en|or|er|ur)is(?=(?:e[ds]?|ers?|ing)$)")
_IRREGULAR = {
    "matrices": "matrix", "vertices": "vertex", "indices": "index", "corpora": "corpus", "analyses": "analysis",
    "hypotheses": "hypothesis", "bias": "bias", "biases": "bias", "nets": "net", "lens": "lens", "atlas": "atlas",
    "modelling": "modeling", "labelling": "labeling", "labelled": "labeled", "signalling": "signaling",
}  # fmt: skip


_POSSESSIVE = re.compile(r"['’]s\b")
_AND = re.compile(r"(?: & |(?<=\w)&(?=[A-Z][a-z]))")
_JOINTS = re.compile(r"[\s\-_/\x1f]+")
_BETWEEN_NUMBERS = re.compile(r"(?<=\d)\x1f(?=\d)")
_NOISE = re.compile(r"(?<!\d)\.|\.(?!\d)|(?<!\d)-|-(?!\d)|[^\w.+*@#&\u0080-\U0010ffff-]|_")
_NAME_LIKE = re.compile(r"[0-9]|[A-Za-z_][A-Z]")


@lru_cache(maxsize=50_000)
def is_name_like(text: str) -> bool:
    """Tell whether ``text`` looks like a proper name: a capital behind its first letter, all capitals, or a digit.

    >>> is_name_like("SlowFast"), is_name_like("COCO"), is_name_like("Neural"), is_name_like("vision")
    (True, True, False, False)
    """
    if text.isascii():
        return _NAME_LIKE.search(text) is not None
    return any(
        any(c.isdigit() for c in word) or any(c.isupper() for c in word[1:]) for word in re.findall(r"\w+", text)
    )


def plain(name: str) -> str:
    r"""Return ``name`` in Unicode normal form KC, without LaTeX mark-up, with single spaces.

    >>> plain(r"\textbf{Flash}  $\beta$-VAE")
    'Flash beta-VAE'
    """
    if "\\" in name or "$" in name or "{" in name:
        name = _LATEX.sub("", name.replace(r"\ell", "ℓ"))
    return " ".join((name if name.isascii() else unicodedata.normalize("NFKC", name)).split())


def split_definition(name: str) -> tuple[str, str] | None:
    """Return (short, long) when a name carries its own abbreviation in brackets at its end, else None.

    >>> split_definition("Neural Architecture Search (NAS)"), split_definition("A100 (80GB)")
    (('NAS', 'Neural Architecture Search'), None)
    """
    match = _BRACKETED.match(name) if name.endswith(")") else None
    if not match:
        return None
    long_, short = match.group(1), match.group(2)
    letters = iter(long_.casefold())
    bare = short.removesuffix("s") if sum(c.isupper() for c in short) > 1 else short
    spelled = all(c in letters for c in bare.casefold() if c.isalnum())
    if not spelled or " " not in long_.replace("-", " ") or not any(c.isupper() for c in short):
        return None
    return short, long_


@lru_cache(maxsize=50_000)
def bare_name(name: str) -> str:
    """Return a name without what does not belong to it: determiner, maker's possessive, a count of machines, brackets.

    >>> bare_name("8 NVIDIA A100 GPUs"), bare_name("the Transformer"), bare_name("OpenAI's GPT-4")
    ('NVIDIA A100 GPUs', 'Transformer', 'GPT-4')
    """
    text = _DETERMINER.sub("", plain(name))
    if "'" in text or "’" in text:
        text = _MAKER.sub("", text)
    text = _COUNT.sub("", text)
    defined = split_definition(text)
    return defined[1] if defined else text


@lru_cache(maxsize=400_000)
def name_key(name: str, *, generic: bool = True) -> str:
    """Return the normal form of a name: equal keys mean the same name.

    Case, hyphens, white space, LaTeX mark-up, accents, British spelling, a plural *s*, determiners, counts of machines
    and a generic word behind a proper name ("the COCO dataset") do not count; digits, versions and signs do. With
    ``generic=False`` the word behind the name counts too.

    >>> name_key("ResNet-50") == name_key("resnet 50"), name_key("ResNet-50") == name_key("ResNet-101")
    (True, False)
    >>> name_key("COCO dataset") == name_key("COCO"), name_key("neural networks") == name_key("Neural Network")
    (True, True)
    >>> name_key("neural network") == name_key("neural"), name_key("GPT-3.5") == name_key("GPT-35")
    (False, False)
    >>> name_key("DARTS") == name_key("DART"), name_key("Llama 2 7B") == name_key("Llama 27B")
    (False, False)
    >>> name_key("8 A100 GPUs") == name_key("A100"), name_key("DNN accelerator") == name_key("DNN")
    (True, False)
    """
    text = bare_name(name)
    if generic:
        text = without_generic(text)
    if not text.isascii():
        text = _without_accents(text).translate(_SIGNS)
    text = text.replace("^", "")
    if "'" in text or "’" in text:
        text = _POSSESSIVE.sub("", text)
    if "&" in text:
        text = _AND.sub(" and ", text)
    words = [_word_key(word) for word in _JOINTS.split(text) if word]
    # Numbers stay apart, or "Llama 2 7B" would be "Llama 27B".
    key = _NOISE.sub("", _BETWEEN_NUMBERS.sub("-", "\x1f".join(words)))
    if not key.isascii():
        # Marks are letters' parts in many scripts (Devanagari), though no word characters to the re module.
        key = "".join(c for c in key if c.isascii() or c.isalnum() or unicodedata.category(c)[0] == "M")
    return key or "".join(words) or text or name


def is_adjective(name: str) -> bool:
    """Tell whether a name of one word only says how something is made.

    >>> is_adjective("CNN-based"), is_adjective("CNN-based pruning"), is_adjective("U-Net")
    (True, False, False)
    """
    return _ADJECTIVE.fullmatch(name) is not None


def without_generic(text: str) -> str:
    """Return a name without the generic word behind it, where the rest still looks like a name.

    >>> without_generic("COCO dataset"), without_generic("A100 GPU"), without_generic("AI models")
    ('COCO', 'A100', 'AI models')
    >>> without_generic("BERT-based models")
    'BERT-based models'
    """
    if " " not in text and "-" not in text:
        return text
    machine = _AS_MACHINE.search(text)
    if machine and _PRODUCT.search(text, 0, machine.start()):
        return text[: machine.start()]
    core = _GENERIC.sub("", text)
    return core if core != text and is_name_like(core) and core not in _NOT_ALONE and not is_adjective(core) else text


def _without_accents(text: str) -> str:
    """Drop accents from Latin letters; other scripts keep their marks, which tell letters apart."""
    if text.isascii():
        return text
    kept: list[str] = []
    for sign in unicodedata.normalize("NFD", text):
        if unicodedata.combining(sign) and kept and kept[-1].isascii():
            continue
        kept.append(sign)
    return unicodedata.normalize("NFC", "".join(kept))


@lru_cache(maxsize=100_000)
def _word_key(word: str) -> str:
    return _OUR.sub("or", _BRITISH.sub("iz", _singular(word)))


def _singular(word: str) -> str:
    """Return a word in lower case without a regular plural ending; names such as DARTS and FlowNetS stay."""
    low = word.casefold()
    if low in _IRREGULAR:
        return _IRREGULAR[low]
    if len(low) < 3 or not low.endswith("s"):
        return low
    if not low[-2].isalpha():
        return low[:-1] if _CHIPS.fullmatch(word) else low
    if word[-1] == "S" and (len(word) < 8 or not word.isupper()):
        return low
    if word[-2].isupper() and word[-1] == "s":
        return low[:-1]  # CNNs, AEs
    if len(low) <= 3 or low.endswith(("ss", "us", "is")):
        return low
    if low.endswith("ies") and len(low) > 4:
        return low[:-3] + "y"
    if low.endswith(("sses", "xes", "ches", "shes")):
        return low[:-2]
    return low[:-1]


def shape(word: str) -> str:
    """Return the shape of a word with runs collapsed, at most eight signs: ``ResNet-50`` is ``XxXx-d``."""
    signs = ("X" if c.isupper() else "x" if c.islower() else "d" if c.isdigit() else c for c in word)
    return re.sub(r"(.)\1+", r"\1", "".join(signs))[:8]
