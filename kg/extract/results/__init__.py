"""Results: the numbers that a paper reports about its work, with metric, unit, method, baseline and dataset.

A grammar finds numbers, a trained decision tells reported results from settings and background, and the words around
a number tell what it measures.
"""

from __future__ import annotations

from kg.extract.candidates import Reading
from kg.extract.decide import place_evidence
from kg.extract.results.context import Context, contexts, direction, features, with_points
from kg.extract.results.decision import ResultModel, shipped_model
from kg.extract.results.lexicon import never
from kg.extract.results.links import Linker, Links
from kg.extract.results.metrics import Metric, metrics
from kg.extract.results.quantities import decimal_value, quantities
from kg.model import EntityType, Extraction, LocalResult
from kg.text import Span

__all__ = ["Context", "Metric", "ResultModel", "numbers", "read_results"]


def numbers(text: str, sentences: tuple[Span, ...]) -> tuple[tuple[Context, Metric, list[str]], ...]:
    """Return the numbers of a section with their metric and the properties that the decision looks at."""
    found = quantities(text) if sentences else ()
    around = with_points(contexts(text, sentences, found)) if found else ()
    named = metrics(around)
    rows = zip(around, named, features(around, [m.source for m in named]), strict=True)
    # "from 39.8% to 40.9%" reports where it ends.
    return tuple(row for row in rows if row[0].quantity.kind != "from" and not never().search(row[0].left[-60:]))


def read_results(reading: Reading, stated: Extraction, *, model: ResultModel | None = None) -> tuple[LocalResult, ...]:
    """Return the results that a paper reports, in reading order.

    Args:
        reading: the paper, prepared.
        stated: what the paper states; methods, baselines and datasets of the results are entities of it.
        model: decides what is a result; default is the one that comes with the package.

    Raises:
        InputError: the installation lacks the model.
    """
    model = model or shipped_model()
    out: list[LocalResult] = []
    # The abstract says in full what a title repeats.
    for section in ("abstract", "title"):
        text = reading.paper.section(section)
        found = numbers(text, reading.sentences[section])
        linked = Linker(text, section, stated).links([context for context, _, _ in found]) if found else ()
        known = {(r.value_text, r.unit) for r in out}
        named = _names(stated, section) if found else []
        for (context, metric, properties), link in zip(found, linked, strict=True):
            quantity = context.quantity
            if any(start <= quantity.start < end for start, end in named):
                continue  # a version ("MultiWOZ 2.1") or size is part of a name
            confidence = model.probability(properties)
            if confidence >= model.threshold and (section == "abstract" or (quantity.text, quantity.unit) not in known):
                out.append(_result(reading, section, context, metric, link, confidence))
    return tuple(
        {(r.value_text, r.unit, r.metric, r.method, r.baseline, r.dataset): r for r in reversed(out)}.values()
    )[::-1]


def _names(stated: Extraction, section: str) -> list[Span]:
    """Return where names stand that hold digits; a task ("4x upscaling") may hold a number that is told."""
    return [
        (m.start, m.end)
        for entity in stated.entities
        if entity.type is not EntityType.TASK
        for m in entity.mentions
        if m.section == section and any(c.isdigit() for c in m.surface_form)
    ]


def _result(
    reading: Reading, section: str, context: Context, metric: Metric, link: Links, confidence: float
) -> LocalResult:
    quantity = context.quantity
    return LocalResult(
        metric=metric.name,
        value_text=quantity.text,
        value=decimal_value(quantity.text),
        unit=quantity.unit,
        evidence=place_evidence(reading, section, quantity.start, quantity.end),
        direction=direction(context),
        bound=quantity.bound,
        method=link.method,
        baseline=link.baseline if link.baseline != link.method else None,
        dataset=link.dataset,
        confidence=round(confidence, 4),
    )
