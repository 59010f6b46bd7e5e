"""Small graphs made by hand for tests of everything behind resolution."""

from __future__ import annotations

from dataclasses import dataclass, field

from kg.ids import entity_id
from kg.model import Claim, Entity, EntityType, Evidence, KnowledgeGraph, Paper, Relation, Result

VOCAB = "https://w3id.org/paper-kg/vocab/"


@dataclass
class Draft:
    """Collects the parts of a graph; evidence is found in the text, so a quote that is not there fails at once."""

    papers: dict[str, Paper] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)

    def paper(self, title: str, abstract: str = "", **rest: object) -> Paper:
        paper = Paper(title, abstract, **rest)  # type: ignore[arg-type]
        self.papers[paper.id] = paper
        return paper

    def entity(self, type_: EntityType, label: str, *aliases: str, baseline: bool = False, **rest: object) -> str:
        key = "".join(char for char in label.casefold() if char.isalnum())
        identifier = entity_id(type_.value.lower(), key, label)
        self.entities[identifier] = Entity(identifier, type_, label, aliases, baseline=baseline, **rest)  # type: ignore[arg-type]
        return identifier

    def quote(self, paper: Paper, words: str, section: str = "abstract") -> Evidence:
        text = paper.section(section)
        start = text.index(words)
        low = max(text.rfind(". ", 0, start) + 2, 0) if ". " in text[:start] else 0
        stop = text.find(". ", start + len(words))
        high = len(text) if stop < 0 else stop + 1
        return Evidence(paper.id, section, start, start + len(words), words, text[low:high], low)

    def claim(self, subject: str, relation: Relation, target: str, confidence: float, *evidence: Evidence) -> Claim:
        papers = tuple(sorted({item.paper for item in evidence}))
        claim = Claim(subject, relation, target, papers, confidence, evidence)
        self.claims[claim.id] = claim
        return claim

    def result(self, paper: Paper, quote: str, metric: str, value: str, unit: str, **rest: object) -> Result:
        plain = value if value.replace(".", "", 1).isdigit() else None
        measured = self.entity(EntityType.METRIC, metric)
        result = Result(paper.id, measured, value, plain, unit, self.quote(paper, quote), **rest)  # type: ignore[arg-type]
        self.results.append(result)
        return result

    def graph(self) -> KnowledgeGraph:
        return KnowledgeGraph(
            tuple(sorted(self.papers.values(), key=lambda paper: paper.id)),
            tuple(sorted(self.entities.values(), key=lambda entity: entity.id)),
            tuple(sorted(self.claims.values(), key=lambda claim: claim.id)),
            tuple(sorted(self.results, key=lambda result: result.id)),
        )


def vision() -> KnowledgeGraph:
    """Three plain papers: two methods that share a dataset and were never compared, one that prunes for hardware."""
    draft = Draft()
    deep = draft.paper(
        "RowNet: Rows for Vision",
        "We propose RowNet for image classification. RowNet outperforms ResNet-50 on ImageNet. It reaches 82.7% top-1 "
        "accuracy on ImageNet. RowNet is 6.5x faster than ResNet-50.",
        authors=("Ada Byron", "Grace Hopper"),
        author_count=2,
        date="2024-11-12",
        identifiers=("arxiv:2411.00001",),
        url="https://arxiv.org/abs/2411.00001",
        venue="arXiv",
        variants=("RowNet - Rows for Vision!",),
    )
    pruned = draft.paper(
        "ThinCut: Network Pruning for Small Boards",
        "ThinCut is a network pruning method for the Jetson Nano. We test it with ResNet-50 on ImageNet. "
        "Training takes place on CIFAR-10. It is 2.5x faster than ResNet-50.",
        date="--11-12",
    )
    third = draft.paper(
        "A Note on Image Classification",
        "RowNet outperforms ResNet-50 in our tests on CIFAR-10. We run it on an NVIDIA A100.",
        date="2023",
    )
    method, dataset, hardware, task = EntityType.METHOD, EntityType.DATASET, EntityType.HARDWARE, EntityType.TASK
    row = draft.entity(method, "RowNet", papers=(deep.id, third.id))
    thin = draft.entity(method, "ThinCut", papers=(pruned.id,))
    resnet = draft.entity(
        method,
        "ResNet-50",
        "ResNet50",
        "resnet 50",
        baseline=True,
        concept=f"{VOCAB}methods/resnet-50",
        matches=("http://www.wikidata.org/entity/Q43744058",),
        papers=(deep.id, pruned.id, third.id),
    )
    imagenet = draft.entity(dataset, "ImageNet", "ILSVRC", papers=(deep.id, pruned.id))
    cifar = draft.entity(dataset, "CIFAR-10", papers=(pruned.id, third.id))
    jetson = draft.entity(hardware, "Jetson Nano", papers=(pruned.id,))
    a100 = draft.entity(hardware, "NVIDIA A100", papers=(third.id,))
    classify = draft.entity(task, "image classification", papers=(deep.id, third.id))
    prune = draft.entity(task, "network pruning", papers=(pruned.id,))
    draft.entity(EntityType.METRIC, "top-1 accuracy", papers=(deep.id,))
    quote, claim = draft.quote, draft.claim
    claim(deep.id, Relation.PROPOSES, row, 0.97, quote(deep, "RowNet"), quote(deep, "RowNet", "title"))
    claim(row, Relation.TARGETS, classify, 0.9, quote(deep, "image classification"))
    claim(row, Relation.COMPARES_TO, resnet, 0.95, quote(deep, "ResNet-50"), quote(third, "ResNet-50"))
    claim(row, Relation.EVALUATED_ON, imagenet, 0.93, quote(deep, "ImageNet"))
    claim(pruned.id, Relation.PROPOSES, thin, 0.96, quote(pruned, "ThinCut"))
    claim(thin, Relation.TARGETS, prune, 0.9, quote(pruned, "network pruning"))
    claim(thin, Relation.TARGETS, jetson, 0.8, quote(pruned, "Jetson Nano"))
    claim(thin, Relation.BUILDS_ON, resnet, 0.7, quote(pruned, "ResNet-50"))
    claim(thin, Relation.EVALUATED_ON, imagenet, 0.88, quote(pruned, "ImageNet"))
    claim(thin, Relation.TRAINED_ON, cifar, 0.4, quote(pruned, "CIFAR-10"))
    claim(third.id, Relation.TARGETS, classify, 0.6, quote(third, "Image Classification", "title"))
    claim(third.id, Relation.USES, cifar, 0.55, quote(third, "CIFAR-10"))
    claim(third.id, Relation.RUNS_ON, a100, 0.85, quote(third, "NVIDIA A100"))
    draft.result(deep, "82.7%", "top-1 accuracy", "82.7", "%", method=row, dataset=imagenet, confidence=0.9)
    draft.result(deep, "6.5x", "speed", "6.5", "x", direction="up", method=row, baseline=resnet)
    draft.result(pruned, "2.5x", "speed", "2.5", "x", direction="up", bound="about", method=thin, baseline=resnet)
    return draft.graph()


HOSTILE = (
    "<script>alert('x')</script> & \"quotes\"",
    "Nul \x00, escape \x1b[31m and bell \x07",
    "Line\u2028separator, \u202eright to left\u202c and a lone surrogate \ud83d end",
    r"Hyper$\times$ \textbf{bold} \u0041 \\ back\slash",
    '=HYPERLINK("http://example.org")',
    "Emoji 👩‍🔬, CJK 知識グラフ, combining e\u0301 \uffff",
    "New\nline, tab\t and return\r here",
    "]]> --> '''triple''' \"\"\"quotes\"\"\" {{ braces }}",
    "知識",
)


def hostile() -> KnowledgeGraph:
    """A paper, an entity and a claim for each text that breaks some format."""
    draft = Draft()
    for number, name in enumerate(HOSTILE):
        paper = draft.paper(
            name, f"Here {name} is put to use. It ends.", authors=(name,), url=f"https://example.org/{name}"
        )
        thing = draft.entity(list(EntityType)[number % 3], name, f"alias of {name}", baseline=number % 2 == 0)
        draft.claim(
            paper.id, Relation.PROPOSES, thing, 0.5, draft.quote(paper, name), draft.quote(paper, name, "title")
        )
        draft.result(paper, name, name, name, name, method=thing)
    return draft.graph()
