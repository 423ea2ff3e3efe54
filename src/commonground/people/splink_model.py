"""Models of Splink 5 in and out: its settings with trained chances, as one JSON object.

In: the conditions of a model's levels are SQL over two records; they are evaluated as they stand, by the engine that
Splink uses by default, shut off from files and network. Out: the levels of ``link_tables`` that SQL can tell, over the
columns of ``splink_table``; a level that it cannot tell (one character of a name apart, a date of the other
calendar) is left out, and such pairs come out on a lower one; the weights of the others are unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.errors import ContractError, Said
from commonground.people.core.numbercodes import EPOCH
from commonground.people.pairs import Weighed

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
_COLUMN = re.compile(r'"([^"]+)_l"')
_GRAMMAR = {
    "person_name": {7: '"{0}_7_l" = "{0}_7_r"', 6: '"{0}_6_l" = "{0}_6_r"', 5: '"{0}_5_l" = "{0}_5_r"',
                    3: '"{0}_given_l" = "{0}_given_r"', 2: '"{0}_surname_l" = "{0}_surname_r"'},
    "birth_date": {
        9: '"{0}_l" = "{0}_r"',
        6: 'year("{0}_l") = year("{0}_r") AND month("{0}_l") = day("{0}_r") AND day("{0}_l") = month("{0}_r")',
        5: 'hamming(strftime("{0}_l", \'%Y%m%d\'), strftime("{0}_r", \'%Y%m%d\')) = 1 '
           'OR (abs(year("{0}_l") - year("{0}_r")) = 1 AND strftime("{0}_l", \'%m%d\') = strftime("{0}_r", \'%m%d\'))',
        4: 'year("{0}_l") = year("{0}_r") AND (strftime("{0}_l", \'%m%d\') = \'0101\' '
           'OR strftime("{0}_r", \'%m%d\') = \'0101\')',
        3: 'abs(date_diff(\'day\', "{0}_l", "{0}_r")) <= 31',
        2: 'year("{0}_l") = year("{0}_r")',
    },
    "address": {k: f'"{{0}}_{k}_l" = "{{0}}_{k}_r"' for k in (5, 4, 3, 2)},
}  # fmt: skip


def splink_table(found: Weighed, rows: Ints) -> pa.Table:
    """Give rows of a linkage with the columns that its model in Splink's form asks for."""
    import pyarrow as pa

    columns: dict[str, pa.Array] = {"unique_id": pa.array(rows)}

    def put(name: str, key: Ints) -> None:
        columns[name] = pa.array(key[rows], mask=key[rows] < 0)

    for f in found.fields:
        if f.kind == "birth_date":
            day = f.keys[0].values[rows]
            columns[f.name] = pa.array((day - EPOCH).astype(np.int32), pa.int32(), mask=day < 0).cast(pa.date32())
            continue
        for key in f.keys:
            put(f"{f.name}_{key.level}", key.values)
        for part in f.parts if f.kind == "person_name" else ():
            put(part.name.replace(":", "_"), part.key)
    return pa.table(columns)


def to_splink(found: Weighed) -> dict[str, Any]:
    """Give a model as the settings that Splink reads (``Linker(..., settings)``), for ``splink_table``'s columns."""
    comparisons = []
    for f in found.fields:
        known = _GRAMMAR.get(f.kind, {f.levels: f'"{{0}}_{f.levels}_l" = "{{0}}_{f.levels}_r"'})
        if f.kind == "address":  # a level that no value can show has no column
            known = {k.level: known[k.level] for k in f.keys}
        m, u = (np.array(c[f.name], dtype=float) for c in (found.model.m, found.model.u))
        first = f.name if f.kind == "birth_date" else f"{f.name}_{f.levels}"
        null = f'"{first}_l" IS NULL OR "{first}_r" IS NULL'
        levels: list[dict[str, Any]] = [{"sql_condition": null, "label_for_charts": "missing", "is_null_level": True}]
        for level in sorted(known, reverse=True):
            one: dict[str, Any] = {
                "sql_condition": known[level].format(f.name), "label_for_charts": f.word(level).en,
                "m_probability": float(m[level]), "u_probability": float(u[level]),
            }  # fmt: skip
            if level == f.levels and f.keys[0].rare:
                one |= {"tf_adjustment_column": first, "tf_adjustment_weight": 1.0}
            levels.append(one)
        rest = {"m_probability": float(m[1]), "u_probability": float(u[1])}
        levels.append({"sql_condition": "ELSE", "label_for_charts": f.word(1).en, **rest})
        comparisons.append({"output_column_name": f.name, "comparison_levels": levels})
    return {
        "link_type": "link_only",
        "probability_two_random_records_match": float(found.model.prior[0]),
        "retain_matching_columns": False,
        "unique_id_column_name": "unique_id",
        "sql_dialect": "duckdb",
        "blocking_rules_to_generate_predictions": [],
        "comparisons": comparisons,
    }


def weigh_with_splink(model: Mapping[str, Any], left: pa.Table, right: pa.Table, a: Ints, b: Ints) -> Floats:
    """Weigh pairs by a model of Splink's.

    Parameters
    ----------
    model : mapping
        What ``linker.misc.save_model_to_json`` wrote, loaded.
    left, right : pa.Table
        Records with the model's columns.
    a, b : int arrays
        Rows of ``left`` and ``right`` of each pair.

    Returns
    -------
    array
        Match weight of each pair (log2 of the odds), as Splink's ``predict`` gives.

    Raises
    ------
    ContractError
        The model lacks what it needs, or asks for columns that the tables do not have.
    """
    import duckdb
    import pyarrow as pa

    prior = model.get("probability_two_random_records_match")
    comparisons = model.get("comparisons") or []
    if not isinstance(prior, (int, float)) or not 0 < prior < 1 or not comparisons:
        raise ContractError(
            Said("这不是训练好的 Splink 模型。", "This is not a trained model of Splink."),
            todo=Said("请用 Splink 的 save_model_to_json 导出。", "Export it with Splink's save_model_to_json."),
        )
    wanted = sorted({c for one in comparisons for level in one["comparison_levels"]
                     for c in _COLUMN.findall(level["sql_condition"])})  # fmt: skip
    missing = [c for c in wanted if c not in left.column_names or c not in right.column_names]
    if missing:
        raise ContractError(
            Said(
                f"表里没有模型要用的列：{'、'.join(missing)}。",
                f"The tables lack the model's columns: {', '.join(missing)}.",
            )
        )
    rarities = sorted({level["tf_adjustment_column"] for one in comparisons for level in one["comparison_levels"]
                       if level.get("tf_adjustment_column")})  # fmt: skip
    with duckdb.connect(":memory:", config={"enable_external_access": "false", "lock_configuration": "true"}) as con:
        for name, table, rows in (("l", left, a), ("r", right, b)):
            con.register(f"{name}_records", table.select(sorted({*wanted, *rarities})))
            con.register(f"{name}_rows", pa.table({"i": np.arange(len(rows)), "row": rows}))
        for c in rarities:
            con.execute(
                f'CREATE TABLE "tf_{c}" AS SELECT v, count(*) / sum(count(*)) OVER () AS tf FROM (SELECT "{c}" AS v '
                f'FROM l_records UNION ALL SELECT "{c}" FROM r_records) WHERE v IS NOT NULL GROUP BY v'
            )
        try:
            found = con.execute(_query(comparisons, wanted, rarities)).fetchnumpy()
        except duckdb.Error as fault:
            raise ContractError(
                Said("模型的条件无法计算。", "A condition of the model cannot be evaluated."),
                where=str(fault).splitlines()[0],
            ) from fault
    weight = np.full(len(a), np.log2(prior / (1 - prior)))
    for k, one in enumerate(comparisons):
        weight += _weights(
            one, np.asarray(found[f"g{k}"]), {c: np.ma.filled(found[f"tf_{c}"], np.nan) for c in rarities}
        )
    return weight


def _query(comparisons: Sequence[Mapping[str, Any]], wanted: list[str], rarities: list[str]) -> str:
    """Number of the level of each comparison, and the larger of the two frequencies of each value."""
    cases = []
    for k, one in enumerate(comparisons):
        whens = " ".join(
            f"WHEN {level['sql_condition']} THEN {i}"
            for i, level in enumerate(one["comparison_levels"])
            if level["sql_condition"].strip().upper() != "ELSE"
        )
        cases.append(f"CASE {whens} ELSE {len(one['comparison_levels']) - 1} END AS g{k}")
    cases += [f'greatest("tf_{c}_l", "tf_{c}_r") AS "tf_{c}"' for c in rarities]
    columns = [f'{s}."{c}" AS "{c}_{s}"' for c in wanted for s in "lr"]
    columns += [f'{s}t{k}.tf AS "tf_{c}_{s}"' for k, c in enumerate(rarities) for s in "lr"]
    joins = " ".join(
        f'LEFT JOIN "tf_{c}" {s}t{k} ON {s}."{c}" = {s}t{k}.v' for k, c in enumerate(rarities) for s in "lr"
    )
    sides = " ".join(
        f"{'FROM' if s == 'l' else 'JOIN'} (SELECT i, n.* FROM {s}_rows JOIN (SELECT *, row_number() OVER () - 1 AS n_ "
        f"FROM {s}_records) n ON n_ = row) {s} {'' if s == 'l' else 'ON l.i = r.i'}"
        for s in "lr"
    )
    return f"SELECT {', '.join(cases)} FROM (SELECT l.i AS i, {', '.join(columns)} {sides} {joins}) ORDER BY i"


def _weights(one: Mapping[str, Any], level: Ints, tf: Mapping[str, Floats]) -> Floats:
    """Bits of one comparison, with the adjustment for how frequent the value is."""
    levels = one["comparison_levels"]
    bits = np.array([np.log2(x["m_probability"] / x["u_probability"]) if _trained(x) else 0.0 for x in levels])
    out: Floats = bits[level]
    for i, x in enumerate(levels):
        column = x.get("tf_adjustment_column")
        if column and not x.get("is_null_level"):
            exact = next((y for y in levels if _exact(y, column)), x)
            at = np.flatnonzero(level == i)
            share = np.maximum(tf[column][at], x.get("tf_minimum_u_value") or 0.0)
            change = np.log2(exact["u_probability"] / share) * float(x.get("tf_adjustment_weight", 1.0))
            out[at] += np.where(np.isnan(change), 0.0, change)
    return out


def _trained(level: Mapping[str, Any]) -> bool:
    """Whether a level says anything: null levels do not, nor do levels that training never saw."""
    return not level.get("is_null_level") and bool(level.get("m_probability")) and bool(level.get("u_probability"))


def _exact(level: Mapping[str, Any], column: str) -> bool:
    """Whether a level is that the two records have the same value in ``column``."""
    return re.sub(r'[\s"()]', "", level["sql_condition"]) == f"{column}_l={column}_r"
