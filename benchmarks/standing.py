"""A new delivery linked to a standing spine: 10,000 records onto 10,000 to 1,000,000 persons.

``python benchmarks/standing.py [--quick|--full] [--seed N]``: without an option 10,000 and 100,000 persons,
``--quick`` 10,000, ``--full`` up to 1,000,000. Persons, records and errors are invented here. Each size is built once
as a whole (model learnt, all pairs found and resolved); then the new records are added (a) to what is in memory, (b) to
what is read from the vault first; and the partition is held against that of a whole build with the same model. The
city's records are in memory in both cases, as a build has them: it writes the version's tables from them.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa

from commonground.governance.keys import KeyRing
from commonground.governance.vault import Vault
from commonground.intake.ids import check_values
from commonground.people.collapse import collapse, represent
from commonground.people.frozen import Frozen
from commonground.people.gather import gather
from commonground.people.mentions import Facts
from commonground.people.spine import Given, Spine, link_units
from commonground.people.stable import stable
from commonground.people.standing import store

SURNAMES = "王李张刘陈杨赵黄周吴罗覃曾韦莫龙徐孙马朱胡林郭何高梁谢宋唐许邓曹彭蔡潘田董袁余叶杜魏任姚卢钟姜石"
GIVEN = (
    "明伟芳娜敏静丽强磊军洋勇艳杰娟涛超霞平刚桂英华文"
    "玉林建国云春子轩博豪天佑承泽雪琳晶倩兰洁红梅妍茜蓉怡欣悦雨涵梦瑶诗琪思语佳慧"
)
NEW = 10_000
FACTS = {
    "a.register": Facts("household_register", "self", False),
    "b.clinic": Facts("adult_checkups", "self", False),
    "c.roll": Facts("student_registry", "self", False),
}
FIELDS = {("self", f): [f] for f in ("name", "id_no", "birth", "sex", "phone", "address", "household_no")}


@dataclass
class World:
    """Invented persons as arrays; texts are made when a table is."""

    surname: np.ndarray
    given: np.ndarray
    sex: np.ndarray
    day: np.ndarray
    order: np.ndarray
    village: np.ndarray
    phone: np.ndarray

    @classmethod
    def of(cls, size: int, rng: np.random.Generator) -> World:
        """Invent ``size`` persons, four to a household."""
        home = np.arange(size) // 4
        homes = int(home.max()) + 1
        share = 1.0 / np.arange(2, len(SURNAMES) + 2)
        of_home = rng.choice(len(SURNAMES), homes, p=share / share.sum())
        surname = np.where(
            rng.random(size) < 0.7, of_home[home], rng.choice(len(SURNAMES), size, p=share / share.sum())
        )
        given = rng.integers(0, len(GIVEN), (size, 2))
        given[rng.random(size) < 0.15, 1] = -1
        first, last = np.datetime64("1945-01-01"), np.datetime64("2019-12-31")
        day = first + rng.integers(0, (last - first).astype(int), size)
        return cls(
            surname, given, rng.integers(1, 3, size), day, rng.integers(0, 500, size),
            rng.integers(0, max(1, size // 400), homes)[home], rng.integers(0, 10**9, homes)[home],
        )  # fmt: skip

    def names(self, at: np.ndarray) -> np.ndarray:
        """Names of persons."""
        a, b = np.array(list(SURNAMES)), np.array([*GIVEN, ""])
        return np.char.add(np.char.add(a[self.surname[at]], b[self.given[at, 0]]), b[self.given[at, 1]])

    def numbers(self, at: np.ndarray) -> np.ndarray:
        """Identity numbers with area codes that were never assigned."""
        date = np.char.replace(self.day[at].astype("datetime64[D]").astype(str), "-", "")
        order = self.order[at] * 2 + (self.sex[at] == 1)
        area = 529900 + self.village[at] % 90 + 1
        body = np.char.add(np.char.add(area.astype(str), date), np.char.zfill(order.astype(str), 3)).astype("U17")
        digits = body.view("U1").reshape(len(at), 17).astype(np.uint8)
        check = np.array(list("0123456789X"))[check_values(digits)]
        return np.char.add(body, check)

    def table(self, at: np.ndarray, first: int, columns: dict[str, np.ndarray], delivery: str) -> pa.Table:
        """Records of persons ``at`` with running numbers from ``first``."""
        same = {"delivery": delivery, "file": "f", "sheet": "", "status": "record"}
        out: dict[str, Any] = {"record_id": pa.array(first + np.arange(len(at)))}
        out |= {k: pa.array(np.full(len(at), v), pa.string()) for k, v in same.items()}
        home = [f"黔山市第{v}村{h}号" for v, h in zip(self.village[at].tolist(), (at // 4).tolist(), strict=True)]
        out |= {"sex": pa.array(self.sex[at].astype(str)), "address": pa.array(home)}
        out |= {k: pa.array(v, pa.date32() if k == "birth" else pa.string()) for k, v in columns.items()}
        return pa.table(out)


def town(size: int, seed: int) -> dict[str, pa.Table]:
    """A register of all, a list of a clinic without numbers, and the new delivery: nine tenths known, with slips."""
    rng = np.random.default_rng(seed)
    world = World.of(size + NEW // 10, rng)
    every = np.arange(size)
    seen = np.sort(rng.choice(size, size // 4, replace=False))
    fresh = min(NEW, size)
    known = np.sort(rng.choice(size, fresh - fresh // 10, replace=False))
    new = np.concatenate([known, np.arange(size, size + fresh // 10)])
    names, numbers, day = world.names(new), world.numbers(new), world.day[new].copy()
    slip = rng.random(len(new)) < 0.04
    names[slip] = [n[0] + rng.choice(list(GIVEN)) + n[2:] for n in names[slip]]
    day[rng.random(len(new)) < 0.03] += 1
    numbers = numbers.astype(object)
    numbers[rng.random(len(new)) < 0.3] = None
    phones = np.char.add("12", np.char.zfill(world.phone.astype(str), 9))
    return {
        "a.register": world.table(
            every, 0,
            {"name": world.names(every), "id_no": world.numbers(every), "birth": world.day[every],
             "household_no": (every // 4).astype(str)}, "2025-01-01",
        ),
        "b.clinic": world.table(
            seen, size, {"name": world.names(seen), "birth": world.day[seen], "phone": phones[seen]}, "2025-03-01"
        ),
        "c.roll": world.table(
            new, 2 * size, {"name": names, "id_no": numbers, "birth": day, "phone": phones[new]}, "2025-09-01"
        ),
    }  # fmt: skip


@dataclass
class City:
    """Records as a build has them in memory: rows, units, marks."""

    gathered: Any
    keyed: Any
    units: Any

    @classmethod
    def of(cls, tables: dict[str, pa.Table]) -> City:
        """Gather records and make units."""
        gathered = gather(tables, FACTS, FIELDS)
        unit = collapse(gathered.people)
        keyed, _ = represent(stable(gathered.people, gathered.texts, gathered.ids), unit)
        return cls(gathered, keyed, represent(gathered.people, unit)[0])

    def link(self, frozen: Frozen | None, **before: Any) -> Spine:
        """Link as a build does."""
        given = Given(self.gathered.sources, self.keyed, self.keyed.record, frozen, **before)
        return link_units(self.units, given)


def timed(work: Any) -> tuple[Any, float, float]:
    """Result, wall seconds, processor seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    out = work()
    return out, time.perf_counter() - wall, time.process_time() - cpu


def peak() -> float:
    """Highest memory of the process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measure(size: int, seed: int, folder: Path) -> dict[str, Any]:
    """Build, add, compare."""
    tables = town(size, seed)
    old = City.of({n: t for n, t in tables.items() if n != "c.roll"})
    # the model is that of a first build that had a delivery of each dataset
    frozen = City.of(town(min(size, 20_000), seed + 1)).link(None).frozen
    first, train, train_cpu = timed(lambda: old.link(None))
    models = {**frozen.models, **first.frozen.models}
    limits = {**frozen.thresholds, **first.frozen.thresholds}
    order = tuple(dict.fromkeys([*first.frozen.order, *frozen.order]))
    model = Frozen(models, limits, order, first.frozen.general, first.frozen.rarity, first.frozen.crowded)
    standing = old.link(model)
    vault = Vault(cast(Any, SimpleNamespace(vault=folder / "vault", settings=SimpleNamespace(keys=folder / "keys"))))
    KeyRing(folder / "keys").get("vault")
    n = len(standing.units)
    kept = store.Kept(standing.standing, np.arange(n), np.arange(n), np.zeros((3, 0), dtype=np.int64), {"model": 1})
    _, _, save_cpu = timed(lambda: store.save(vault, 1, kept))
    now = City.of(tables)
    place = np.searchsorted(now.keyed.record, old.keyed.record)
    assert np.array_equal(now.keyed.record[place], old.keyed.record)
    memory = standing.standing
    added, wall, cpu = timed(lambda: now.link(model, before=memory, place=place))

    def from_vault() -> Spine:
        said = store.about(vault, 1)
        assert said is not None
        return now.link(model, before=store.load(vault, 1, said).standing, place=place)

    again, read_wall, read_cpu = timed(from_vault)
    whole, whole_wall, whole_cpu = timed(lambda: now.link(model))
    same = bool(np.array_equal(added.entity, whole.entity) and np.array_equal(again.entity, whole.entity))
    same &= bool(np.array_equal(added.probability, whole.probability))
    stored = sum(p.stat().st_size for p in (folder / "vault").rglob("*.sealed"))
    return {
        "persons": size, "units": n, "new": len(now.units.record) - n, "agree": same, "add": wall, "add_cpu": cpu,
        "read_add": read_wall, "read_add_cpu": read_cpu, "whole": whole_wall, "whole_cpu": whole_cpu,
        "train": train, "train_cpu": train_cpu, "save_cpu": save_cpu, "resolved": len(added.fresh),
        "edges": len(whole.standing.edges), "store_mib": stored / 2**20, "peak_gib": peak(),
        "linked": int((added.method[np.setdiff1d(np.arange(len(added.units)), place)] > 0).sum()),
    }  # fmt: skip


def main() -> None:
    """Run the sizes asked for and print a table and one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="*")
    args = parser.parse_args()
    sizes = args.sizes or ([10_000] if args.quick else [10_000, 100_000, 1_000_000] if args.full else [10_000, 100_000])
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(size, args.seed, Path(folder)))
        print(" ".join(f"{k}={v:.2f}" if isinstance(v, float) else f"{k}={v}" for k, v in rows[-1].items()), flush=True)
    growth = None
    if len(rows) > 1:
        growth = float(np.polyfit(np.log([r["persons"] for r in rows]), np.log([r["whole_cpu"] for r in rows]), 1)[0])
    print(json.dumps({"name": "standing", "agree": all(r["agree"] for r in rows), "growth": growth, "sizes": rows}))


if __name__ == "__main__":
    main()
