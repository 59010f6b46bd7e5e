"""Fine-tune the span tagger: batches, optimiser, schedule, averaged weights."""

from __future__ import annotations

import json
import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kg.train.data import LABELS, ROLES, TYPES, Example, GoldPaper, examples
from kg.train.network import SpanNetwork

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """How to train; learning rates are peaks, ``warmup`` is a share of all steps, ``batch`` counts windows."""

    epochs: int = 9
    batch: int = 8
    encoder_rate: float = 1.2e-4
    layer_decay: float = 0.9
    head_rate: float = 1e-3
    weight_decay: float = 0.01
    warmup: float = 0.06
    average: float = 0.998
    clip: float = 1.0
    seed: int = 13


@dataclass(frozen=True, slots=True)
class Batch:
    """Padded windows; see :meth:`SpanNetwork.forward` for the shapes of ``inputs``."""

    inputs: tuple[Tensor, ...]
    labels: Tensor
    weights: Tensor
    parts: tuple[tuple[Example, int], ...]


def collate(items: Sequence[Example]) -> Batch:
    """Pad windows to one length and point their spans into the flattened tokens."""
    length = max(len(e.window.input_ids) for e in items)
    arrays = np.zeros((4, len(items), length), dtype=np.int64)
    starts, ends, sizes = [], [], []
    for row, e in enumerate(items):
        w, n = e.window, len(e.window.input_ids)
        arrays[0, row, :n], arrays[1, row, :n] = w.input_ids, w.token_type_ids
        arrays[2, row, :n], arrays[3, row, :n] = 1, w.shape_ids
        starts.append(w.first[e.starts] + row * length)
        ends.append(w.last[e.ends] + row * length)
        sizes.append(e.ends - e.starts + 1)
    spans = [torch.from_numpy(np.concatenate(x)) for x in (starts, ends, sizes)]
    return Batch(
        (*torch.from_numpy(arrays).unbind(0), *spans),
        torch.from_numpy(np.concatenate([e.labels for e in items])),
        torch.from_numpy(np.concatenate([e.weights for e in items])),
        tuple((e, len(e.starts)) for e in items),
    )


def batches(items: Sequence[Example], size: int, rng: random.Random | None) -> Iterator[list[Example]]:
    """Yield batches of windows of similar length; the order is random when ``rng`` is given."""
    keys = {id(e): len(e.window.input_ids) * (rng.uniform(0.9, 1.1) if rng else 1.0) for e in items}
    ordered = sorted(items, key=lambda e: keys[id(e)])
    groups = [ordered[i : i + size] for i in range(0, len(ordered), size)]
    if rng:
        rng.shuffle(groups)
    yield from groups


LABEL_WEIGHTS = torch.tensor([1.5] + [0.5] * len(TYPES) + [1.0] * len(ROLES) + [0.5])


def span_loss(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Return the binary cross-entropy of all labels of all spans, per positive span of the batch."""
    loss = nn.functional.binary_cross_entropy_with_logits(logits, labels, weights * LABEL_WEIGHTS, reduction="sum")
    return loss / labels[:, 0].sum().clamp(min=1.0)


def parameter_groups(network: SpanNetwork, config: TrainConfig) -> list[dict[str, Any]]:
    """Group parameters by learning rate: lower layers learn slower, the new parts fastest."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    depth = len(network.layers)
    for name, p in network.named_parameters():
        head = name.split(".")[0]
        if head == "layers":
            rate = config.encoder_rate * config.layer_decay ** (depth - 1 - int(name.split(".")[1]))
        elif head in ("word", "position", "kind", "norm"):
            rate = config.encoder_rate * config.layer_decay**depth
        else:
            rate = config.head_rate
        decay = config.weight_decay if p.ndim > 1 and head != "word" else 0.0
        groups.setdefault((rate, decay), []).append(p)
    return [{"params": ps, "lr": rate, "weight_decay": decay} for (rate, decay), ps in groups.items()]


def fit(
    network: SpanNetwork,
    train: Sequence[Example],
    config: TrainConfig,
    *,
    after_epoch: Callable[[int, SpanNetwork], None] | None = None,
) -> SpanNetwork:
    """Train in place and return a network with the exponential average of the weights.

    ``after_epoch`` gets the number of the epoch, from 1, and the averaged network, for checkpoints and figures.
    """
    rng = random.Random(config.seed)
    torch.manual_seed(config.seed)
    optimizer = torch.optim.AdamW(parameter_groups(network, config), betas=(0.9, 0.98), eps=1e-6)
    steps = config.epochs * math.ceil(len(train) / config.batch)
    warm = max(1, int(config.warmup * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / warm, max(0.0, (steps - s) / max(1, steps - warm)))
    )
    averaged = SpanNetwork(network.config)
    averaged.load_state_dict(network.state_dict())
    averaged.eval()
    step, began = 0, time.monotonic()
    for epoch in range(1, config.epochs + 1):
        network.train()
        total = 0.0
        for group in batches(train, config.batch, rng):
            batch = collate(group)
            with torch.autocast("cpu", torch.bfloat16):
                logits = network(*batch.inputs)
            loss = span_loss(logits, batch.labels, batch.weights)
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), config.clip)
            optimizer.step()
            schedule.step()
            step += 1
            total += loss.item()
            keep = min(config.average, (1 + step) / (10 + step))
            with torch.no_grad():
                for a, p in zip(averaged.parameters(), network.parameters(), strict=True):
                    a.lerp_(p, 1 - keep)
            if step % 50 == 0:
                log.info("step %d of %d, loss %.4f, %.0f s", step, steps, loss.item(), time.monotonic() - began)
        log.info("epoch %d: mean loss %.4f, %.0f s", epoch, total * config.batch / len(train), time.monotonic() - began)
        if after_epoch:
            after_epoch(epoch, averaged)
    return averaged


@torch.no_grad()
def predict(network: SpanNetwork, items: Sequence[Example], size: int = 16) -> list[np.ndarray[Any, Any]]:
    """Return the probabilities (S, labels) of the spans of each window, in the order of ``items``."""
    network.eval()
    found: dict[int, np.ndarray[Any, Any]] = {}
    for group in batches(items, size, None):
        batch = collate(group)
        with torch.autocast("cpu", torch.bfloat16):
            probabilities = torch.sigmoid(network(*batch.inputs)).numpy()
        at = 0
        for example, count in batch.parts:
            found[id(example)] = probabilities[at : at + count]
            at += count
    return [found[id(e)] for e in items]


def prepare(papers: Sequence[GoldPaper], tokenizer: Any) -> list[Example]:
    """Encode and label papers with a ``tokenizers.Tokenizer`` of BERT."""
    ids = {name: tokenizer.token_to_id(f"[{name.upper()}]") for name in ("cls", "sep", "unk")}

    def encode(words: list[str]) -> Any:
        return tokenizer.encode(words, is_pretokenized=True, add_special_tokens=False)

    return list(examples(papers, encode, **ids))


def save(network: SpanNetwork, config: TrainConfig, path: Path) -> None:
    """Write a checkpoint that :func:`restore` reads."""
    meta = {"network": network.config.to_json(), "train": asdict(config), "labels": LABELS}
    torch.save({"state": network.state_dict(), "meta": json.dumps(meta)}, path)
