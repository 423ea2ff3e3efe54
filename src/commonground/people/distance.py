"""Edit distance on code points: engines' own count bytes, which is wrong for Chinese."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
WIDTH = 32
"""Code points that are compared."""


def code_points(texts: list[str]) -> tuple[npt.NDArray[np.int32], Ints]:
    """Code points of texts as (texts, WIDTH), 0 beyond the end, and their lengths."""
    grid = np.zeros((max(1, len(texts)), WIDTH), dtype=np.int32)
    for i, text in enumerate(texts):
        points = [ord(c) for c in text[:WIDTH]]
        grid[i, : len(points)] = points
    return grid, np.array([min(len(t), WIDTH) for t in texts] or [0], dtype=np.int64)


@cache
def _kernel() -> Callable[..., Any]:
    import numba

    def distances(grid: Any, length: Any, a: Any, b: Any, out: Any) -> None:
        before, last, now = np.zeros(WIDTH + 1, np.int64), np.zeros(WIDTH + 1, np.int64), np.zeros(WIDTH + 1, np.int64)
        for k in range(len(a)):
            x, y, n, m = grid[a[k]], grid[b[k]], length[a[k]], length[b[k]]
            for j in range(m + 1):
                last[j] = j
            for i in range(1, n + 1):
                now[0] = i
                for j in range(1, m + 1):
                    best = last[j - 1] + (0 if x[i - 1] == y[j - 1] else 1)
                    best = min(best, last[j] + 1, now[j - 1] + 1)
                    if i > 1 and j > 1 and x[i - 1] == y[j - 2] and x[i - 2] == y[j - 1]:
                        best = min(best, before[j - 2] + 1)
                    now[j] = best
                for j in range(m + 1):
                    before[j], last[j] = last[j], now[j]
            out[k] = last[m]

    compiled: Callable[..., Any] = numba.njit(cache=True)(distances)
    return compiled


def edit_distance(grid: npt.NDArray[np.int32], length: Ints, a: Ints, b: Ints) -> Ints:
    """Optimal string alignment distance (insert, delete, replace, swap neighbours) of texts ``a`` and ``b``.

    Parameters
    ----------
    grid, length
        From ``code_points``.
    a, b : int arrays
        Places of the texts of each pair.
    """
    out = np.zeros(len(a), dtype=np.int64)
    _kernel()(grid, length, a.astype(np.int64), b.astype(np.int64), out)
    return out
