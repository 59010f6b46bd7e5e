"""Positions of nodes on a plane: the same on every machine, in bounded time, with communities kept together.

Large graphs are placed from the coarse to the fine: communities become discs, the discs are laid out as nodes of a
smaller graph, and every disc is filled in the same way. Only additions, products, quotients, square roots and sums in
a fixed order are used: their results are defined by IEEE 754, so positions do not depend on the processor, its number
of cores, a linear algebra library or the hash seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import networkx as nx
import numpy as np
from networkx.utils import UnionFind
from numpy.typing import NDArray

Array = NDArray[np.float64]
Links = dict[tuple[int, int], float]
"""Undirected weighted edges between positions ``0 .. n-1``, each pair with the smaller index first."""

DIRECT_LIMIT = 260
"""Largest set of nodes that is laid out with all pairs of forces; beyond it, time would grow with the square."""

TOGETHER_LIMIT, TOGETHER_CELLS = 40, 40_000
"""Largest set that is laid out together with others, and how many pairs of nodes are held at once."""

LOUVAIN_LIMIT = 5_000
"""Above this number of nodes communities come from label propagation, whose time is linear in the edges."""

GRAVITY = 0.06
"""Strength of the pull to the centre."""

_GOLDEN_ANGLE = math.pi * (3.0 - math.sqrt(5.0))


def spiral(count: int, spacing: float = 1.0, inner: float = 0.0) -> Array:
    """Return ``count`` points that fill a disc evenly, from its centre or from radius ``inner`` outwards.

    Source: H. Vogel, A better way to construct the sunflower head, Mathematical Biosciences 44 (1979).
    """
    points = np.zeros((count, 2))
    skip = (inner / spacing) ** 2
    for index in range(count):
        radius = spacing * math.sqrt(index + skip)
        angle = index * _GOLDEN_ANGLE
        # Rounding takes away the last bit, in which mathematical libraries differ.
        points[index] = round(radius * math.cos(angle), 6), round(radius * math.sin(angle), 6)
    return points


def _ends(links: Links) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    pairs = sorted(links)
    left = np.array([pair[0] for pair in pairs], dtype=np.int64)
    right = np.array([pair[1] for pair in pairs], dtype=np.int64)
    return left, right, np.array([links[pair] for pair in pairs], dtype=np.float64)


def force(
    start: Array, links: Links, radius: Array, *, steps: int = 160, gravity: float = GRAVITY, pull: Array | None = None
) -> Array:
    """Return positions of nodes that repel each other and are drawn together by their edges.

    Args:
        start: first positions, one row a node.
        links: edges with their weight.
        radius: space that each node takes; the ideal length of an edge is twice the sum of the radii of its ends.
        steps: iterations; time is ``steps * n * n``.
        gravity: strength of the pull to the centre, which keeps components that share no edge on one page.
        pull: a constant force on each node, for instance towards neighbours outside of this set.

    Source: Fruchterman and Reingold, Graph drawing by force-directed placement, Software 21 (1991), with the ideal
    distance made a property of the pair of nodes.
    """
    if len(start) < 2:
        return start.copy()
    pulls = None if pull is None else pull[None]
    points: Array = _force_many(start[None], [links], radius[None], steps, gravity, pulls)[0]
    return points


def _force_many(
    start: Array, links: Sequence[Links], radius: Array, steps: int, gravity: float, pull: Array | None
) -> Array:
    """Do as :func:`force` for many graphs of equally many nodes at once, the first axis of all arrays.

    A graph gets the same positions, to the last bit, alone and among others: no sum runs over two graphs.
    """
    graphs, count = radius.shape
    x, y = start[:, :, 0].copy(), start[:, :, 1].copy()
    ends = [_ends(one) for one in links]
    left = np.concatenate([k * count + one[0] for k, one in enumerate(ends)])
    right = np.concatenate([k * count + one[1] for k, one in enumerate(ends)])
    weight = np.concatenate([one[2] for one in ends])
    flat = radius.reshape(-1)
    wanted = (radius[:, :, None] + radius[:, None, :]) * 1.6
    squared = wanted * wanted
    mean = np.array([float(one.sum()) / count for one in radius])[:, None]
    soft = (mean * mean * 1e-4)[:, :, None]
    length = (flat[left] + flat[right]) * 1.6
    heat = mean * 4.0
    shape, size_ = (graphs, count), graphs * count
    for step in range(steps):
        dx, dy = x[:, :, None] - x[:, None, :], y[:, :, None] - y[:, None, :]
        distance = dx * dx + dy * dy + soft
        strength = squared / distance
        # The matrix is antisymmetric; summing over its first axis adds row after row, an order that nothing changes.
        fx, fy = -(dx * strength).sum(axis=1), -(dy * strength).sum(axis=1)
        xs, ys = x.reshape(-1), y.reshape(-1)
        ex, ey = xs[left] - xs[right], ys[left] - ys[right]
        spring = weight * np.sqrt(ex * ex + ey * ey) / length
        ex, ey = ex * spring, ey * spring
        fx += (np.bincount(right, ex, size_) - np.bincount(left, ex, size_)).reshape(shape)
        fy += (np.bincount(right, ey, size_) - np.bincount(left, ey, size_)).reshape(shape)
        fx -= x * gravity * math.sqrt(count)
        fy -= y * gravity * math.sqrt(count)
        if pull is not None:
            fx, fy = fx + pull[:, :, 0], fy + pull[:, :, 1]
        limit = heat * (1.0 - step / steps) + mean * 0.02
        size = np.sqrt(fx * fx + fy * fy) + 1e-9
        scale = np.minimum(size, limit) / size
        x, y = x + fx * scale, y + fy * scale
    return np.stack([x, y], axis=2)


def separate(points: Array, half_width: Array, half_height: Array, *, steps: int = 120) -> Array:
    """Return ``points`` moved as little as it takes that their boxes do not overlap, as far as ``steps`` allow.

    Pairs that overlap are pushed apart along the axis on which less is needed.
    """
    x, y = points[:, 0].copy(), points[:, 1].copy()
    count = len(points)
    order = np.arange(count)
    side = np.where(order[:, None] >= order[None, :], 1.0, -1.0)
    need_x, need_y = half_width[:, None] + half_width[None, :], half_height[:, None] + half_height[None, :]
    for _ in range(steps):
        dx, dy = x[:, None] - x[None, :], y[:, None] - y[None, :]
        over_x, over_y = need_x - np.abs(dx), need_y - np.abs(dy)
        both = (over_x > 0) & (over_y > 0)
        both[order, order] = False
        if not both.any():
            break
        sideways = both & (over_x * 0.6 < over_y)
        upright = both & ~sideways
        push_x = np.where(sideways, over_x * np.where(dx == 0, side, np.sign(dx)), 0.0)
        push_y = np.where(upright, over_y * np.where(dy == 0, side, np.sign(dy)), 0.0)
        x = x - 0.3 * push_x.sum(axis=0)
        y = y - 0.3 * push_y.sum(axis=0)
    return np.stack([x, y], axis=1)


def compact(points: Array, radius: Array, *, density: float = 0.45, steps: int = 60) -> Array:
    """Return ``points`` drawn together until their discs take ``density`` of the area, then freed from overlaps.

    Args:
        points: one row a node.
        radius: of the disc of each node.
        density: share of the area that the discs take.
        steps: rounds of pushing overlapping pairs apart; time is ``steps * n * n`` at most.
    """
    if len(points) < 2:
        return points - points
    drawn: Array = _compact_many(points[None], radius[None], density, steps)[0]
    return drawn


def _compact_many(points: Array, radius: Array, density: float = 0.45, steps: int = 60) -> Array:
    """Do as :func:`compact` for many sets of equally many nodes at once, the first axis of all arrays."""
    count = radius.shape[1]
    x, y = points[:, :, 0], points[:, :, 1]
    x, y = x - _total(x) / count, y - _total(y) / count
    # A disc of radius R filled evenly has a mean squared distance of R * R / 2 from its centre.
    wanted = _total(radius * radius) / density / 2.0
    scale = np.sqrt(wanted / (_total(x * x + y * y) / count + 1e-9))
    x, y = x * scale, y * scale
    # A few far nodes would make the whole picture small: what lies beyond the rim is kept in a belt around it.
    far = np.maximum(np.sqrt(x * x + y * y) / np.sqrt(2.0 * wanted), 1.0)
    nearer = (1.35 - 0.35 / far) / far
    x, y = x * nearer, y * nearer
    apart = radius[:, :, None] + radius[:, None, :]
    order = np.arange(count)
    apart[:, order, order] = 0.0
    side = np.where(order[:, None] > order[None, :], 1e-3, -1e-3)
    for _ in range(steps):
        dx, dy = x[:, :, None] - x[:, None, :] + side, y[:, :, None] - y[:, None, :]
        distance = np.sqrt(dx * dx + dy * dy) + 1e-9
        # One that has no overlaps left stays as it is while others go on.
        share = np.maximum(apart / distance - 1.0, 0.0) * 0.35
        if not share.any():
            break
        x, y = x - (dx * share).sum(axis=1), y - (dy * share).sum(axis=1)
    return np.stack([x, y], axis=2)


def _total(values: Array) -> Array:
    """Return the sum of each row as a column, added from left to right whatever the number of rows."""
    return np.cumsum(values, axis=1)[:, -1:]


def dense_groups(count: int, links: Links) -> list[list[int]]:
    """Return groups of densely joined nodes, each sorted, the largest first.

    Modularity (Blondel et al. 2008, "Louvain") up to :data:`LOUVAIN_LIMIT` nodes, label propagation above.
    """
    # Nodes are integers on purpose: sets of them are walked in the same order in every process.
    graph = _graph(count, links)
    found: Iterable[set[int]]
    if count <= LOUVAIN_LIMIT:
        found = nx.community.louvain_communities(graph, seed=7)
    else:
        found = nx.community.fast_label_propagation_communities(graph, seed=7)
    return _ordered(found)


def _graph(count: int, links: Links) -> Any:
    graph: Any = nx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_weighted_edges_from((left, right, links[left, right]) for left, right in sorted(links))
    return graph


def _components(count: int, links: Iterable[tuple[int, int]]) -> Iterable[set[int]]:
    """Return the sets of nodes that links join, without making a graph of them."""
    found: Any = UnionFind(range(count))
    for left, right in links:
        found.union(left, right)
    sets: Iterable[set[int]] = found.to_sets()
    return sets


def _ordered(groups: Iterable[set[int]]) -> list[list[int]]:
    return sorted((sorted(group) for group in groups), key=lambda group: (-len(group), group[0]))


def _reach(points: Array, radius: Array) -> float:
    """Return the radius of the disc around the origin that holds all nodes."""
    return float((np.sqrt((points * points).sum(axis=1)) + radius).max())


def _inside(groups: list[list[int]], links: Links, count: int) -> tuple[NDArray[np.int64], list[Links]]:
    """Return the group of every node, and the links within each group by position in that group."""
    home, local = [0] * count, [0] * count
    for index, group in enumerate(groups):
        for place_, node in enumerate(group):
            home[node], local[node] = index, place_
    inside: list[Links] = [{} for _ in groups]
    for left, right in sorted(links):
        if home[left] == home[right]:
            inside[home[left]][local[left], local[right]] = links[left, right]
    return np.array(home, dtype=np.int64), inside


def _fill(links: Links, radius: Array, pull: Array) -> Array:
    """Place connected nodes around the origin: by force when they are few, else by their communities."""
    count = len(radius)
    spacing = 2.0 * float(radius.sum()) / count
    if count <= DIRECT_LIMIT:
        return compact(force(spiral(count, spacing), links, radius, steps=_steps(count), pull=pull), radius)
    groups = dense_groups(count, links)
    if not 2 <= len(groups) <= count // 2:
        return _by_degree(links, radius)
    home, inside = _inside(groups, links, count)
    outer: Links = {}
    homes = home.tolist()
    across = [pair for pair in sorted(links) if homes[pair[0]] != homes[pair[1]]]
    for one in across:
        low, high = sorted((homes[one[0]], homes[one[1]]))
        outer[low, high] = outer.get((low, high), 0.0) + links[one]
    disc = np.array([1.5 * math.sqrt(float((radius[group] ** 2).sum())) for group in groups])
    # Sums of many links would draw all discs to one place; the root keeps their order and tames them.
    tamed = {pair: math.sqrt(weight) for pair, weight in outer.items()}
    centres = _fill(tamed, disc, np.zeros((len(groups), 2)))
    pulls = pull.copy()
    left, right = np.array(across, dtype=np.int64).reshape(-1, 2).T
    way = centres[home[right]] - centres[home[left]]
    way = way / (np.sqrt(way[:, :1] * way[:, :1] + way[:, 1:] * way[:, 1:]) + 1e-9)
    for axis in (0, 1):
        pulls[:, axis] += np.bincount(left, way[:, axis] * radius[left], count)
        pulls[:, axis] -= np.bincount(right, way[:, axis] * radius[right], count)
    points = np.zeros((count, 2))
    filled = _fill_all(inside, [radius[group] for group in groups], [pulls[group] for group in groups])
    for index, (group, placed) in enumerate(zip(groups, filled, strict=True)):
        placed = placed - placed.sum(axis=0) / len(group)
        points[group] = centres[index] + placed * min(1.0, float(disc[index]) / _reach(placed, radius[group]))
    return points


def _steps(count: int) -> int:
    return min(160, 40 + 2 * count)


def _fill_all(links: Sequence[Links], radius: Sequence[Array], pull: Sequence[Array]) -> list[Array]:
    """Do as :func:`_fill` for many sets of nodes; small ones of one size go together."""
    out: dict[int, Array] = {}
    alike: dict[int, list[int]] = {}
    for index, own in enumerate(radius):
        alike.setdefault(len(own), []).append(index)
    for count, members in alike.items():
        if not 2 <= count <= TOGETHER_LIMIT:
            out |= {index: _fill(links[index], radius[index], pull[index]) for index in members}
            continue
        room = max(1, TOGETHER_CELLS // count**2)
        for first in range(0, len(members), room):
            some = members[first : first + room]
            start = np.stack([spiral(count, 2.0 * float(radius[index].sum()) / count) for index in some])
            radii = np.stack([radius[index] for index in some])
            pulls = np.stack([pull[index] for index in some])
            placed = _force_many(start, [links[index] for index in some], radii, _steps(count), GRAVITY, pulls)
            out |= zip(some, _compact_many(placed, radii), strict=True)
    return [out[index] for index in range(len(radius))]


def _by_degree(links: Links, radius: Array) -> Array:
    """Place nodes that do not fall apart into communities on a spiral, the best joined in its centre."""
    degree = np.zeros(len(radius))
    for (left, right), weight in sorted(links.items()):
        degree[left] += weight
        degree[right] += weight
    points = np.zeros((len(radius), 2))
    spacing = 2.0 * float(radius.sum()) / len(radius)
    points[np.lexsort((np.arange(len(radius)), -degree))] = spiral(len(radius), spacing)
    return points


def _rings(discs: list[float], gap: float) -> Array:
    """Return centres for discs of falling size: the first in the middle, the others in rings around it."""
    centres = np.zeros((len(discs), 2))
    inner, index = discs[0], 1
    while index < len(discs):
        widest = discs[index]
        middle = inner + gap + widest
        row, angle = [index], 0.0
        while index + 1 < len(discs):
            step = (discs[index] + discs[index + 1] + gap) / middle
            if angle + step + (discs[row[0]] + discs[index + 1] + gap) / middle > 2 * math.pi:
                break
            angle += step
            index += 1
            row.append(index)
        slack = (2 * math.pi - angle - (discs[row[0]] + discs[row[-1]] + gap) / middle) / len(row)
        turn = 0.0
        for place_, disc in enumerate(row):
            if place_:
                turn += (discs[row[place_ - 1]] + discs[disc] + gap) / middle + max(slack, 0.0)
            centres[disc] = round(middle * math.cos(turn), 6), round(middle * math.sin(turn), 6)
        inner, index = middle + widest, index + 1
    return centres


def place(count: int, links: Links, sizes: Sequence[float], *, gap: float = 9.0) -> Array:
    """Return positions for ``count`` nodes joined by ``links``; ``sizes`` are their radii, in the unit of the result.

    Time is bounded by all pairs within sets of at most :data:`DIRECT_LIMIT` nodes and linear beyond.

    >>> place(2, {(0, 1): 1.0}, [5.0, 5.0]).shape
    (2, 2)
    """
    if count == 0:
        return np.zeros((0, 2))
    radius = np.array([size + gap for size in sizes], dtype=np.float64)
    parts = _ordered(_components(count, links))
    _, inside = _inside(parts, links, count)
    placed = _fill_all(inside, [radius[part] for part in parts], [np.zeros((len(part), 2)) for part in parts])
    reach = [_reach(points, radius[part]) for points, part in zip(placed, parts, strict=True)]
    order = sorted(range(len(parts)), key=lambda index: (-reach[index], index))
    centres = _rings([reach[index] for index in order], gap)
    result = np.zeros((count, 2))
    for centre, index in zip(centres, order, strict=True):
        result[parts[index]] = centre + placed[index]
    return result
