"""The decision whether a number is a result that the paper reports: a linear model over named properties."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

import kg
from kg.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class ResultModel:
    """Weights by property, the threshold of the probability, and a hash of both."""

    weights: Mapping[str, float]
    threshold: float
    fingerprint: str

    def probability(self, properties: Iterable[str]) -> float:
        """Return the probability that a number with these properties is a reported result."""
        score = sum(self.weights.get(p, 0.0) for p in sorted(set(properties)))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, score))))


def save(model: ResultModel, path: Path) -> None:
    """Write the model as one ``.npz`` file, byte-identical for equal models."""
    names = sorted(model.weights)
    head = {"names": names, "threshold": model.threshold, "fingerprint": model.fingerprint}
    np.savez_compressed(
        path,
        allow_pickle=False,
        head=np.frombuffer(json.dumps(head, sort_keys=True).encode(), dtype=np.uint8),
        weights=np.array([model.weights[n] for n in names], dtype=np.float32),
    )


def load(path: Path) -> ResultModel:
    """Read a model that :func:`save` wrote.

    Raises:
        InputError: the file is missing or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            head = json.loads(bytes(stored["head"]).decode())
            weights = {name: float(w) for name, w in zip(head["names"], stored["weights"], strict=True)}
        return ResultModel(weights, float(head["threshold"]), str(head["fingerprint"]))
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        raise InputError(f"{path}: not a model of results ({error}); make one with `kg train`") from error


@lru_cache(maxsize=1)
def shipped_model() -> ResultModel:
    """Return the model that comes with the package."""
    return load(Path(kg.__file__).parent / "models" / "default" / "results.npz")
