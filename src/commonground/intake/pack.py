"""Reads what intake needs of a pack: concepts, kinds of datasets, code lists, the Chinese calendar."""

from __future__ import annotations

import datetime as dt
import fnmatch
import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from commonground.errors import ContractError, Said, did_you_mean
from commonground.intake.model import TYPES, CodeGroup, CodeList, Concept, Kind, Pack, Writing
from commonground.packs import pack_folder
from commonground.toml import check_keys, read_toml

_CONCEPT_KEYS = {
    "zh",
    "en",
    "type",
    "unit",
    "range",
    "codes",
    "pattern",
    "identifying",
    "role",
    "field",
    "precision",
    "absence",
    "reading",
}


@functools.lru_cache(maxsize=4)
def load_pack(name: str = "china") -> Pack:
    """Read the pack called ``name`` once a process.

    Raises
    ------
    ContractError
        A concept or list of the pack is written wrongly.
    """
    folder = pack_folder(name)
    codes = {path.stem: _code_list(path) for path in sorted((folder / "codes").glob("*.toml"))}
    concepts = _concepts(folder / "concepts.toml", codes)
    kinds = _kinds(folder / "kinds.toml")
    digest = hashlib.sha256()
    for path in [folder / "concepts.toml", folder / "kinds.toml", *sorted((folder / "codes").iterdir())]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return Pack(concepts, kinds, codes, lunar_years(name), digest.hexdigest())


def _said(raw: Mapping[str, Any], where: str) -> Said:
    if not isinstance(raw.get("zh"), str) or not isinstance(raw.get("en"), str):
        raise ContractError(
            Said("缺少中文或英文名称。", "A label in Chinese or English is missing."),
            where=where,
            todo=Said("请写 zh 和 en 两项。", "Write both zh and en."),
        )
    return Said(raw["zh"], raw["en"])


_LIST_KEYS = {"zh", "en", "source", "since", "until", "note", "width", "codes", "writings", "groups"}
_CODE_KEYS = {"zh", "en", "also", "since", "until"}
_GROUP_KEYS = {"zh", "en", "codes"}
_WRITING_KEYS = {"zh", "en", "source", "since", "until", "codes"}


def _code_list(path: Path) -> CodeList:
    raw = read_toml(path, ContractError)
    check_keys(raw, _LIST_KEYS, str(path), ContractError)
    labels = {code: _said(entry, f"{path} {code}") for code, entry in raw["codes"].items()}
    aliases: dict[str, str] = {}
    dates = {}
    for code, entry in raw["codes"].items():
        check_keys(entry, _CODE_KEYS, f"{path} {code}", ContractError)
        for word in (entry["zh"], entry["en"], *entry.get("also", ())):
            aliases.setdefault(word, code)
        if "since" in entry or "until" in entry:
            dates[code] = (str(entry.get("since", raw["since"])), str(entry.get("until", raw.get("until", ""))))
    return CodeList(
        path.stem,
        _said(raw, str(path)),
        raw["source"],
        str(raw["since"]),
        labels,
        aliases,
        raw.get("width", 0),
        str(raw.get("until", "")),
        raw.get("note", ""),
        dates,
        {name: _writing(one, labels, f"{path} [writings.{name}]") for name, one in raw.get("writings", {}).items()},
        _groups(raw.get("groups", {}), labels, str(path)),
    )


def _groups(raw: Mapping[str, Any], labels: Mapping[str, Said], where: str) -> dict[str, CodeGroup]:
    """Groups of codes: each names codes (``2*`` for all that begin with 2) and groups that stand above it."""
    made: dict[str, CodeGroup] = {}
    for name, group in raw.items():
        check_keys(group, _GROUP_KEYS, f"{where} [groups.{name}]", ContractError)
        codes: set[str] = set()
        for word in group["codes"]:
            found = made[word].codes if word in made else fnmatch.filter(labels, word)
            if not found:
                raise ContractError(
                    Said(f"代码表里没有“{word}”。", f"The list has no “{word}”."),
                    where=f"{where} [groups.{name}]",
                    todo=did_you_mean(word, [*labels, *made]),
                )
            codes |= set(found)
        made[name] = CodeGroup(_said(group, f"{where} [groups.{name}]"), frozenset(codes))
    return made


def _writing(raw: Mapping[str, Any], labels: Mapping[str, Said], where: str) -> Writing:
    check_keys(raw, _WRITING_KEYS, where, ContractError)
    for code in raw["codes"].values():
        if code not in labels:
            raise ContractError(
                Said(f"代码表里没有代码 {code}。", f"The list has no code {code}."),
                where=where,
                todo=did_you_mean(code, labels),
            )
    dates = str(raw["since"]), str(raw.get("until", ""))
    return Writing(_said(raw, where), raw["source"], *dates, dict(raw["codes"]))


def _concepts(path: Path, codes: Mapping[str, CodeList]) -> dict[str, Concept]:
    out = {}
    for name, raw in read_toml(path, ContractError).items():
        where = f"{path} [{name}]"
        check_keys(raw, _CONCEPT_KEYS, where, ContractError)
        if raw["type"] not in TYPES:
            raise ContractError(
                Said("不认识的类型。", "Unknown type."), where=where, todo=did_you_mean(raw["type"], TYPES)
            )
        listed = raw.get("codes")
        if listed is not None and listed not in codes:
            raise ContractError(
                Said("没有这个代码表。", "There is no such list."), where=where, todo=did_you_mean(listed, codes)
            )
        bounds = raw.get("range")
        out[name] = Concept(
            name,
            _said(raw, where),
            raw["type"],
            unit=raw.get("unit", ""),
            range=None if bounds is None else (float(bounds[0]), float(bounds[1])),
            codes=None if listed is None else codes[listed],
            pattern=re.compile(raw["pattern"]) if "pattern" in raw else None,
            identifying=raw.get("identifying", False),
            role=raw.get("role", ""),
            field=raw.get("field", ""),
            precision=raw.get("precision", False),
            absence=raw.get("absence", False),
            reading=raw.get("reading", ""),
        )
    return out


def _kinds(path: Path) -> dict[str, Kind]:
    return {
        name: Kind(name, _said(raw, f"{path} [{name}]"), raw.get("subject", ""), tuple(raw.get("only", ())))
        for name, raw in read_toml(path, ContractError).items()
    }


def lunar_years(name: str = "china") -> dict[int, tuple[dt.date, tuple[tuple[int, bool, int], ...]]]:
    """Give for each year of the Chinese calendar its first day and its months as (month, leap, days)."""
    years = {}
    path = pack_folder(name) / "codes" / "lunar_years.csv"
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line[:4].isdigit():
            continue
        year, first, days = line.split(",")
        months, number = [], 0
        for word in days.split():
            leap = word.startswith("+")
            number += not leap
            months.append((number, leap, int(word.lstrip("+"))))
        years[int(year)] = (dt.date.fromisoformat(first), tuple(months))
    return years
