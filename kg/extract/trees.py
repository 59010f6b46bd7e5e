"""Gradient-boosted trees as plain arrays: trained by scikit-learn, stored without pickle, evaluated by numpy.

A pickle would tie the shipped model to one version of scikit-learn and run code when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """An additive ensemble for one binary decision.

    All arrays have one value a node, trees one behind the other: ``feature`` (column), ``threshold`` (go left when
    the value is at most this), ``left`` and ``right`` (node indices; a leaf points at itself), ``value`` (of
    leaves). ``roots`` has one node index a tree; ``depth`` is the longest path.
    """

    feature: npt.NDArray[np.int32]
    threshold: Floats
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]
    value: Floats
    roots: npt.NDArray[np.int32]
    baseline: float
    depth: int

    def decide(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return the raw score (log odds) of each row; ``rows`` has shape (n, features)."""
        nodes = np.broadcast_to(self.roots, (len(rows), len(self.roots))).copy()
        index = np.arange(len(rows))[:, None]
        for _ in range(self.depth):
            goes_left = rows[index, self.feature[nodes]] <= self.threshold[nodes]
            nodes = np.where(goes_left, self.left[nodes], self.right[nodes])
        total: Floats = self.baseline + self.value[nodes].sum(axis=1)
        return total

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays to store (see :func:`from_arrays`)."""
        return {
            "feature": self.feature,
            "threshold": self.threshold,
            "left": self.left,
            "right": self.right,
            "value": self.value,
            "roots": self.roots,
            "scalars": np.array([self.baseline, self.depth], dtype=np.float64),
        }


def from_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Trees:
    """Make :class:`Trees` of what :meth:`Trees.arrays` returned."""
    baseline, depth = arrays["scalars"]
    parts = {k: arrays[k] for k in ("feature", "threshold", "left", "right", "value", "roots")}
    return Trees(**parts, baseline=float(baseline), depth=int(depth))


def from_sklearn(model: Any) -> Trees:
    """Convert a fitted binary ``HistGradientBoostingClassifier`` without categorical features.

    The trees are read from the estimator's private predictors, which is why training pins scikit-learn and a test
    compares both on random rows.
    """
    feature: list[int] = []
    threshold: list[float] = []
    left: list[int] = []
    right: list[int] = []
    value: list[float] = []
    roots: list[int] = []
    depth = 1
    for (predictor,) in model._predictors:
        offset = len(feature)
        roots.append(offset)
        for k, node in enumerate(predictor.nodes):
            leaf = bool(node["is_leaf"])
            feature.append(0 if leaf else int(node["feature_idx"]))
            threshold.append(0.0 if leaf else float(node["num_threshold"]))
            left.append(offset + (k if leaf else int(node["left"])))
            right.append(offset + (k if leaf else int(node["right"])))
            value.append(float(node["value"]))
            depth = max(depth, int(node["depth"]) + 1)
    return Trees(
        np.array(feature, dtype=np.int32),
        np.array(threshold),
        np.array(left, dtype=np.int32),
        np.array(right, dtype=np.int32),
        np.array(value),
        np.array(roots, dtype=np.int32),
        float(np.ravel(model._baseline_prediction)[0]),
        depth,
    )


def sigmoid(x: Floats) -> Floats:
    """Return 1 / (1 + exp(-x)) without overflow."""
    out: Floats = np.exp(-np.logaddexp(0.0, -x))
    return out
