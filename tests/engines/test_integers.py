"""Whole numbers, lists, ranks and unknown values: what linking asks of an engine, beside plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from commonground.engine import Engine

from .conftest import Tally

NUMBERS = [None, 0, 1, -1, 7, 255, 65_536, 2**31, -(2**31), 2**40 + 12345, 2**62 - 1, -(2**62), 2**63 - 1]
TEXTS = [None, "", "a", "ab", "ba", "abc", "kitten", "sitting", "qy", "yq", "0123456789ABCDEF"]
LISTS = [None, [], [1], [1, 2], [2, 2, 3], [9, 8, 7, 6], [-5, 2**40], [1, 1]]
ONES = 0x1111111111111111
Value = Any


def table(seed: int = 5) -> list[dict[str, Value]]:
    """Every pair of awkward values, and random ones."""
    rng = np.random.default_rng(seed)
    pairs = [(a, b) for a in NUMBERS for b in NUMBERS]
    pairs += [(int(a), int(b)) for a, b in rng.integers(-(2**62), 2**62, (200, 2))]
    texts = [(s, t) for s in TEXTS for t in TEXTS]
    lists = [(x, y) for x in LISTS for y in LISTS]
    out = []
    for i, (a, b) in enumerate(pairs):
        (s, t), (x, y) = texts[i % len(texts)], lists[i % len(lists)]
        weight = None if i % 7 == 0 else float(rng.normal(0, 10))
        out.append({"id": i, "a": a, "b": b, "s": s, "t": t, "x": x, "y": y, "w": weight, "g": i % 17})
    return out


def arrow(rows: list[dict[str, Value]]) -> Any:
    import pyarrow as pa

    kinds = {"s": pa.string(), "t": pa.string(), "w": pa.float64()}
    lists = {"x": pa.list_(pa.int64()), "y": pa.list_(pa.int64())}
    kinds |= lists
    return pa.table({n: pa.array([r[n] for r in rows], kinds.get(n, pa.int64())) for n in rows[0]})


def known(function: Callable[..., Value]) -> Callable[..., Value]:
    """Unknown where any argument is."""
    return lambda *given: None if any(v is None for v in given) else function(*given)


def bits(value: int) -> int:
    return (value & (2**64 - 1)).bit_count()


def distance(left: str, right: str) -> int:
    last = list(range(len(right) + 1))
    for i, x in enumerate(left, 1):
        now = [i]
        for j, y in enumerate(right, 1):
            now.append(min(last[j] + 1, now[-1] + 1, last[j - 1] + (x != y)))
        last = now
    return last[-1]


def toward_zero(left: int, right: int) -> int | None:
    if right == 0:
        return None
    found = abs(left) // abs(right)
    return found if (left < 0) == (right < 0) else -found


def rest(left: int, right: int) -> int | None:
    return None if right == 0 else left - right * (toward_zero(left, right) or 0)


def nibbles(left: int, right: int) -> int:
    """Hexadecimal digits in which two numbers differ."""
    x = (left ^ right) & (2**64 - 1)
    return sum((x >> (4 * k)) & 15 != 0 for k in range(16))


def expressions(engine: Engine) -> list[tuple[str, Callable[[dict[str, Value]], Value]]]:
    """SQL of one value a row, and the same in Python."""
    d = engine.dialect
    low_a, low_b = f"(a & {d.whole(2**40 - 1)})", f"(b & {d.whole(2**40 - 1)})"

    def low(value: int) -> int:
        return value & (2**40 - 1)

    folded = " | ".join(f"(z >> {k})" for k in range(4)).replace("z", f"({d.xor(low_a, low_b)})")
    two = known(lambda a, b: a ^ b)
    digits = known(lambda a, b: nibbles(low(a), low(b)))
    return [
        (d.xor("a", "b"), lambda r: two(r["a"], r["b"])),
        (d.bit_count("a"), lambda r: known(bits)(r["a"])),
        (d.bit_count(d.xor("a", "b")), lambda r: known(lambda a, b: bits(a ^ b))(r["a"], r["b"])),
        (d.bit_count("CAST(g - 9 AS INTEGER)"), lambda r: bits(r["g"] - 9)),
        ("a & b", lambda r: known(lambda a, b: a & b)(r["a"], r["b"])),
        ("a | b", lambda r: known(lambda a, b: a | b)(r["a"], r["b"])),
        ("a >> 4", lambda r: known(lambda a: a >> 4)(r["a"])),
        ("a >> 62", lambda r: known(lambda a: a >> 62)(r["a"])),
        (f"{low_a} << 20", lambda r: known(lambda a: low(a) << 20)(r["a"])),
        (d.integer_divide("a", "b"), lambda r: known(toward_zero)(r["a"], r["b"])),
        (d.remainder("a", "b"), lambda r: known(rest)(r["a"], r["b"])),
        (d.bit_count(f"({folded}) & {d.whole(ONES)}"), lambda r: digits(r["a"], r["b"])),
        (d.edit_distance("s", "t"), lambda r: known(distance)(r["s"], r["t"])),
        (d.overlaps("x", "y"), lambda r: known(lambda x, y: bool(set(x) & set(y)))(r["x"], r["y"])),
        (d.shared("x", "y"), lambda r: known(lambda x, y: len(set(x) & set(y)))(r["x"], r["y"])),
        ("a = b AND g > 8", lambda r: three_valued(r)),
        ("coalesce(a = b, FALSE)", lambda r: r["a"] is not None and r["a"] == r["b"]),
        ("a IS DISTINCT FROM b", lambda r: r["a"] != r["b"]),
        ("CASE WHEN a = b THEN 3 WHEN a > b THEN 2 WHEN a IS NULL THEN 0 ELSE 1 END", levels),
        ("greatest(a, b)", lambda r: max((v for v in (r["a"], r["b"]) if v is not None), default=None)),
    ]  # fmt: skip


def three_valued(row: dict[str, Value]) -> bool | None:
    same = known(lambda a, b: a == b)(row["a"], row["b"])
    more = row["g"] > 8
    return False if same is False or not more else same


def levels(row: dict[str, Value]) -> int:
    a, b = row["a"], row["b"]
    if a is not None and b is not None:
        return 3 if a == b else 2 if a > b else 1
    return 0 if a is None else 1


def check(engine: Engine, tally: Tally) -> None:
    """Values of a row, exactly."""
    rows = table()
    engine.add_table("whole", arrow(rows))
    asked = expressions(engine)
    columns = ", ".join(f"{sql} AS r{i}" for i, (sql, _) in enumerate(asked))
    got = {r[0]: r[1:] for r in engine.rows(f"SELECT id, {columns} FROM whole")}
    assert len(got) == len(rows)
    for row in rows:
        for (sql, function), value in zip(asked, got[row["id"]], strict=True):
            tally.same(f"{engine.name} {sql} {row}", value, function(row))
    tables(engine, rows, tally)
    assert not tally.failures, "\n".join(tally.failures[:8])
    assert tally.attempted > 4_000


def tables(engine: Engine, rows: list[dict[str, Value]], tally: Tally) -> None:
    """Joins, ranks, sums: the same rows, whatever their order."""
    d = engine.dialect
    best = sorted(rows, key=lambda r: (r["g"], r["w"] is None, -(r["w"] or 0.0), r["id"]))
    first = {r["g"]: r["id"] for r in reversed(best)}
    ranked = "row_number() OVER (PARTITION BY g ORDER BY w DESC NULLS LAST, id)"
    tally.same(
        "first of each group",
        engine.rows(f"SELECT g, id FROM whole QUALIFY {ranked} = 1 ORDER BY g"),
        sorted(first.items()),
    )
    same = sorted(
        (p["id"], q["id"]) for p in rows for q in rows if p["id"] < q["id"] and p["a"] is not None and p["a"] == q["a"]
    )
    found = engine.rows("SELECT l.id, r.id FROM whole AS l JOIN whole AS r ON l.a = r.a AND l.id < r.id ORDER BY 1, 2")
    tally.same("unknown equals nothing in a join", found, same)
    counts = engine.rows("SELECT g, count(*) AS n, count(w) AS k FROM whole GROUP BY g HAVING count(*) > 1 ORDER BY g")
    of = {g: [r for r in rows if r["g"] == g] for g in {r["g"] for r in rows}}
    tally.same("counts", counts, [(g, len(m), sum(r["w"] is not None for r in m)) for g, m in sorted(of.items())])
    apart = engine.rows(
        "SELECT id FROM whole ANTI JOIN (SELECT id FROM whole WHERE g < 16) AS x USING (id) ORDER BY id"
    )
    tally.same("rows without a partner", apart, [(r["id"],) for r in rows if r["g"] == 16])
    unique = engine.rows(f"SELECT DISTINCT v FROM (SELECT {d.each('x')} AS v FROM whole) AS q ORDER BY v")
    tally.same("numbers of lists", unique, [(v,) for v in sorted({v for r in rows for v in r["x"] or ()})])
    sums = engine.rows(
        f"SELECT id, {d.number(0.1)} + w + {d.number(1e-17)} * g + w * {d.number(0.3)} AS v FROM whole ORDER BY id"
    )
    for row, (_, value) in zip(rows, sums, strict=True):  # in the order in which they are written, to the last bit
        wanted = None if row["w"] is None else 0.1 + row["w"] + 1e-17 * row["g"] + row["w"] * 0.3
        assert value == wanted
        tally.same("a sum of DOUBLE", value, wanted)
    total = engine.rows(f"SELECT g, sum({d.wide_integer('a')}) AS v FROM whole GROUP BY g ORDER BY g")
    tally.same(
        "exact sums",
        [(g, None if v is None else int(v)) for g, v in total],
        [(g, sum(r["a"] for r in m if r["a"] is not None)) for g, m in sorted(of.items())],
    )


def test_duckdb_counts_like_python(duck: Engine, tally: Tally) -> None:
    check(duck, tally)


@pytest.mark.spark
@pytest.mark.xdist_group("spark")
def test_spark_counts_like_python(spark: Engine, tally: Tally) -> None:
    check(spark, tally)
