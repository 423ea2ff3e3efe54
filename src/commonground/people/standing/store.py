"""The standing spine and the versions of the model in the vault, as columns of integers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.people.compare import FIELDS
from commonground.people.compared import Compared
from commonground.people.edges import Edges, Keyed, Keys
from commonground.people.frozen import RARE_LEVELS, Frozen, Rarity, form, pack, unpack
from commonground.people.resolve import Nodes, Resolved
from commonground.people.standing.add import Standing

if TYPE_CHECKING:
    import pyarrow as pa

    from commonground.governance.vault import Vault

Ints = npt.NDArray[np.int64]
Levels = npt.NDArray[np.int8]
FORMAT = 1
"""Of the tables here; those of another format are not read: ids then come from the links."""
_BITS = 4
"""Bits of one level; no field has more than fifteen."""


@dataclass(frozen=True)
class Kept:
    """What a version keeps for the next.

    Attributes
    ----------
    standing : Standing
        Units, pairs, keys, persons.
    key, mark : int arrays (units,)
        By which a unit is found again, and seen to say the same.
    sources : list of [dataset, delivery, step]
        In the order of their numbers; ``source`` is the number of each unit's.
    records : int array (3, records)
        Marks of the places of records, sorted; the id of the person of each; a running number of the identity number
        that it holds, -1 where it holds none.
    about : mapping
        Number of the model, of the next id, of the next event; hash of the code.
    """

    standing: Standing
    key: Ints
    mark: Ints
    records: Ints
    about: Mapping[str, Any]


def code() -> str:
    """Hash of this room's code: what other code compared is compared again."""
    digest = hashlib.sha256(form().encode())
    for path in sorted(Path(__file__).parent.parent.glob("*.*")):
        if path.suffix in {".py", ".tsv"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def packed(levels: Levels) -> Ints:
    """Levels of a pair as one number."""
    out = np.zeros(len(levels), dtype=np.int64)
    for k in range(levels.shape[1]):
        out |= levels[:, k].astype(np.int64) << (_BITS * k)
    return out


def unpacked(numbers: Ints) -> Levels:
    """What ``packed`` made of levels."""
    halves = np.ascontiguousarray(numbers, dtype="<i8").view(np.int8).reshape(len(numbers), 8)
    out = np.empty((len(numbers), len(FIELDS)), dtype=np.int8)
    out[:, 0::2] = halves[:, : (len(FIELDS) + 1) // 2] & 0x0F
    out[:, 1::2] = (halves[:, : len(FIELDS) // 2] >> _BITS) & 0x0F
    return out


def _table(**columns: npt.NDArray[np.generic]) -> pa.Table:
    import pyarrow as pa

    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _column(table: pa.Table, name: str, kind: type = np.int64) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = table.column(name).to_numpy().astype(kind, copy=False)
    return found


def _rules(keys: Sequence[Keys]) -> pa.Table:
    """Keys of several rules as one table."""
    rule = np.repeat(np.arange(len(keys)), [len(k) for k in keys])
    return _table(rule=rule, key=np.concatenate(keys).astype(np.uint32))


def _by_rule(table: pa.Table, rules: int) -> tuple[Keys, ...]:
    """What ``_rules`` made one table of."""
    rule, key = _column(table, "rule"), _column(table, "key", np.uint32)
    return tuple(key[rule == k] for k in range(rules))


def save(vault: Vault, version: int, kept: Kept) -> None:
    """Keep a standing spine as that of ``version``."""
    s, name = kept.standing, f"standing/{version}"
    n, f, every = s.nodes, s.found, s.keys
    rare = {f"rare{k}": n.rare[:, k].astype(np.float32) for k in range(len(RARE_LEVELS))}
    tables = {
        "units": _table(
            key=kept.key, mark=kept.mark, step=n.step.astype(np.int32), many=n.many, number=n.number,
            dataset=n.dataset.astype(np.int32), **rare, entity=f.entity.astype(np.int32), weight=f.weight,
            probability=f.probability, method=f.method.astype(np.int8),
        ),
        "edges": _table(
            a=s.edges.a.astype(np.int32), b=s.edges.b.astype(np.int32), levels=packed(s.edges.levels), odds=s.edges.odds
        ),
        "pairs": _table(
            left=f.compared.left.astype(np.int32), right=f.compared.right.astype(np.int32), weight=f.compared.weight,
            probability=f.compared.probability, chosen=f.compared.chosen, method=f.compared.method.astype(np.int8),
            levels=packed(f.compared.levels),
        ),
        "keys": _table(
            row=np.concatenate([r for r, _ in every]).astype(np.int32), key=np.concatenate([k for _, k in every])
        ),
        "crowded": _rules(s.crowded),
        "records": _table(key=kept.records[0], id=kept.records[1], number=kept.records[2]),
    }  # fmt: skip
    for part, table in tables.items():
        vault.write_table(f"{name}/{part}", table, version=str(version), durable=False)
    about = {**kept.about, "format": FORMAT, "form": form(), "code": code(), "rules": [len(k) for _, k in every]}
    vault.write(f"{name}/about", json.dumps(about, ensure_ascii=False).encode())


def about(vault: Vault, version: int) -> dict[str, Any] | None:
    """Say what a version's standing spine refers to; None where it has none."""
    if not vault.has(f"standing/{version}/about"):
        return None
    found: dict[str, Any] = json.loads(vault.read(f"standing/{version}/about"))
    return found if found.get("format") == FORMAT else None


def records(vault: Vault, version: int) -> Ints:
    """Marks of records' places, sorted; ids of their persons; running numbers of their identity numbers."""
    table = vault.read_table(f"standing/{version}/records", version=str(version))
    return np.stack([_column(table, name) for name in ("key", "id", "number")])


def load(vault: Vault, version: int, said: Mapping[str, Any]) -> Kept:
    """Read a version's standing spine; ``said`` is what ``about`` gave."""
    name, at = f"standing/{version}", str(version)
    units, pairs = (vault.read_table(f"{name}/{part}", version=at) for part in ("units", "pairs"))
    rare = np.stack([_column(units, f"rare{k}", np.float64) for k in range(len(RARE_LEVELS))], axis=1)
    nodes = Nodes(
        _column(units, "step"), _column(units, "many", bool), _column(units, "number"), _column(units, "dataset"),
        _column(units, "key"), rare,
    )  # fmt: skip
    compared = Compared(
        _column(pairs, "left"), _column(pairs, "right"), _column(pairs, "weight", np.float64),
        _column(pairs, "probability", np.float64), _column(pairs, "chosen", bool), _column(pairs, "method"),
        unpacked(_column(pairs, "levels")),
    )  # fmt: skip
    found = Resolved(
        _column(units, "entity"), _column(units, "weight", np.float64), _column(units, "probability", np.float64),
        _column(units, "method"), compared,
    )  # fmt: skip
    crowded = _by_rule(vault.read_table(f"{name}/crowded", version=at), len(said["rules"]))
    standing = Standing(nodes, load_edges(vault, version), [load_keys(vault, version, said["rules"])], found, crowded)
    return Kept(standing, nodes.key, _column(units, "mark"), records(vault, version), said)


def load_edges(vault: Vault, version: int) -> Edges:
    """Read the pairs of a standing spine."""
    table = vault.read_table(f"standing/{version}/edges", version=str(version))
    levels = unpacked(_column(table, "levels"))
    return Edges(_column(table, "a"), _column(table, "b"), levels, _column(table, "odds", np.float64))


def load_keys(vault: Vault, version: int, sizes: Sequence[int]) -> list[Keyed]:
    """Read the sorted keys of a standing spine, rule by rule."""
    table = vault.read_table(f"standing/{version}/keys", version=str(version))
    cuts = np.cumsum(sizes)[:-1]
    rows, keys = np.split(_column(table, "row", np.int32), cuts), np.split(_column(table, "key", np.uint32), cuts)
    return list(zip(rows, keys, strict=True))


def models(vault: Vault) -> list[int]:
    """Numbers of the versions of the model that are kept."""
    return sorted({int(n.split("/")[1]) for n in vault.names("model")})


def save_model(vault: Vault, model: Frozen, number: int) -> tuple[Frozen, str]:
    """Keep a model under a new number; gives it with its number, and the hash of what it says."""
    kept, name = replace(model, number=number), f"model/{number}"
    for k, (keys, counts) in enumerate(zip(model.rarity.keys, model.rarity.counts, strict=True)):
        vault.write_table(f"{name}/rare{k}", _table(key=keys, count=counts), version=str(number))
    vault.write_table(f"{name}/crowded", _rules(model.crowded), version=str(number))
    text = json.dumps(pack(kept), ensure_ascii=False, sort_keys=True).encode()
    vault.write(f"{name}/chances", text)  # last: a model without it does not count
    return kept, hashlib.sha256(text).hexdigest()


def load_model(vault: Vault, number: int | None = None) -> Frozen | None:
    """Read a version of the model, the latest by default; None where there is none that this code can use."""
    there = [n for n in models(vault) if vault.has(f"model/{n}/chances")]
    if number is None:
        number = max(there, default=0)
    if number not in there:
        return None
    plain = json.loads(vault.read(f"model/{number}/chances"))
    if plain["form"] != form():
        return None
    tables = [vault.read_table(f"model/{number}/rare{k}", version=str(number)) for k in range(len(RARE_LEVELS))]
    rarity = Rarity(
        tuple(_column(t, "key") for t in tables), tuple(_column(t, "count") for t in tables), int(plain["total"])
    )
    crowded = vault.read_table(f"model/{number}/crowded", version=str(number))
    return unpack(plain, rarity, _by_rule(crowded, int(plain["rules"])))
