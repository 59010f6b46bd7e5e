"""Graphs for tests of the view and the page: a large made-up one, and one full of hostile names."""

from __future__ import annotations

import random

from kg import ids
from kg.model import Claim, Entity, EntityType, Evidence, KnowledgeGraph, Paper, Relation, Result

ADJECTIVES = (
    "Sparse",
    "Dense",
    "Deep",
    "Wide",
    "Gated",
    "Hybrid",
    "Frozen",
    "Nested",
    "Lazy",
    "Rapid",
    "Quiet",
    "Folded",
)
NOUNS = (
    "Router",
    "Lattice",
    "Mixer",
    "Kernel",
    "Decoder",
    "Pruner",
    "Encoder",
    "Planner",
    "Sampler",
    "Tuner",
    "Ladder",
    "Mill",
)
DATASETS = ("Harbour", "Meadow", "Granite", "Orchard", "Tundra", "Delta", "Canyon", "Lagoon")
DEVICES = ("Osprey", "Kestrel", "Heron", "Falcon", "Plover")
TASKS = (
    "tidal forecasting",
    "leaf counting",
    "chart reading",
    "bridge inspection",
    "bird song tagging",
    "route planning",
)

HOSTILE = (
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "<svg/onload=document.title='owned'>",
    '"><b>bold</b>',
    "' onclick='document.title=1",
    "&lt;i&gt; &amp; &#60;u&#62;",
    "<!--<script>",
    "]]></style><style>body{display:none}</style>",
    "javascript:document.title='owned'",
    "{{data}} {{script}} ${1+1} `x` \\u003cscript\\u003e",
    "line\u2028separator\u2029paragraph",
    "bidi \u202e override \u2066 isolate \u202c end",
    "zero\u200bwidth\ufeffmarks",
    "null \x00 and bell \x07",
    "lone \ud800 surrogate",
    "emoji 👩🏽\u200d🔬 and 𝔘nicode",
    '=HYPERLINK("http://localhost/","x")',
    "__proto__",
    "constructor",
    "é combining e\u0301 Ω ß ﬁ 漢字 עברית",
    "long " + "x" * 9_995,
    "words " + "many words " * 900,
    "tab\tand\r\nnew line",
    "$\\textbf{B}\\cdot\\times$ \\alpha_{1}",
    "%3Cscript%3E %00 %2e%2e/",
    "#node=method/x&min=2",
    "a" + "\u0301" * 200,
    "\u202e",
    " leading and trailing ",
)
"""Names that a page must show as what they are: text."""


def evidence(paper: Paper, name: str, section: str = "abstract") -> Evidence:
    """Return the first place of ``name`` in a section of ``paper``, with its sentence."""
    text = paper.section(section)
    start = text.index(name)
    low = text.rfind(". ", 0, start) + 2 if ". " in text[:start] else 0
    stop = text.find(". ", start + len(name))
    high = len(text) if stop < 0 else stop + 1
    return Evidence(paper.id, section, start, start + len(name), name, text[low:high], low)


def entity(kind: EntityType, label: str, *aliases: str, papers: tuple[str, ...] = (), baseline: bool = False) -> Entity:
    """Return an entity whose id is made from its label."""
    key = ids.title_key(label) or label
    return Entity(ids.entity_id(kind.value.lower(), key, label), kind, label, aliases, baseline=baseline, papers=papers)


def assemble(
    papers: list[Paper], entities: dict[str, Entity], claims: dict[str, Claim], results: list[Result]
) -> KnowledgeGraph:
    """Return the graph with every part sorted by id, and with the papers of every entity."""
    named: dict[str, set[str]] = {key: set(item.papers) for key, item in entities.items()}
    for claim in claims.values():
        for end in (claim.subject, claim.object):
            if end in named:
                named[end].update(claim.papers)
    done = [
        Entity(e.id, e.type, e.label, e.aliases, baseline=e.baseline, papers=tuple(sorted(named[e.id])))
        for e in entities.values()
    ]
    return KnowledgeGraph(
        tuple(sorted(papers, key=lambda item: item.id)),
        tuple(sorted(done, key=lambda item: item.id)),
        tuple(sorted(claims.values(), key=lambda item: item.id)),
        tuple(sorted(results, key=lambda item: item.id)),
    )


def synthetic(size: int = 420, seed: int = 5) -> KnowledgeGraph:
    """Return a graph of ``size`` made-up papers, about 3.6 nodes and 7 claims a paper."""
    draw = random.Random(seed)
    papers: list[Paper] = []
    entities: dict[str, Entity] = {}
    claims: dict[str, Claim] = {}
    results: list[Result] = []

    def add(kind: EntityType, label: str, *aliases: str) -> str:
        item = entity(kind, label, *aliases)
        entities.setdefault(item.id, item)
        return item.id

    def state(subject: str, relation: Relation, target: str, where: Evidence) -> None:
        if subject == target:
            return
        claim = Claim(subject, relation, target, (where.paper,), round(draw.uniform(0.3, 0.99), 2), (where,))
        former = claims.get(claim.id)
        if former:
            sources = tuple(sorted({*former.papers, where.paper}))
            claim = Claim(subject, relation, target, sources, former.confidence, (*former.evidence, where))
        claims[claim.id] = claim

    methods: list[str] = []
    for number in range(size):
        name = f"{draw.choice(ADJECTIVES)}{draw.choice(NOUNS)}-{number}"
        older = methods[int(len(methods) * draw.random() ** 2)] if methods else "FirstMill"
        part = f"{draw.choice(NOUNS).lower()} block {int(size * draw.random() ** 1.5)}"
        data = f"{draw.choice(DATASETS)}-{10 * int(1 + 12 * draw.random() ** 2)}"
        chip = f"{draw.choice(DEVICES)} {100 * int(1 + 4 * draw.random())}"
        task, other = draw.choice(TASKS), f"{draw.choice(ADJECTIVES).lower()} {draw.choice(TASKS)} {number % 97}"
        score = f"{draw.uniform(50, 99):.1f}"
        abstract = (
            f"We present {name}, a system for {task}. It builds on the {part} and is aimed at {other}. "
            f"On {data} it reaches {score}% accuracy, ahead of {older}. All runs fit on one {chip}."
        )
        date = f"{2018 + number % 7}-0{1 + number % 9}-1{number % 9}" if number % 5 else None
        url = f"https://papers.example/{number}" if number % 3 else None
        paper = Paper(f"{name}: a study of {task} no. {number}", abstract, ("A. Author",), 1, date, url=url)
        papers.append(paper)
        methods.append(name)
        head = add(EntityType.METHOD, name, f"{name} system")
        state(paper.id, Relation.PROPOSES, head, evidence(paper, name))
        state(head, Relation.TARGETS, add(EntityType.TASK, task), evidence(paper, task))
        state(head, Relation.TARGETS, add(EntityType.TASK, other), evidence(paper, other))
        state(head, Relation.BUILDS_ON, add(EntityType.METHOD, part), evidence(paper, part))
        state(head, Relation.EVALUATED_ON, add(EntityType.DATASET, data), evidence(paper, data))
        rival = add(EntityType.METHOD, older)
        state(head, Relation.COMPARES_TO, rival, evidence(paper, older))
        state(head, Relation.RUNS_ON, add(EntityType.HARDWARE, chip), evidence(paper, chip))
        where = evidence(paper, score)
        on = entity(EntityType.DATASET, data).id
        results.append(Result(paper.id, "accuracy", score, score, "%", where, method=head, baseline=rival, dataset=on))
    return assemble(papers, entities, claims, results)


def hostile() -> KnowledgeGraph:
    """Return a graph whose titles, names, sentences, metrics, venues and addresses are :data:`HOSTILE`."""
    papers: list[Paper] = []
    entities: dict[str, Entity] = {}
    claims: dict[str, Claim] = {}
    results: list[Result] = []
    hub = entity(EntityType.DATASET, "Hub", "the hub")
    entities[hub.id] = hub
    for number, text in enumerate(HOSTILE):
        title = f"{text} {number}"
        abstract = f"{text} is weighed on Hub, with {text} at 12.5 points"
        paper = Paper(
            title, abstract, (text,), 1, "2024", (f"x:{text}",), "javascript:alert(1)", text, (f"{text} again",)
        )
        papers.append(paper)
        thing = entity(EntityType.METHOD, f"M{number + 100} {text}", text, baseline=True)
        entities[thing.id] = thing
        for subject, relation, target, name in (
            (paper.id, Relation.PROPOSES, thing.id, text),
            (thing.id, Relation.EVALUATED_ON, hub.id, "Hub"),
        ):
            claim = Claim(subject, relation, target, (paper.id,), 0.9, (evidence(paper, name),))
            claims[claim.id] = claim
        where = evidence(paper, "12.5")
        results.append(Result(paper.id, text, "12.5", "12.5", text[:40], where, method=thing.id, dataset=hub.id))
    return assemble(papers, entities, claims, results)


FIELDS = ("tide", "leaf", "bridge")
"""First words of the names of three fields that share nothing."""


def fields(papers_each: int = 12) -> KnowledgeGraph:
    """Return papers of three fields; those of a field share four tasks, four datasets and four methods."""
    papers: list[Paper] = []
    entities: dict[str, Entity] = {}
    claims: dict[str, Claim] = {}
    kinds = ((EntityType.TASK, Relation.TARGETS), (EntityType.DATASET, Relation.EVALUATED_ON))
    for topic in FIELDS:
        for number in range(papers_each):
            names = [f"{topic} {kind.value.lower()} {(number + step) % 4}" for kind, _ in kinds for step in (0, 1)]
            name = f"{topic} method {number}"
            text = f"{name} is made for {names[0]} and {names[1]}, and weighed on {names[2]} and {names[3]}."
            paper = Paper(f"Study {number} of the {topic}", text, date="2024")
            papers.append(paper)
            head = entity(EntityType.METHOD, name)
            entities[head.id] = head
            said = [(paper.id, Relation.PROPOSES, head, name)]
            for at, (kind, relation) in enumerate(kinds):
                for target in names[2 * at : 2 * at + 2]:
                    said.append((head.id, relation, entity(kind, target), target))
            for subject, relation, thing, form in said:
                entities[thing.id] = thing
                claim = Claim(subject, relation, thing.id, (paper.id,), 0.9, (evidence(paper, form),))
                claims[claim.id] = claim
    return assemble(papers, entities, claims, [])
