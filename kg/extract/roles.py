"""The role model: for each candidate of a paper, how likely the paper proposes / compares with / targets / uses it.

One boosted ensemble a decision, its score mapped to a probability by a logistic calibration fitted on papers that
the ensembles were not trained on (J. Platt, 1999).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from kg.errors import InputError
from kg.extract.features import feature_names
from kg.extract.trees import Floats, Trees, decide_all, from_arrays, sigmoid

RELATIONS = ("proposes", "comparesTo", "targets", "uses")
KINDS = ("method", "dataset", "hardware", "task")
RELATION_DECISIONS = tuple(f"relation {r}" for r in RELATIONS)
TYPE_DECISIONS = (*(f"type {t}" for t in KINDS), "how trainedOn")
DECISIONS = (*RELATION_DECISIONS, *TYPE_DECISIONS)


@dataclass(frozen=True, slots=True, eq=False)
class RoleModel:
    """Ensembles, calibrations (slope, intercept) and thresholds by decision."""

    trees: Mapping[str, Trees]
    calibration: Mapping[str, tuple[float, float]]
    thresholds: Mapping[str, float]
    fingerprint: str

    def predict(self, rows: npt.NDArray[np.float32], decisions: Collection[str] = DECISIONS) -> dict[str, Floats]:
        """Return for each decision the probabilities of the rows; ``rows`` as :func:`kg.extract.features.features`."""
        trees = {d: t for d, t in self.trees.items() if d in decisions}
        out: dict[str, Floats] = {}
        for decision, score in zip(trees, decide_all(tuple(trees.values()), rows), strict=True):
            slope, intercept = self.calibration.get(decision, (1.0, 0.0))
            out[decision] = sigmoid(slope * score + intercept)
        return out

    def with_types(self, rows: npt.NDArray[np.float32], relations: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return the probabilities of all decisions, given those of the relations.

        What stands in no relation needs no type, which spares most of the work; its type has the probability 0.
        """
        chosen = np.zeros(len(rows), dtype=bool)
        for decision, values in relations.items():
            chosen |= values >= self.thresholds.get(decision, 0.5)
        out = dict(relations)
        for decision, values in self.predict(rows[chosen], TYPE_DECISIONS).items():
            out[decision] = np.zeros(len(rows))
            out[decision][chosen] = values
        return out


def save(model: RoleModel, path: Path) -> None:
    """Write the model as one ``.npz`` file, byte-identical for equal models."""
    arrays = {f"{d}|{name}": array for d, trees in model.trees.items() for name, array in trees.arrays().items()}
    head = {
        "features": feature_names(),
        "calibration": dict(model.calibration),
        "thresholds": dict(model.thresholds),
        "fingerprint": model.fingerprint,
    }
    arrays["head"] = np.frombuffer(json.dumps(head, sort_keys=True).encode(), dtype=np.uint8)
    np.savez_compressed(path, allow_pickle=False, **dict(sorted(arrays.items())))


def load(path: Path) -> RoleModel:
    """Read a model that :func:`save` wrote.

    Raises:
        InputError: the file is missing, broken, or made for other features.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            head = json.loads(bytes(stored["head"]).decode())
            groups: dict[str, dict[str, npt.NDArray[np.float64]]] = {}
            for name in stored.files:
                if "|" in name:
                    decision, part = name.split("|")
                    groups.setdefault(decision, {})[part] = stored[name]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise InputError(f"{path}: not a role model ({error}); make one with `kg train`") from error
    if tuple(head["features"]) != feature_names():
        raise InputError(f"{path}: made for other features than this version has; make a new one with `kg train`")
    return RoleModel(
        {d: from_arrays(arrays) for d, arrays in groups.items()},
        {d: (float(a), float(b)) for d, (a, b) in head["calibration"].items()},
        {d: float(t) for d, t in head["thresholds"].items()},
        head["fingerprint"],
    )
