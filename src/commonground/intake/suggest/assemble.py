"""A dataset's proposal put together: layouts, columns with their other names, what holds for whole deliveries."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from commonground.errors import Said
from commonground.intake.model import Concept, Pack
from commonground.intake.suggest import places, pseudo
from commonground.intake.suggest.gather import Aside, Found, Group
from commonground.intake.suggest.layouts import Written, layouts
from commonground.intake.suggest.meaning.lexicon import load
from commonground.intake.suggest.model import OTHER, ColumnProfile, ColumnProposal, DatasetProposal, SheetProfile

Propose = Callable[..., DatasetProposal]
_TELLING = 4  # kinds; a concept that more of them have says nothing about the kind
_STRANGE = 0.2  # share of common columns under which a sheet may be of another kind than its neighbour


@dataclass
class Column:
    """One ``[[column]]`` of the contract: ``sources`` are the names that it has in different files."""

    sources: list[str]
    proposal: ColumnProposal
    optional: bool = False
    deliveries: str = ""
    renamed: Said | None = None
    clash: str = ""

    @property
    def decided(self) -> bool:
        """Whether a concept stands for it and no other column of the same file has taken that concept."""
        return self.proposal.concept is not None and not self.clash


@dataclass(frozen=True)
class Delivery:
    """One ``[[delivery]]``: what its titles and file names say of all its rows."""

    match: str
    as_of: dt.date | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)
    why: Said | None = None


@dataclass
class Draft:
    """Everything that a contract says, before it is written."""

    department: str
    dataset: str
    proposal: DatasetProposal
    layouts: list[Written]
    columns: list[Column]
    deliveries: list[Delivery]
    found: list[Found]
    aside: list[Aside]
    doubts: list[Said]

    @property
    def undecided(self) -> list[Column]:
        """Columns that a person must decide; pseudo-columns need no decision."""
        return [column for column in self.columns if not column.decided and not column.sources[0].startswith("@")]


def assemble(group: Group, pack: Pack, propose: Propose) -> Draft:
    """Put the proposal of one dataset together."""
    written = layouts(group.found, group.aside)
    sheets = [one.profile for one in group.found]
    proposal = propose(sheets, pack, dataset=group.dataset, department=group.department)
    present = _present(group.found, sheets)
    columns = [Column([one.column.name], keep_values(one, pack)) for one in proposal.columns]
    columns = _join_renamed(columns, present)
    _clashes(columns, present)
    every = set(range(len(sheets)))
    for column in columns:
        held = set().union(*(present.get(name, set()) for name in column.sources))
        if held != every:
            _limit(column, held, group.found)
    doubts = [*_doubts(group.found), *_strangers(group.found), *proposal.doubts]
    taken = {column.proposal.concept for column in columns if column.decided}
    names = [Column([one.name], pseudo.propose(one, pack, taken)) for one in pseudo.columns(group.found, written)]
    for name in names:
        if name.proposal.concept in taken:
            name.proposal = replace(name.proposal, concept=None)  # of two names that say the same the first is taken
        taken.add(name.proposal.concept)
    doubts += _kind_doubts(proposal.kind, columns, pack)
    columns = [*names, *columns]
    _drop_idle_patterns(written, names)
    deliveries = _deliveries(group.found, pack, taken)
    return Draft(
        group.department, group.dataset, proposal, written, columns, deliveries, group.found, group.aside, doubts
    )


def _kind_doubts(kind: str | None, columns: Sequence[Column], pack: Pack) -> list[Said]:
    """Ask about a kind that speaks from columns which nearly every kind has: a register of cars has owners, too."""
    known = [column.proposal.concept for column in columns if column.decided]
    if kind is None or not known:
        return []
    kinds = load().kinds.values()
    telling = [c for c in known if sum(c in one.core | one.often for one in kinds) <= _TELLING]
    if len(known) >= (0.4 if telling else 0.6) * len(columns):
        return []
    label = pack.kinds[kind].label
    return [
        Said(
            f"数据种类“{label.zh}”依据不足：{len(columns)} 列中只认出 {len(known)} 列；"
            f'如果不是，请把 kind 改成别的，或写 kind = "{OTHER}"（不参与变量计算）。',
            f"The kind “{label.en}” rests on little: {len(known)} of {len(columns)} columns are known; if it is "
            f'another, change kind, or write kind = "{OTHER}" (no definition asks for it).',
        )
    ]


def _drop_idle_patterns(written: Sequence[Written], names: Sequence[Column]) -> None:
    """Leave out a pattern of which nothing is taken: it would refuse files whose names happen not to fit it."""
    used = {name.sources[0] for name in names if name.decided}
    for layout in written:
        pattern = layout.keys.get("file_pattern")
        if pattern and not used & {f"@{group}" for group in re.compile(pattern).groupindex}:
            layout.idle_pattern = layout.keys.pop("file_pattern")


def keep_values(proposal: ColumnProposal, pack: Pack) -> ColumnProposal:
    """Take out of ``missing`` what is a value: a code of the concept's list, a number among numbers as frequent.

    A value that is taken for a sign of absence would be lost without a trace in quarantine.
    """
    concept, missing = pack.concepts.get(proposal.concept or ""), proposal.rule.get("missing")
    if concept is None or not missing:
        return proposal
    times = dict(proposal.column.values)
    kept = {text: why for text, why in missing.items() if not _is_value(text, times, concept)}
    if len(kept) == len(missing):
        return proposal
    rule = {name: value for name, value in proposal.rule.items() if name != "missing"} | (
        {"missing": kept} if kept else {}
    )
    why = dict(proposal.why)
    if not kept:
        why.pop("missing", None)
    return replace(proposal, rule=rule, why=why)


def _is_value(text: str, times: Mapping[str, int], concept: Concept) -> bool:
    if concept.codes is not None and concept.codes.canonical(text) is not None:
        return True
    if concept.type != "integer" or concept.range is None or not text.isdigit():
        return False
    number = int(text)
    beside = max(times.get(str(number - 1), 0), times.get(str(number + 1), 0))
    return concept.range[0] <= number <= concept.range[1] and beside * 4 >= times.get(text, 0)


def _doubts(found: Sequence[Found]) -> list[Said]:
    """Doubts of all files; one that several files share, but for its figures, is said once, with its first place."""
    seen: dict[str, list[tuple[str, Said]]] = {}
    for one in found:
        for said in one.profile.doubts:
            place = "/".join(part for part in (one.place.delivery, one.place.file, one.profile.sheet) if part)
            seen.setdefault(re.sub(r"\d+", "#", said.zh), []).append((place, said))
    out = []
    for places_of in seen.values():
        place, said = places_of[0]
        n = len(places_of)
        more = Said(f"等 {n} 处" if n > 1 else "", f" and {n - 1} more" if n > 1 else "")
        out.append(Said(f"{place}{more.zh}：{said.zh}", f"{place}{more.en}: {said.en}"))
    return out


def _strangers(found: Sequence[Found]) -> list[Said]:
    """Ask about sheets, such as tables of a dump, that have hardly a column of their file's largest one."""
    out = []
    for path in dict.fromkeys(one.path for one in found):
        sheets = [one for one in found if one.path == path and one.profile.sheet]
        if len(sheets) < 2:
            continue
        main = max(sheets, key=lambda one: one.profile.rows * len(one.profile.columns))
        names = {column.name for column in main.profile.columns}
        for one in sheets:
            own = {column.name for column in one.profile.columns}
            if len(own & names) >= _STRANGE * len(own | names):
                continue
            file, sheet, other = one.place.file, one.profile.sheet, main.profile.sheet
            entry = f'{{ files = "{file}", sheets = "{sheet}", reason = {{ zh = "…", en = "…" }} }}'
            out.append(
                Said(
                    f"{file} 里“{sheet}”与“{other}”几乎没有相同的列，可能不是同一种数据；"
                    f"不是本数据集的，请在 [dataset] 的 ignore 中写 {entry}。",
                    f"{file}: “{sheet}” has hardly a column of “{other}” and may be other data; if it does not belong "
                    f"here, write {entry} into ignore of [dataset].",
                )
            )
    return out


def _present(found: Sequence[Found], sheets: Sequence[SheetProfile]) -> dict[str, set[int]]:
    out: dict[str, set[int]] = {}
    for i, sheet in enumerate(sheets):
        for column in sheet.columns:
            out.setdefault(column.name, set()).add(i)
    return out


def _join_renamed(columns: list[Column], present: Mapping[str, set[int]]) -> list[Column]:
    """Take columns that never stand together for names of one where their meaning, or all but it, is the same."""
    out: list[Column] = []
    for column in columns:
        name = column.sources[0]
        for other in out:
            held = set().union(*(present.get(source, set()) for source in other.sources))
            if held & present.get(name, set()):
                continue
            said = _same(other.proposal, column.proposal)
            if said is not None:
                other.sources.append(name)
                other.renamed = said
                if other.proposal.concept is None and column.proposal.concept is not None:
                    other.proposal = replace(column.proposal, column=other.proposal.column)
                break
        else:
            out.append(column)
    return out


def _same(one: ColumnProposal, two: ColumnProposal) -> Said | None:
    """Tell why two columns that never stand together are one; None where they are not."""
    if one.concept is not None and one.concept == two.concept:
        if dict(one.rule.get("codes", {})) != dict(two.rule.get("codes", {})):
            return None
        return Said("在不同文件里名称不同，含义相同", "named differently in different files, of one meaning")
    if one.concept is not None and two.concept is not None:
        return None
    alike = difflib.SequenceMatcher(None, one.column.name, two.column.name).ratio()
    common = _overlap(one.column, two.column)
    if (alike >= 0.6 and common >= 0.3) or (alike >= 0.5 and common >= 0.8):
        return Said(
            f"从不在同一文件出现，名称相近（{alike:.0%}），内容相近（{common:.0%}），请核对",
            f"never in one file, names alike ({alike:.0%}), contents alike ({common:.0%}): check it",
        )
    return None


def _overlap(one: ColumnProfile, two: ColumnProfile) -> float:
    """Share of rows whose text stands in both columns; of columns with many texts, share of common forms."""
    common = _common(dict(one.values), dict(two.values))
    if min(one.distinct, two.distinct) > 100:
        common = max(common, _common(_forms(one.sample), _forms(two.sample)))
    return common


def _common(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    total, other = sum(first.values()) or 1, sum(second.values()) or 1
    return sum(min(first[text] / total, second[text] / other) for text in first.keys() & second.keys())


def _forms(texts: Sequence[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for text in texts[:500]:
        form = re.sub("[\u4e00-\u9fff]", "汉", re.sub("[A-Za-z]", "a", re.sub(r"\d", "9", text)))
        out[form] = out.get(form, 0) + 1
    return out


def _clashes(columns: Sequence[Column], present: Mapping[str, set[int]]) -> None:
    """Leave a concept to the surest of the columns that claim it in one file; the others must be decided."""
    claims: dict[str, list[Column]] = {}
    for column in sorted(columns, key=lambda one: -one.proposal.confidence):
        concept = column.proposal.concept
        if concept is None:
            continue
        held = set().union(*(present.get(name, set()) for name in column.sources))
        for other in claims.setdefault(concept, []):
            if held & set().union(*(present.get(name, set()) for name in other.sources)):
                column.clash = other.sources[0]
                break
        else:
            claims[concept].append(column)


def _limit(column: Column, held: set[int], found: Sequence[Found]) -> None:
    """Limit a column that some files lack to its deliveries where that says it exactly; else it is optional."""
    inside = {found[i].place.delivery for i in held}
    outside = {one.place.delivery for i, one in enumerate(found) if i not in held}
    if len(inside) == 1 and not inside & outside and "" not in inside:
        delivery = inside.pop()
        same_year = {d for d in outside if d[:4] == delivery[:4]}
        column.deliveries = delivery if same_year or not delivery[:4].isdigit() else f"{delivery[:4]}-*"
    else:
        column.optional = True


def _deliveries(found: Sequence[Found], pack: Pack, taken: set[str | None]) -> list[Delivery]:
    """What titles and file names say of whole deliveries: the school year, the day that the data describe."""
    out = []
    for name in sorted({one.place.delivery for one in found}):
        inside = [one for one in found if one.place.delivery == name]
        texts = [text for one in inside for text in (*one.titles, one.place.file)]
        year = places.school_year(texts) if "school_year" in pack.concepts and "school_year" not in taken else None
        day = places.as_of(texts)
        if year is None and day is None:
            continue
        said = "、".join(f"“{hit[1]}”" for hit in (year, day) if hit)
        out.append(
            Delivery(
                name or "*",
                day[0] if day else None,
                {"school_year": year[0]} if year else {},
                Said(f"标题或文件名写着{said}", f"a title or file name says {said}"),
            )
        )
    return out
