"""Every check type against a plain Python twin that goes row by row through the same records."""

from __future__ import annotations

import datetime as dt
import math
import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from commonground import intake
from commonground.intake.checks import count_checks, load_rules
from commonground.intake.checks.model import Check, Count, Counted, value_columns
from commonground.intake.model import IntakeResult
from commonground.intake.pack import load_pack
from quality_kit import make_town

Row = dict[str, Any]
Pair = tuple[int, int]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> tuple[IntakeResult, dict[str, Counted]]:
    city = make_town(tmp_path_factory.mktemp("quality")).city()
    result = intake.run(city)
    return result, {one.contract.name: one for one in count_checks(result, city)}


def _rows(result: IntakeResult) -> list[Row]:
    return [r for r in result.tables["edu.pupils"].to_pylist() if r["status"] == "record"]


def _years(first: dt.date, second: dt.date) -> int:
    """Whole years, negative when the second is earlier."""
    if second < first:
        return -_years(second, first)
    return second.year - first.year - ((second.month, second.day) < (first.month, first.day))


def _share(rows: Iterable[Row], applies: Callable[[Row], bool], bad: Callable[[Row], bool]) -> Pair:
    inside = [r for r in rows if applies(r)]
    return sum(bad(r) for r in inside), len(inside)


def _outside(value: float, low: float | None, high: float | None) -> bool:
    return (low is not None and value < low) or (high is not None and value > high)


def _delivered(r: Row) -> dt.date:
    return max(r["as_of"], dt.date.fromisoformat(r["delivery"][:10]))


def _rowwise(c: Check, rows: list[Row], refs: set[str]) -> Pair:
    p, cols = c.params, c.columns
    a = cols[0]
    b = cols[1] if len(cols) > 1 else ""
    known = lambda r: all(r[x] is not None for x in cols)  # noqa: E731
    odd = re.compile("[\ue000-\uf8ff\ufffd\x00-\x08\x0b-\x1f\x7f]|锟斤拷|烫烫|屯屯|\\?{3,}")
    when = p.get("when")

    def scope(r: Row) -> bool:
        return not when or (r[when["column"]] is not None and when["from"] <= r[when["column"]] <= when["to"])

    def by_age(r: Row) -> bool:
        age = _years(r["birth"], r[cols[3]] if len(cols) > 3 else r["as_of"]) - p["from_age"]
        word = "male" if r["sex"] == "1" else "female"
        return _outside(r[a], p[f"{word}_low"][age], p[f"{word}_high"][age])

    def in_table(r: Row) -> bool:
        if not known(r) or r["sex"] not in "12":
            return False
        age = _years(r["birth"], r[cols[3]] if len(cols) > 3 else r["as_of"])
        return p["from_age"] <= age < p["from_age"] + len(p["male_low"])

    def grade_gap(r: Row) -> int:
        start = r["as_of"].year - (0 if r["as_of"].month >= 8 else 1)
        return _years(r["birth"], dt.date(start, 9, 1)) - r[b] - 5

    def born(r: Row) -> dt.date:
        return dt.datetime.strptime(r[b][6:14], "%Y%m%d").date()

    def heap(r: Row) -> bool:
        if p["at"] == "last digit":
            return round(r[a]) % 10 in p["digits"]
        if p["at"] == "1 January":
            return (r[a].month, r[a].day) == (1, 1)
        return bool(r[a] >= p["mark"])

    def heap_scope(r: Row) -> bool:
        if r[a] is None:
            return False
        return p["at"] != "pass mark" or p["mark"] - p["width"] <= r[a] < p["mark"] + p["width"]

    twins: dict[str, tuple[Callable[[Row], bool], Callable[[Row], bool]]] = {
        "not_null": (scope, lambda r: r[a] is None and not r.get(f"{a}_absent")),
        "form": (known, lambda r: not _form(p["pattern"], r[a])),
        "characters": (known, lambda r: bool(odd.search(r[a]))),
        "plausible_range": (lambda r: known(r) and scope(r), lambda r: _outside(r[a], p.get("low"), p.get("high"))),
        "range_by_age_sex": (in_table, by_age),
        "id_agrees": (
            known,
            lambda r: (
                ("1" if int(r[a][16]) % 2 else "2") != r[b] if p["field"] == "sex" else r[a][6:14] != f"{r[b]:%Y%m%d}"
            ),
        ),
        "day_month_swapped": (known, lambda r: r[a][6:14] == f"{r[b]:%Y%d%m}" and r[b].day != r[b].month),
        "numbers_agree": (lambda r: known(r) and r[a][0] == "G" and len(r[a]) == 19, lambda r: r[a][1:] != r[b]),
        "in_order": (known, lambda r: r[a] > r[b]),
        "years_between": (known, lambda r: _outside(_years(r[a], r[b]), p.get("low"), p.get("high"))),
        "not_future": (known, lambda r: r[a] > _delivered(r)),
        "not_before": (known, lambda r: r[a] < dt.date.fromisoformat(p["earliest"])),
        "age_grade": (known, lambda r: _outside(grade_gap(r), p["low"], p["high"])),
        "not_above": (known, lambda r: r[a] >= r[b] if p.get("strict") else r[a] > r[b]),
        "sum_of_parts": (known, lambda r: abs(r[a] - sum(r[x] for x in cols[1:])) > p["tolerance"]),
        "quotient": (
            lambda r: known(r) and r[cols[2]] > 0,
            lambda r: abs(r[a] - r[b] / r[cols[2]]) > p["tolerance"] + 1e-9,
        ),
        "heaping": (heap_scope, heap),
        "area_known": (known, lambda r: r[a] not in ("529901", "529902", "529909", "110101", "520502")),
        "parent_age": (
            lambda r: known(r) and (len(cols) < 3 or r[cols[2]] in p["relations"]),
            lambda r: _outside(_years(born(r), r[a]), p["low"], p["high"]) or born(r) > r[a],
        ),
        "foreign_key": (known, lambda r: r[a] not in refs),
        "code_share": (known, lambda r: r[a] in p["values"]),
    }
    return _share(rows, *twins[c.type.name])


def _form(pattern: str, text: str) -> bool:
    if "Han" in pattern:
        return re.fullmatch(r"[\u3400-\u9fff·•．.A-Za-z ]{2,30}", text) is not None
    return re.fullmatch(pattern, text) is not None


def _filled(rows: list[Row], c: Check, bad_values: Counter[tuple[str, str, str]], place: tuple[str, str]) -> Pair:
    written = sum(r[c.columns[0]] is not None for r in rows)
    rejected = {reason: n for (*at, reason), n in bad_values.items() if tuple(at) == (*place, c.columns[0])}
    return sum(n for r, n in rejected.items() if r in c.params["reasons"]), written + sum(rejected.values())


def _unique(rows: list[Row], c: Check, columns: list[str]) -> Pair:
    used = c.columns or tuple(x for x in columns if x != "seq")
    keys = [tuple(r[x] for x in used) for r in rows if not c.columns or all(r[x] is not None for x in used)]
    return len(keys) - len(set(keys)), len(keys)


def _siblings(rows: list[Row], c: Check) -> Pair:
    births = defaultdict(list)
    for r in rows:
        if all(r[x] is not None for x in c.columns[:2]) and (
            len(c.columns) < 3 or r[c.columns[2]] in c.params["relations"]
        ):
            births[r[c.columns[0]]].append(r[c.columns[1]])
    bad = n = 0
    for days in births.values():
        days.sort()
        for i, day in enumerate(days):
            gaps = [(day - days[i - 1]).days] if i else []
            gaps += [(days[i + 1] - day).days] if i + 1 < len(days) else []
            n += bool(gaps)
            bad += any(c.params["from_days"] <= g <= c.params["to_days"] for g in gaps)
    return bad, n


def _changed(before: list[Row], now: list[Row], c: Check) -> Pair:
    key, value = c.columns

    def once(rows: list[Row]) -> dict[str, Row]:
        there = [r for r in rows if r[key] is not None and r[value] is not None]
        seen = Counter(r[key] for r in there)
        return {r[key]: r for r in there if seen[r[key]] == 1}

    a, b = once(before), once(now)
    bad = 0
    for k in a.keys() & b.keys():
        low, high = c.params.get("low"), c.params.get("high")
        if low is None and high is None:
            bad += a[k][value] != b[k][value]
        else:
            years = max((b[k]["as_of"] - a[k]["as_of"]).days / 365.25, 0) if c.params.get("per_year") else 1
            bad += _outside(b[k][value] - a[k][value], low, high * years)
    return bad, len(a.keys() & b.keys())


def _psi(before: list[Any], now: list[Any], numeric: bool) -> tuple[int, int, float]:
    if numeric:
        ordered, edges = sorted(before), []
        for i in range(1, 10):  # the smallest value that reaches each tenth
            edges.append(ordered[math.ceil(len(ordered) * i / 10 - 1e-9) - 1])
        edges = [e for e in sorted(set(edges)) if e < ordered[-1]]
        cut = lambda v: sum(v > e for e in edges)  # noqa: E731
        before, now = [cut(v) for v in before], [cut(v) for v in now]
    x, y = Counter(before), Counter(now)
    n, m = len(before), len(now)
    moved = sum(abs(y[k] / m - x[k] / n) for k in x | y) / 2
    index = sum(
        ((y[k] or 0.5) / m - (x[k] or 0.5) / n) * math.log(((y[k] or 0.5) / m) / ((x[k] or 0.5) / n)) for k in x | y
    )
    return round(moved * m), m, index


def _units(rows: list[Row], c: Check) -> Pair:
    value, by, *alike = c.columns
    groups: dict[tuple[Any, Any], list[float]] = defaultdict(list)
    for r in rows:
        if r[value] is not None and r[by] is not None:
            groups[r[by], r[alike[0]] if alike else 0].append(r[value])
    groups = {k: v for k, v in groups.items() if len(v) >= c.params.get("rows", 10)}
    factors = {"weight": (2.0, 1000.0), "height": (0.01, 10.0)}[value]
    bad = n = 0
    for (_, kind), values in groups.items():
        alike_groups = [statistics.median(v) for (_, k), v in groups.items() if k == kind]
        if len(alike_groups) >= 3:
            n += len(values)
            ratio = statistics.median(values) / statistics.median(alike_groups)
            bad += len(values) if any(abs(ratio / f - 1) < 0.15 for f in factors) else 0
    return bad, n


def _compare(c: Check, count: Any, expected: Pair) -> None:
    assert (count.numerator, count.denominator) == expected, (c.id, count.delivery, count.file)


def test_row_by_row_types(counted: tuple[IntakeResult, dict[str, Counted]]) -> None:
    result, by_name = counted
    rows = _rows(result)
    census = {r["school_code"] for r in result.tables["edu.census"].to_pylist()}
    rejected: Counter[tuple[str, str]] = Counter()
    for q in result.quarantine.to_pylist():
        rejected[(q["delivery"], q["file"], q["concept"])] += q["concept"] != ""  # type: ignore[index]
    seen, met = set(), set()
    for count in by_name["edu.pupils"].counts:
        c = count.check
        if c.type.name not in _TWINS:
            continue
        here = [r for r in rows if (r["delivery"], r["file"]) == (count.delivery, count.file)]
        n, d = _rowwise(c, here, census)
        if c.type.name == "not_null":
            n -= rejected[(count.delivery, count.file, c.columns[0])]  # type: ignore[index]
        _compare(c, count, (n, d))
        seen.add(c.type.name)
        met |= {c.type.name} if n else set()
    assert seen == _TWINS
    assert met == _TWINS, "a type that never found anything was not tried"


_TWINS = {
    "not_null", "form", "characters", "plausible_range", "range_by_age_sex", "id_agrees", "day_month_swapped",
    "numbers_agree", "in_order", "years_between", "not_future", "not_before", "age_grade", "not_above", "sum_of_parts",
    "quotient", "heaping", "area_known", "parent_age", "foreign_key", "code_share",
}  # fmt: skip


def test_types_of_quarantine_and_whole_columns(counted: tuple[IntakeResult, dict[str, Counted]]) -> None:
    result, by_name = counted
    rows = _rows(result)
    read = {(r["delivery"], r["file"]) for r in result.conservation.to_pylist() if r["status"] == "read"}
    bad = Counter((q["delivery"], q["file"], q["concept"], q["reason"]) for q in result.quarantine.to_pylist())
    met: Counter[str] = Counter()
    for count in by_name["edu.pupils"].counts:
        c, place = count.check, (count.delivery, count.file)
        here = [r for r in rows if (r["delivery"], r["file"]) == place]
        if c.type.name == "value":
            _compare(c, count, _filled(here, c, bad, place))
        elif c.type.name == "same_value":
            values = [r[c.columns[0]] for r in here if r[c.columns[0]] is not None]
            same = len(set(values)) == 1 and len(values) >= c.params.get("rows", 20)
            if load_pack().concepts[c.columns[0]].type in ("code", "boolean"):
                rest = [r[c.columns[0]] for r in rows if (r["delivery"], r["file"]) != place]
                rest = [v for v in rest if v is not None]
                share = rest.count(values[0]) / len(rest) if same and rest else 0
                same = same and (share == 1 or share ** len(values) < 0.001)
            _compare(c, count, (len(values) if same else 0, len(values)))
        elif c.type.name == "required":
            wanted = c.params["concepts"]
            _compare(c, count, (sum(all(r.get(x) is None for r in here) for x in wanted), len(wanted)))
        elif c.type.name == "repeated_delivery":
            whole = [r for r in result.tables["edu.pupils"].to_pylist() if r["delivery"] == count.delivery]
            _compare(c, count, (sum(r["status"] == "repeated" for r in whole), len(whole)))
        elif c.type.name == "rows_set_aside":
            assert place in read
            _compare(c, count, (bad[(*place, "", "too_few_cells")], len(here)))
        elif c.type.name == "timeliness":
            assert count.statistic == (70 if count.delivery.startswith("2024") else 0)
        met[c.type.name] += bool(count.numerator)
    assert all(met[name] for name in ("value", "same_value", "required", "repeated_delivery", "timeliness"))


def _filled_groups(here: list[Row], c: Check) -> Pair:
    value, by = c.columns
    groups = Counter(r[by] for r in here if r[by] is not None)
    large = [g for g, n in groups.items() if n >= c.params.get("rows", 10)]
    return sum(all(r[value] is None for r in here if r[by] == g) for g in large), len(large)


def _gone(before: list[Row], here: list[Row], key: str) -> Pair:
    keys = {r[key] for r in before} - {None}
    return len(keys - {r[key] for r in here}), len(keys)


def _moved(before: list[Row], here: list[Row], count: Count) -> Pair:
    value = count.check.columns[0]
    x, y = ([r[value] for r in part if r[value] is not None] for part in (before, here))
    moved, m, index = _psi(x, y, count.check.params.get("as") == "number")
    assert count.statistic == pytest.approx(index, abs=2e-6), count.check.id
    return moved, m


def _roll(here: list[Row], census: dict[str, int]) -> Pair:
    told = Counter(r["school_code"] for r in here)
    return sum(abs(told[s] - n) for s, n in census.items()), sum(census.values())


def test_types_of_whole_deliveries(counted: tuple[IntakeResult, dict[str, Counted]]) -> None:
    result, by_name = counted
    rows, columns = _rows(result), value_columns(by_name["edu.pupils"].contract, load_pack())
    before = [r for r in rows if r["delivery"] == "2024-05-10"]
    census = {r["school_code"]: r["pupils"] for r in result.tables["edu.census"].to_pylist()}
    twins: dict[str, Callable[[Count, list[Row]], Pair]] = {
        "unique": lambda k, here: _unique(here, k.check, columns),
        "row_count": lambda k, here: (abs(len(here) - len(before)), len(before)),
        "gone": lambda k, here: _gone(before, here, k.check.columns[0]),
        "changed": lambda k, here: _changed(before, here, k.check),
        "distribution": lambda k, here: _moved(before, here, k),
        "filled_by_group": lambda k, here: _filled_groups(here, k.check),
        "unit_suspect": lambda k, here: _units(here, k.check),
        "siblings": lambda k, here: _siblings(here, k.check),
        "covered": lambda k, here: (len(census.keys() - {r["school_code"] for r in here}), len(census)),
        "roll_total": lambda k, here: _roll(here, census),
    }
    met: Counter[str] = Counter()
    for count in by_name["edu.pupils"].counts:
        name = count.check.type.name
        if name not in twins:
            continue
        if name in ("row_count", "gone", "changed", "distribution") and count.delivery.startswith("2024"):
            assert count.status == "not_applicable"
            continue
        here = [r for r in rows if r["delivery"] == count.delivery and count.file in ("", r["file"])]
        _compare(count.check, count, twins[name](count, here))
        met[name] += bool(count.numerator)
    assert all(met[name] for name in twins), "a type that never found anything was not tried"


def test_every_type_is_put_to_use_and_has_a_twin(counted: tuple[IntakeResult, dict[str, Counted]]) -> None:
    rules = load_rules()
    used = {k.check.type.name for one in counted[1].values() for k in one.counts}
    assert len(rules.types) >= 25
    assert used == set(rules.types), "a check type that no test counts"
