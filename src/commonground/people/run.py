"""The room's main path: records to persons, families, pseudonymous tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from commonground.city import City, Settings, Version
from commonground.engine import Engine, open_engine
from commonground.files import storage_errors
from commonground.governance.keys import KeyRing, keyed_hash, keyed_hashes
from commonground.governance.vault import Vault
from commonground.intake import load_pack
from commonground.intake.model import IntakeResult
from commonground.people import aliases
from commonground.people import tables as made
from commonground.people.births import NO_DAY
from commonground.people.candidates_sql import finder
from commonground.people.collapse import collapse, represent
from commonground.people.compared import Compared, pair_table
from commonground.people.doubled import doubled_table, find_doubled
from commonground.people.edges import find
from commonground.people.encode import integers
from commonground.people.families import households, named_relations, tidy
from commonground.people.gather import Gathered, gather
from commonground.people.mentions import Facts, person_fields
from commonground.people.model import COPY, LINKED, QUARANTINED, UNLINKED, Linked, LinkResult
from commonground.people.places import PLACE
from commonground.people.report import quality_report, report
from commonground.people.spine import METHODS, Given, build
from commonground.people.stable import stable
from commonground.people.standing.finish import finish
from commonground.people.standing.keep import Start, begin
from commonground.people.standing.store import models

if TYPE_CHECKING:
    import pyarrow as pa

Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]
Progress = Callable[[str, int, int], None]
PRECISION = 0.998
"""Share of right links that the model must expect of what it takes from each source."""


def link_records(
    gathered: Gathered,
    *,
    precision: float = PRECISION,
    seed: int = 0,
    engine: Engine | None = None,
    start: Start | None = None,
    pair_budget: int = 0,
) -> Linked:
    """Find out who is who among all persons mentioned, and who belongs to whom.

    ``engine`` joins the candidates; ``start`` says what stands already, without it everything is learnt anew, from
    ``pair_budget`` pairs at most (0: ``edges.PER_RECORD`` for each unit).
    """
    people, joins = gathered.people, find if engine is None else finder(engine)
    unit = collapse(people) if start is None else start.separated(collapse(people))
    keyed, place = represent(stable(people, gathered.texts, gathered.ids), unit)
    given = Given(gathered.sources, keyed, keyed.record, find=joins)
    if start is not None:
        given = start.given(gathered.sources, people, keyed, place, joins)
    given = replace(given, pair_budget=pair_budget)
    spine, place = build(people, unit, given, precision=precision, seed=seed)
    units = spine.units
    codes = np.array([int(t) if t.isdigit() else -1 for t in gathered.texts.get("relation", ())] + [-1])
    named, members = named_relations(units, spine.entity, place, gathered.kin)
    found = tidy([households(units, spine.entity, codes[units.relation]), named])
    return Linked(gathered, spine, place, _identified(gathered, spine.entity, place), found, members)


def _link(gathered: Gathered, settings: Settings, start: Start) -> Linked:
    """Link on the city's engine; on one machine the joins need none."""
    budget = settings.people.pair_budget
    if settings.engine.name == "duckdb":
        return link_records(gathered, start=start, pair_budget=budget)
    engine = open_engine(settings.engine)
    try:
        return link_records(gathered, engine=engine, start=start, pair_budget=budget)
    finally:
        engine.close()


def _identified(gathered: Gathered, entity: Ints, place: Ints) -> npt.NDArray[np.bool_]:
    """Which records belong to somebody: linked to another source, or saying themselves who it is."""
    people = gathered.people
    mine = entity[place]
    alone = np.bincount(entity, minlength=len(entity))[mine] == 1
    itself = (people.id >= 0) | ((people.name >= 0) & (people.day != NO_DAY))
    known = np.zeros(len(entity), dtype=bool)
    known[mine[itself]] = True
    out: npt.NDArray[np.bool_] = ~alone | known[mine]
    return out


def _facts(intake: IntakeResult) -> dict[str, Facts]:
    """What the contracts say of each dataset."""
    return {n: Facts(c.kind.name, c.subject, c.rows_per_person == "many") for n, c in intake.contracts.items()}


def who_is_who(
    city: City, intake: IntakeResult, *, retrain: bool = False, gathered: Callable[[], None] = lambda: None
) -> tuple[Start, Linked]:
    """Link all records to what stands in the current version; nothing is written.

    ``gathered`` is called when all tables were read. With the records of the current version this gives what stands.
    """
    pack, vault, standing = load_pack(city.settings.pack), Vault(city), city.current
    found = gather(
        intake.tables, _facts(intake), person_fields(pack.concepts), city.settings.today, aliases.read(vault)
    )
    gathered()
    number = standing.number if standing else None
    start = begin(vault, number, intake.tables, found.people, retrain=retrain)
    return start, _link(found, city.settings, start)


def run(
    city: City, intake: IntakeResult, version: Version, *, retrain: bool = False, progress: Progress | None = None
) -> LinkResult:
    """Link all records of a city to persons and write the tables of ``version`` that follow from that.

    Parameters
    ----------
    city : City
        The city; the identified links go to its vault.
    intake : IntakeResult
        Records.
    version : Version
        Where the pseudonymous tables go.
    retrain : bool
        Learn the model of linking anew, in place of the one in force.
    progress : callable, optional
        Called as ``(stage, done, total)``.
    """
    tell = progress or (lambda stage, done, total: None)
    tell("people", 0, 4)
    facts, pack, vault = _facts(intake), load_pack(city.settings.pack), Vault(city)
    known = aliases.read(vault)
    start, linked = who_is_who(city, intake, retrain=retrain, gathered=lambda: tell("people", 1, 4))
    gathered = linked.gathered
    tell("people", 2, 4)
    done = finish(city, version, start, linked, intake.tables, why=_why_learnt(vault, retrain))
    spine_ids = done.spine_ids
    key = KeyRing(city.settings.keys).get("pseudonym")
    pseudonym = np.array(keyed_hashes(key, spine_ids), dtype=object)
    ids, links = _links(intake, linked, spine_ids, pseudonym)
    titles = {n: {"zh": c.title.zh, "en": c.title.en} for n, c in intake.contracts.items()}
    said = report(linked, city.settings, titles, PRECISION)
    as_of = _days(intake, gathered).astype("datetime64[D]").astype(str).tolist()
    days = dict(zip(gathered.sources, as_of, strict=True))
    quality, groups = quality_report(linked, intake.tables, city.settings, titles, days, PRECISION)
    quality["linkage"]["model_version"] = done.told["model"]
    said["identities"] = {**done.told, "moved_by_group": done.by_group(groups)}
    tell("people", 3, 4)
    _write(version, intake, linked, facts, ids, pseudonym, key, pack.concepts, start.unit_key)
    vault.write_table(aliases.ENTRY, aliases.kept(known, aliases.learn(linked, _days(intake, gathered))))
    vault.write_table(f"links/{version.number}", _export(intake, links))
    vault.write_table(f"pairs/{version.number}", _pairs(linked, linked.spine.compared))
    twice = find_doubled(linked)
    said["doubled"] = twice.counts(gathered.people.source, gathered.sources)
    vault.write_table(
        f"doubled/{version.number}",
        doubled_table(twice, gathered.people.record, gathered.people.source, gathered.sources),
    )
    vault.write_table(f"conflicts/{version.number}", _pairs(linked, linked.spine.conflicts))
    vault.write_table(f"groups/{version.number}", groups)
    _prune(vault, city, version)
    with storage_errors(version.path):
        (version.path / "quality").mkdir(exist_ok=True)
        for name, content in (("links", said), ("linkage", quality)):
            text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
            (version.path / "quality" / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    tell("people", 4, 4)
    return LinkResult(links, said, said["persons"])


def _why_learnt(vault: Vault, retrain: bool) -> str:
    """Say why a model is learnt, should the build have to learn one."""
    return "retrained" if retrain else "form" if models(vault) else "first"


def _links(
    intake: IntakeResult, linked: Linked, spine_ids: Objects, pseudonym: Objects
) -> tuple[dict[str, Objects], pa.Table]:
    """Person of every row of every table about persons, and the table of links."""
    import pyarrow as pa

    total = 1 + max((int(t.column("record_id").to_numpy().max(initial=0)) for t in intake.tables.values()), default=0)
    row = np.full(total, -1, dtype=np.int64)
    row[linked.gathered.people.record] = np.arange(len(linked.gathered.people))
    ids: dict[str, Objects] = {}
    parts: list[tuple[Ints, Ints, Objects]] = []
    for name in sorted(intake.tables):
        table = intake.tables[name]
        if not intake.contracts[name].subject:
            continue
        record = integers(table.column("record_id"), table.num_rows)
        status = table.column("status").to_numpy(zero_copy_only=False)
        mine = row[_originals(intake, table, record)]
        known = (mine >= 0) & linked.identified[np.maximum(mine, 0)]
        person = np.full(len(record), None, dtype=object)
        person[known] = pseudonym[linked.entity[mine[known]]]
        ids[name] = person
        said = np.where(status != "record", COPY, np.where(known, LINKED, UNLINKED)).astype(object)
        parts.append((record, np.where(known, mine, -1), said))
    parts = parts or [(row[:0], row[:0], np.zeros(0, dtype=object))]  # no table is about persons
    record, mine, said = (np.concatenate(x) for x in zip(*parts, strict=True))
    there, at = mine >= 0, np.maximum(mine, 0)
    entity, unit = linked.entity[at], linked.place[at]
    spine, empty = linked.spine, ~there
    links = pa.table(
        {
            "record_id": pa.array(record),
            "spine_id": pa.array(_or_none(there, spine_ids[entity]), pa.string()),
            "person_id": pa.array(_or_none(there, pseudonym[entity]), pa.string()),
            "status": pa.array(said, pa.string()),
            "weight": pa.array(spine.weight[unit], pa.float64(), mask=empty),
            "probability": pa.array(spine.probability[unit], pa.float64(), mask=empty),
            "method": pa.array(_or_none(there, np.array(METHODS, dtype=object)[spine.method[unit]]), pa.string()),
        }
    )
    return ids, links


def _or_none(there: npt.NDArray[np.bool_], values: Objects) -> Objects:
    out = values.copy()
    out[~there] = None
    return out


def _originals(intake: IntakeResult, table: pa.Table, record: Ints) -> Ints:
    """For records of a file delivered before, the same record of the first copy; for others themselves."""
    from commonground.people.encode import distinct

    out = record.copy()
    status = table.column("status").to_numpy(zero_copy_only=False)
    deliveries, d = distinct(table.column("delivery"))
    files, f = distinct(table.column("file"))
    hashes: dict[tuple[str, str], str] = {}
    place = (table.column("department")[0].as_py(), table.column("dataset")[0].as_py()) if table.num_rows else ("", "")
    for line in intake.conservation.select(["department", "dataset", "delivery", "file", "sha256"]).to_pylist():
        if (line["department"], line["dataset"]) == place:
            hashes[line["delivery"], line["file"]] = line["sha256"]
    packed = d * max(1, len(files)) + f
    first: dict[str, Ints] = {}
    for value in packed[np.sort(np.unique(packed, return_index=True)[1])].tolist():
        rows = np.flatnonzero(packed == value)
        if status[rows[0]] == "replaced":
            continue  # a corrected file stands for it
        mark = hashes.get((deliveries[value // len(files)], files[value % len(files)]), str(value))
        if mark not in first:
            first[mark] = rows
        elif len(first[mark]) == len(rows):  # the same bytes give the same records in the same order
            out[rows] = record[first[mark]]
    return out


def _write(
    version: Version,
    intake: IntakeResult,
    linked: Linked,
    facts: Mapping[str, Facts],
    ids: Mapping[str, Objects],
    pseudonym: Objects,
    key: bytes,
    concepts: Mapping[str, Any],
    marks: Ints,
) -> None:
    import pyarrow.parquet as pq

    gathered = linked.gathered
    kinds = [facts[name].kind for name, _ in gathered.sources]
    days = _days(intake, gathered)
    naming = np.full(len(linked.spine.units), None, dtype=object)
    wanted = np.unique(np.concatenate([np.flatnonzero(linked.spine.units.household >= 0), linked.members[0]]))
    naming[wanted] = _household_names(linked, wanted, key, marks)
    enrolled = made.enrolments(intake.tables, ids, gathered.codes)
    out = {
        "persons": made.persons(linked, pseudonym, kinds),
        "relations": made.relations(linked, pseudonym, kinds, days),
        "households": made.households(linked, pseudonym, naming, kinds, days),
        "enrolments": made.with_county(enrolled, gathered.schools),
        "schools": made.school_table(gathered.schools),
    }
    for name in sorted(intake.tables):
        out[f"records/{name}"] = pseudonymous(intake.tables[name], ids.get(name), gathered.codes[name], concepts)
    with storage_errors(version.path):
        (version.path / "records").mkdir(exist_ok=True)
        for name, table in out.items():
            pq.write_table(table, version.table(name), compression="zstd")


def _household_names(linked: Linked, units: Ints, key: bytes, marks: Ints) -> Objects:
    """Pseudonym of the household of each of ``units``: one hash a household, of its first record's place."""
    spine = linked.spine
    home = np.where(spine.units.household[units] >= 0, spine.units.household[units], -1 - units)
    _, first, inverse = np.unique(home, return_index=True, return_inverse=True)
    names = [keyed_hash(key, f"household:{int(marks[units[i]])}") for i in first.tolist()]
    found: Objects = np.array(names, dtype=object)[inverse]
    return found


def _days(intake: IntakeResult, gathered: Gathered) -> Ints:
    """The day that each source's data describe."""
    import pyarrow.compute as pc

    out = []
    for name, delivery in gathered.sources:
        table = intake.tables[name]
        found = table.filter(pc.equal(table.column("delivery"), delivery)).column("as_of")
        out.append(int(integers(found, len(found)).max(initial=0)))
    return np.array(out, dtype=np.int64)


def pseudonymous(
    table: pa.Table, person: Objects | None, codes: list[str | None], concepts: Mapping[str, Any]
) -> pa.Table:
    """Take names, numbers and all that identifies out of a table, and put pseudonyms and school codes in."""
    import pyarrow as pa

    drop = [c for c in table.column_names if _identifying(c, concepts)]
    out = table.drop_columns(drop)
    values = pa.nulls(table.num_rows, pa.string()) if person is None else pa.array(person, pa.string())
    out = out.add_column(1, "person_id", values)
    if any(c in table.column_names for c in ("school_code", "school_name", "school_short")):
        column = pa.array(codes, pa.string())
        if "school_code" in out.column_names:
            out = out.set_column(out.column_names.index("school_code"), "school_code", column)
        else:
            out = out.append_column("school_code", column)
    return out


def _identifying(column: str, concepts: Mapping[str, Any]) -> bool:
    base = column
    for suffix in ("_soft", "_absent", "_precision"):
        base = base.removesuffix(suffix)
    return (column in concepts and concepts[column].identifying) or (base in concepts and concepts[base].identifying)


def _export(intake: IntakeResult, links: pa.Table) -> pa.Table:
    """Every record and every quarantined row about persons with its place, for the vault."""
    import pyarrow as pa
    import pyarrow.compute as pc

    named = [n for n in sorted(intake.tables) if intake.contracts[n].subject]
    columns = ["record_id", *PLACE]
    parts = [pa.concat_tables([intake.tables[n].select(columns) for n in named])] if named else []
    rows = intake.quarantine.filter(pc.equal(intake.quarantine.column("column"), ""))
    name = pc.binary_join_element_wise(rows.column("department"), rows.column("dataset"), ".")
    rows = rows.filter(pc.is_in(name, pa.array(named, pa.string()))).select(list(PLACE))
    aside = pa.table(
        {**{c: rows.column(c) for c in PLACE}, "status": pa.array([QUARANTINED] * rows.num_rows, pa.string())}
    )
    # links stand in the order of the tables' names, and so do the records here
    whole = [pa.table({**{c: p.column(c) for c in p.column_names}, **_rest(links)}) for p in parts]
    return pa.concat_tables([*whole, aside], promote_options="default")


def _rest(links: pa.Table) -> dict[str, Any]:
    return {c: links.column(c) for c in links.column_names if c != "record_id"}


def _pairs(linked: Linked, pairs: Compared) -> pa.Table:
    """Pairs with their probabilities, for the vault."""
    units = linked.spine.units
    sources = [f"{name}/{delivery}" for name, delivery in linked.gathered.sources]
    return pair_table(pairs, units.record, units.source, sources, METHODS)


BY_VERSION = ("links", "pairs", "conflicts", "doubled", "groups", "standing")
"""Folders of the vault that hold something for each version."""


def _prune(vault: Vault, city: City, version: Version) -> None:
    """Remove links, pairs and conflicts of versions that are no more."""
    folder = city.warehouse / "versions"
    kept = {p.name for p in folder.iterdir() if p.is_dir()} if folder.is_dir() else set()
    for name in (n for kind in BY_VERSION for n in vault.names(kind)):
        number = name.split("/")[1]
        wanted = kept if not name.startswith("standing/") else {str(city.current.number)} if city.current else set()
        if number not in wanted and number != str(version.number):
            vault.remove(name)
