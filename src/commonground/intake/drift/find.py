"""Holds a dataset's last delivery against the one before and against its contract."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from commonground.city import City
from commonground.errors import CityError, Said, did_you_mean
from commonground.intake.contract import load_contracts
from commonground.intake.deliveries import Delivered, find_files
from commonground.intake.drift.match import Pair, assign, swapped
from commonground.intake.drift.model import LIKELY, Drift, Finding, Patch
from commonground.intake.drift.raw import RawDelivery, RawSheet, load
from commonground.intake.drift.similar import Column, Link, columns_of, link_rows
from commonground.intake.drift.values import Pairing, changes
from commonground.intake.model import ColumnRule, Contract

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 0.25


def find_drift(city: City, dataset: str, delivery: str | None = None) -> Drift:
    """Compare the last delivery of a dataset.

    Parameters
    ----------
    dataset : str
        ``department.dataset``.
    delivery : str, optional
        The delivery to look at; the last one by name when not given. It is held against the one before it.

    Raises
    ------
    CityError
        There is no such dataset or delivery.
    """
    contracts = load_contracts(city)
    contract = contracts.get(dataset)
    if contract is None:
        raise CityError(
            Said(f"没有数据集“{dataset}”。", f"There is no dataset “{dataset}”."),
            where=str(city.sources),
            todo=did_you_mean(dataset, contracts),
        )
    folder = city.deliveries / contract.department / contract.dataset
    found = [f for f in find_files(city.deliveries, {dataset: contract}) if f.contract is contract and not f.status]
    names = sorted({f.delivery for f in found})
    if not names or (delivery is not None and delivery not in names):
        raise CityError(
            Said(f"没有这次交付：{delivery or ''}。", f"There is no such delivery: {delivery or ''}."),
            where=str(folder),
            todo=did_you_mean(delivery or "", names or ["—"]),
        )
    return compare(contract, found, delivery or names[-1], threshold=city.policy.cell_threshold)


def compare(contract: Contract, found: Sequence[Delivered], delivery: str, *, threshold: int = 10) -> Drift:
    """Compare one delivery with the one before it.

    Parameters
    ----------
    found : sequence of Delivered
        The dataset's files, of all deliveries.
    threshold : int
        Texts met fewer times are not told.
    """
    names = sorted({f.delivery for f in found})
    at = names.index(delivery)
    before = names[at - 1] if at else ""
    new = load(delivery, [f for f in found if f.delivery == delivery], contract)
    old = load(before, [f for f in found if f.delivery == before], contract) if before else RawDelivery("")
    findings = [*_written(new), *_rows(old, new)]
    linked = fits = 0
    past = columns_of(_together(old.sheets)) if old.sheets else {}
    for group in _groups(new.sheets):
        side = _Side(contract, old, past, group, delivery, threshold, partial=len(group) < len(new.sheets))
        more, here, kept = side.findings()
        findings += more
        linked, fits = max(linked, here), max(fits, kept)
    return Drift(contract.name, before, delivery, (old.rows, new.rows), linked, fits, tuple(_merged(findings)))


def _in_files(finding: Finding, files: tuple[str, ...]) -> Finding:
    """Limit a finding, and the change that would take it in, to some files."""
    if not files or finding.files:
        return finding
    patch = finding.patch
    if patch is not None and patch.operation == "add_where":
        patch = replace(patch, values={**patch.values, "files": files})
    return replace(finding, files=files, patch=patch)


def _merged(findings: Sequence[Finding]) -> list[Finding]:
    """Put together what groups of files have in common."""
    out: dict[tuple[str, str, str], Finding] = {}
    for f in findings:
        key = (f.kind, f.was, f.now)
        if key in out:
            files = (*out[key].files, *f.files)
            f = _in_files(replace(out[key], files=()), files) if files else out[key]
        out[key] = f
    return list(out.values())


def _together(sheets: Sequence[RawSheet]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables([sheet.columns for sheet in sheets], promote_options="default")


def _groups(sheets: Sequence[RawSheet]) -> list[list[RawSheet]]:
    """Put sheets with the same columns together: one county may have renamed what the others have not."""
    out: dict[frozenset[str], list[RawSheet]] = {}
    for sheet in sheets:
        out.setdefault(frozenset(sheet.columns.column_names), []).append(sheet)
    return list(out.values())


def _written(new: RawDelivery) -> Iterator[Finding]:
    """Tell files that are written in another way than the contract says."""
    for file in new.failed:
        yield Finding(
            "unreadable", "", file, 1.0,
            Said("按约定和常见写法都读不出", "neither the contract nor any usual way of writing reads it"),
            Said("请部门重新交付，或写一个新的 [[layout]]。", "Ask for it again, or write a new [[layout]]."), (file,),
        )  # fmt: skip
    told = {"encoding": "encoding", "separator": "separator", "header_row": "header", "format": "format"}
    by_change: dict[str, list[RawSheet]] = {}
    for sheet in new.sheets:
        if sheet.changed:
            by_change.setdefault(repr(sorted(sheet.changed.items(), key=str)), []).append(sheet)
    for sheets in by_change.values():
        first = sheets[0]
        files = tuple(dict.fromkeys(sheet.found.file for sheet in sheets))
        kind = next(kind for key, kind in told.items() if key in first.changed)
        now = "、".join(f"{key} = {value!r}" for key, value in first.changed.items())
        glob = files[0] if len(files) == 1 else first.layout.files
        values = {**first.changed, "files": first.changed.get("files", glob), "deliveries": new.name}
        yield Finding(
            kind, "", now, 0.95,
            Said(f"按这样读，{len(files)} 个文件的列名对得上", f"read so, the names in {len(files)} files are known"),
            Said(
                "采用后只对这次交付有效；以后都这样，改 deliveries。",
                "It holds for this delivery; widen deliveries if it stays so.",
            ),
            files, Patch("add_layout", (first.layout.format,), values),
        )  # fmt: skip


def _rows(old: RawDelivery, new: RawDelivery) -> Iterator[Finding]:
    if not old.rows or abs(new.rows / old.rows - 1) <= _ROWS:
        return
    yield Finding(
        "rows", str(old.rows), str(new.rows), 1.0,
        Said(f"上次 {old.rows} 行，这次 {new.rows} 行", f"{old.rows} rows before, {new.rows} now"),
        Said("问部门是否漏交或重复。", "Ask whether something is missing or there twice."),
    )  # fmt: skip


@dataclass
class _Side:
    """The new delivery's sheets of one header, held against the old delivery."""

    contract: Contract
    old: RawDelivery
    past: dict[str, Column]
    sheets: list[RawSheet]
    delivery: str
    threshold: int
    partial: bool

    def findings(self) -> tuple[list[Finding], int, int]:
        """Give the findings, the rows of the same persons, and how many columns fit."""
        now = columns_of(_together(self.sheets))
        files = tuple(dict.fromkeys(sheet.found.file for sheet in self.sheets)) if self.partial else ()
        rules = self._rules(self.sheets[0].found.file)
        rule_of = {name: rule for rule in rules for name in rule.source if name in now}
        unknown = [c for name, c in now.items() if name not in rule_of and not (name.startswith("#") and not c.filled)]
        held = {rule.source for rule in rule_of.values()}
        absent = [rule for rule in rules if rule.source not in held and not rule.source[0].startswith("@")]
        link = link_rows(self.past, now) if self.past else None
        lost, words = [], {}
        for rule in absent:
            name = next((n for n in rule.source if n in self.past), None)
            if name is not None:
                lost.append(self.past[name])
                words[name] = tuple(rule.source) + ((rule.concept.label.zh,) if rule.concept else ())
        kept = self._kept(rule_of, now)
        pairs = assign(lost, unknown, [(a, b) for a, b, _ in kept], link, words)
        out = list(self._names(pairs, absent, unknown, link))
        taken = [(self.past[p.old], now[p.new], _rule(absent, p.old)) for p in pairs if p.confidence >= LIKELY]
        exchanged = swapped([(a, b) for a, b, _ in kept], link)
        out += [self._swap(one, other, confidence, link) for one, other, confidence in exchanged]
        moved = {name for one in exchanged for name in one[:2]}
        for a, b, rule in (*kept, *taken):
            if a.name not in moved:
                pair = Pairing(rule, a, b, link, self.delivery, self.threshold, self.old.name, (*files, "")[0])
                more = list(changes(pair))
                out += more or self._by_file(pair)
        return [_in_files(f, files) for f in out], len(link) if link else 0, len(kept)

    def _by_file(self, pair: Pairing) -> Iterator[Finding]:
        """Look for a unit that only some files of the delivery have changed to."""
        if len(self.sheets) < 2 or pair.rule.concept is None or not pair.rule.concept.unit:
            return
        for sheet in self.sheets:
            column = columns_of(sheet.columns.select([pair.new.name]))[pair.new.name]
            for f in changes(replace(pair, new=column, link=None, file=sheet.found.file)):
                if f.kind == "unit":
                    yield _in_files(f, (sheet.found.file,))

    def _rules(self, file: str) -> list[ColumnRule]:
        return [
            r
            for r in self.contract.columns
            if fnmatch.fnmatchcase(file, r.files) and fnmatch.fnmatchcase(self.delivery, r.deliveries)
        ]

    def _kept(self, rule_of: dict[str, ColumnRule], now: dict[str, Column]) -> list[tuple[Column, Column, ColumnRule]]:
        """Give the columns that are in both under a name of their rule."""
        out = []
        for name, rule in rule_of.items():
            before = next((n for n in (name, *rule.source) if n in self.past), None)
            if before is not None:
                out.append((self.past[before], now[name], rule))
        return out

    def _names(
        self, pairs: list[Pair], absent: list[ColumnRule], unknown: list[Column], link: Link | None
    ) -> Iterator[Finding]:
        """Tell columns renamed, lost and new."""
        good = [p for p in pairs if p.confidence >= LIKELY]
        for p in good:
            rule = _rule(absent, p.old)
            yield Finding(
                "renamed",
                p.old,
                p.new,
                p.confidence,
                _why(p, link),
                _decide(p),
                patch=Patch("add_source", rule.source, {"name": p.new}),
            )
        found = {p.old for p in good}
        for rule in absent:
            if found.isdisjoint(rule.source) and not rule.optional:
                yield _lost(rule, next((p for p in pairs if p.old in rule.source), None))
        named = {p.new for p in good}
        for column in unknown:
            if column.name not in named:
                yield _new(column, next((p for p in pairs if p.new == column.name), None), self.threshold)

    def _swap(self, one: str, other: str, confidence: float, link: Link | None) -> Finding:
        n = len(link) if link else 0
        return Finding(
            "swapped", one, other, confidence,
            Said(
                f"“{one}”里是上次“{other}”的内容，反过来也是（同一批人 {n} 行）",
                f"“{one}” holds what “{other}” held, and the reverse ({n} rows of the same persons)",
            ),
            Said("多半是导出时列错位：请部门重新交付。", "Most likely columns moved in the export: ask for it again."),
        )  # fmt: skip


def _rule(rules: Sequence[ColumnRule], name: str) -> ColumnRule:
    return next(rule for rule in rules if name in rule.source)


def _why(p: Pair, link: Link | None) -> Said:
    n = len(link) if link else 0
    same = (
        (
            f"同一批人 {n} 行的值一致程度 {p.agree:.2f}，",
            f"values of {n} rows of the same persons agree {p.agree:.2f}, ",
        )
        if p.agree is not None
        else ("", "")
    )
    rival = (
        (f"；次选“{p.rival[0]}” {p.rival[1]:.2f}", f"; next best “{p.rival[0]}” {p.rival[1]:.2f}")
        if p.rival[0]
        else ("", "")
    )
    return Said(f"{same[0]}内容相似 {p.content:.2f}{rival[0]}", f"{same[1]}content alike {p.content:.2f}{rival[1]}")


def _decide(p: Pair) -> Said:
    return Said(f"“{p.new}”是不是原来的“{p.old}”？是就采用。", f"Is “{p.new}” what “{p.old}” was? If so, apply.")


def _lost(rule: ColumnRule, near: Pair | None) -> Finding:
    hint = (
        (f"最像的是“{near.new}”，把握 {near.confidence:.2f}", f"nearest is “{near.new}”, sure to {near.confidence:.2f}")
        if near
        else ("没有内容相似的新列", "no new column has like contents")
    )
    return Finding(
        "lost", rule.source[0], "", 1.0, Said(*hint),
        Said("请部门补交；不再提供的写 optional = true。", "Ask for it; if it is given no more: optional = true."),
        patch=None,
    )  # fmt: skip


def _new(column: Column, near: Pair | None, threshold: int) -> Finding:
    hint = (
        (f"；像原来的“{near.old}”，把握 {near.confidence:.2f}", f"; like “{near.old}”, sure to {near.confidence:.2f}")
        if near
        else ("", "")
    )
    few = column.filled < threshold
    n = f"<{threshold}" if few else str(column.filled)
    return Finding(
        "new", "", column.name, 1.0,
        Said(f"有内容的 {n} 行{hint[0]}", f"filled in {n} rows{hint[1]}"),
        Said(
            "写明概念，或写 ignore 和原因；commonground suggest 会给出建议。",
            "Give its concept, or ignore with the reason; commonground suggest makes a proposal.",
        ),
    )  # fmt: skip
