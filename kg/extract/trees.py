"""Gradient-boosted trees as plain arrays: trained by scikit-learn, stored without pickle, evaluated by numpy.

A pickle would tie the shipped model to one version of scikit-learn and run code when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
        return decide_all((self,), rows)[0]

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


@dataclass(frozen=True, slots=True, eq=False)
class _Masks:
    """The same trees for rows by the dozen: a node that sends a row right rules out the leaves to its left.

    One bit a leaf, from left to right: the lowest bit that no node rules out is the leaf (C. Lucchese and others,
    "QuickScorer", SIGIR 2015).  ``feature`` and ``threshold`` are the distinct tests, many of them in several trees;
    ``test`` and ``mask`` (the leaves ruled out) have the inner nodes of all trees, padded to equally many, (nodes,
    trees); ``value`` has that of each leaf, (trees, 16).
    """

    feature: npt.NDArray[np.intp]
    threshold: npt.NDArray[np.float32]
    test: npt.NDArray[np.intp]
    mask: npt.NDArray[np.uint16]
    value: Floats

    def values(self, rows: npt.NDArray[np.float32]) -> Floats:
        """Return the value of the leaf of each row in each tree, (rows, trees)."""
        goes_right = np.ascontiguousarray(rows.T)[self.feature] > self.threshold[:, None]
        # All bits set where the row goes right.
        right = np.negative(goes_right.astype(np.uint16))
        closed = np.zeros((self.test.shape[1], len(rows)), dtype=np.uint16)
        ruled_out = np.empty_like(closed)
        for test, mask in zip(self.test, self.mask, strict=True):
            np.take(right, test, axis=0, out=ruled_out, mode="clip")
            np.bitwise_and(ruled_out, mask[:, None], out=ruled_out)
            np.bitwise_or(closed, ruled_out, out=closed)
        return np.asarray(self.value[np.arange(len(self.value)), _LOWEST_CLEAR[closed.T]], dtype=np.float64)


_LOWEST_CLEAR = np.array([(~v & (v + 1)).bit_length() - 1 for v in range(1 << 16)], dtype=np.uint8)


def decide_all(ensembles: Sequence[Trees], rows: npt.NDArray[np.float32]) -> list[Floats]:
    """Return the raw scores of the rows by each of ``ensembles``; faster than one after the other."""
    masks = _masks(tuple(ensembles))
    joint = None if masks is None else masks.values(rows)
    out: list[Floats] = []
    first = 0
    for trees in ensembles:
        count = len(trees.roots)
        values = trees.value[_walk(trees, rows)] if joint is None else joint[:, first : first + count]
        out.append(trees.baseline + values.sum(axis=1))
        first += count
    return out


@lru_cache(maxsize=16)
def _masks(ensembles: tuple[Trees, ...]) -> _Masks | None:
    """Return the trees of all ensembles with bits for leaves, or None when one has more than 16."""
    inner: list[list[tuple[int, np.float32, int]]] = []
    leaves: list[list[float]] = []
    for trees in ensembles:
        _add_masks(trees, inner, leaves)
    if max(map(len, leaves), default=0) > 16:
        return None
    tests = {test: k for k, test in enumerate(sorted({node[:2] for nodes in inner for node in nodes}))}
    width = max(map(len, inner), default=0)
    test = np.zeros((width, len(inner)), dtype=np.intp)
    mask = np.zeros((width, len(inner)), dtype=np.uint16)
    value = np.zeros((len(inner), 16))
    for k, (nodes, ends) in enumerate(zip(inner, leaves, strict=True)):
        value[k, : len(ends)] = ends
        for j, node in enumerate(nodes):
            test[j, k], mask[j, k] = tests[node[:2]], node[2]
    return _Masks(
        np.array([feature for feature, _ in tests], dtype=np.intp),
        np.array([threshold for _, threshold in tests], dtype=np.float32),
        test,
        mask,
        value,
    )


def _add_masks(trees: Trees, inner: list[list[tuple[int, np.float32, int]]], leaves: list[list[float]]) -> None:
    """Add for each tree its inner nodes (feature, threshold, leaves ruled out) and the values of its leaves."""
    left, right = trees.left.tolist(), trees.right.tolist()
    for root in trees.roots.tolist():
        nodes: list[tuple[int, np.float32, int]] = []
        ends: list[float] = []

        def visit(node: int, nodes: list[tuple[int, np.float32, int]] = nodes, ends: list[float] = ends) -> None:
            if left[node] == node:
                ends.append(float(trees.value[node]))
                return
            before = len(ends)
            visit(left[node])
            # The largest 32-bit number up to the threshold: it parts 32-bit values just as the threshold does.
            near = np.float32(trees.threshold[node])
            threshold = near if near <= trees.threshold[node] else np.nextafter(near, np.float32(-np.inf))
            nodes.append((int(trees.feature[node]), threshold, (1 << len(ends)) - (1 << before)))
            visit(right[node])

        visit(root)
        inner.append(nodes)
        leaves.append(ends)


def _walk(trees: Trees, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """Return the node index of the leaf of each row in each tree, (rows, trees), going down step by step."""
    nodes = np.broadcast_to(trees.roots, (len(rows), len(trees.roots))).copy()
    index = np.arange(len(rows))[:, None]
    for _ in range(trees.depth):
        goes_left = rows[index, trees.feature[nodes]] <= trees.threshold[nodes]
        nodes = np.where(goes_left, trees.left[nodes], trees.right[nodes])
    return nodes


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
