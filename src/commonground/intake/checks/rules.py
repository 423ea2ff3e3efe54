"""Reads a pack's ``checks.toml`` and a contract's ``[[check]]`` and makes the checks of a dataset of them."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonground.city import Settings
from commonground.errors import CityError, ContractError, Said, did_you_mean
from commonground.intake.checks.model import CATEGORIES, CONTEXTS, Check, CheckType, Limits
from commonground.intake.keys import WAIVER, kinds_of
from commonground.intake.model import Contract, Pack
from commonground.packs import pack_folder
from commonground.toml import check_keys, check_types, read_toml

_LIMITS = kinds_of("check", only=("warn", "fail", "least", "expected", "both"))
_TYPE = {
    "zh": "text",
    "en": "text",
    "said": "said",
    "todo": "said",
    "category": "text",
    "context": "text",
    "measure": "text",
    "source": "text",
    **_LIMITS,
}
_BOUND = kinds_of("check", but=WAIVER)
_MAY_LACK = frozenset({"low", "high", "when", "rows", "tolerance", "strict", "relations", "absence", "total"})
_WAIVER = kinds_of("check", only=WAIVER)


@dataclass(frozen=True)
class Rulebook:
    """The check types of a pack, and where each is put to use."""

    types: Mapping[str, CheckType]
    entries: tuple[Mapping[str, Any], ...]
    path: Path


@functools.lru_cache(maxsize=4)
def _read(path: Path, stamp: tuple[int, int]) -> Rulebook:
    raw = read_toml(path, ContractError)
    check_keys(raw, {"type", "check"}, str(path), ContractError)
    types = {name: _type(name, entry, f"{path} [type.{name}]") for name, entry in raw.get("type", {}).items()}
    for i, entry in enumerate(raw.get("check", []), 1):
        _check_entry(entry, types, f"{path} [[check]] {i}")
    return Rulebook(types, tuple(raw.get("check", [])), path)


def load_rules(pack: str = "china") -> Rulebook:
    """Read the checks of a pack; read again when the file has changed.

    Raises
    ------
    ContractError
        A type or check is written wrongly.
    """
    path = pack_folder(pack) / "checks.toml"
    found = path.stat()
    return _read(path, (found.st_mtime_ns, found.st_size))


def _type(name: str, raw: Mapping[str, Any], where: str) -> CheckType:
    check_keys(raw, set(_TYPE), where, ContractError)
    check_types(raw, _TYPE, where, ContractError)
    for key, known in (("category", CATEGORIES), ("context", CONTEXTS)):
        if raw.get(key) not in known:
            raise ContractError(
                Said(f"“{key}”没有写或写错。", f"“{key}” is missing or unknown."),
                where=where,
                todo=did_you_mean(str(raw.get(key, "")), known),
            )
    return CheckType(
        name=name,
        title=Said(raw["zh"], raw["en"]),
        said=Said(**raw["said"]),
        todo=Said(**raw["todo"]),
        category=raw["category"],
        context=raw["context"],
        limits=limits_of(raw, Limits()),
        measure=raw.get("measure", "share"),
        source=raw.get("source", ""),
    )


def limits_of(raw: Mapping[str, Any], base: Limits) -> Limits:
    """Give ``base`` with the limits that ``raw`` names in their place."""
    return dataclasses.replace(base, **{name: raw[name] for name in _LIMITS if name in raw})


def _check_entry(raw: Mapping[str, Any], types: Mapping[str, CheckType], where: str) -> None:
    check_keys(raw, set(_BOUND), where, ContractError)
    check_types(raw, _BOUND, where, ContractError)
    if raw.get("type") not in types:
        raise ContractError(
            Said(f"没有“{raw.get('type', '')}”这种检查。", f"There is no check type “{raw.get('type', '')}”."),
            where=where,
            todo=did_you_mean(str(raw.get("type", "")), types),
        )


def check_contract_entry(raw: Mapping[str, Any], where: str, pack: str = "china") -> None:
    """Refuse a ``[[check]]`` of a contract that is neither a check nor a waiver with its reason.

    Raises
    ------
    ContractError
        An unknown type or setting, or a waiver without a reason.
    """
    check_keys(raw, {*_BOUND, *_WAIVER}, where, ContractError)  # a typo of either kind finds its right word
    if "waive" not in raw:
        rules = load_rules(pack)
        _check_entry(raw, rules.types, where)
        _check_whole(raw, rules, where)
        return
    check_keys(raw, set(_WAIVER), where, ContractError)
    check_types(raw, _WAIVER, where, ContractError)
    reason = raw.get("reason", {})
    if not reason.get("zh") or not reason.get("en"):
        raise ContractError(
            Said("免查没有写原因。", "A waived check needs a reason."),
            where=f"{where} reason",
            todo=Said("请写 reason = { zh = …, en = … }。", "Write reason = { zh = …, en = … }."),
        )


def _check_whole(raw: Mapping[str, Any], rules: Rulebook, where: str) -> None:
    """Refuse a check that names fewer columns, or lacks a parameter, than every check of its type in the pack."""
    name = raw["type"]
    usual = [entry for entry in rules.entries if entry["type"] == name]
    least = min(map(_about, usual), default=2)
    if _about(raw) < least:
        raise ContractError(
            Said(f"检查“{name}”没有写查哪几列。", f"The check “{name}” does not say which columns it is about."),
            where=where,
            why=Said(f"这种检查至少要 {least} 列。", f"It needs {least} columns or more."),
            todo=Said(
                '请写 concepts = ["…"]，每个概念查一次；或 columns = ["…", "…"]，几列一起查。',
                'Write concepts = ["…"], of which each is checked, or columns = ["…", "…"], checked together.',
            ),
        )
    needed = set.intersection(*(set(entry.get("params", {})) for entry in usual)) - _MAY_LACK if usual else set()
    lacking = sorted(needed - set(raw.get("params", {})))
    if lacking:
        raise ContractError(
            Said(f"检查“{name}”缺少参数 {'、'.join(lacking)}。", f"The check “{name}” lacks {', '.join(lacking)}."),
            where=f"{where} params",
            todo=Said(f"例如 params = {usual[0]['params']}。", f"Such as params = {usual[0]['params']}."),
        )


def _about(entry: Mapping[str, Any]) -> int:
    """How many columns an entry is about at once."""
    return len(entry["columns"]) if "columns" in entry else int("concepts" in entry or "types" in entry)


def checks_of(contract: Contract, columns: Iterable[str], pack: Pack, rules: Rulebook) -> dict[str, Check]:
    """Give the checks of a dataset by id: those of its concepts and kind, and those of its contract.

    Parameters
    ----------
    columns : iterable of str
        Columns of the dataset's records.
    """
    there = list(dict.fromkeys(columns))
    out: dict[str, Check] = {}
    own = [entry for entry in contract.checks if "waive" not in entry]
    for entry in (*rules.entries, *own):
        kinds = entry.get("kinds", ["*"])
        if not any(fnmatch.fnmatchcase(contract.kind.name, kind) for kind in kinds):
            continue
        for bound in _bindings(entry, there, pack):
            check = _make(entry, bound, rules, pack)
            out[check.id] = check
    for entry in contract.checks:
        if "waive" in entry:
            reason = Said(**entry["reason"])
            for name in [name for name in out if fnmatch.fnmatchcase(name, entry["waive"])]:
                out[name] = dataclasses.replace(out[name], waived=reason)
    return out


def _bindings(entry: Mapping[str, Any], there: list[str], pack: Pack) -> list[tuple[str, ...]]:
    """Give the tuples of columns that an entry stands for in a dataset."""
    if "columns" in entry:
        bound = tuple(entry["columns"])
        return [bound] if all(name in there or name == "file" for name in bound) else []
    if "concepts" not in entry and "types" not in entry:
        return [()]
    left_out = entry.get("except", ())
    out: list[tuple[str, ...]] = []
    for name in there:
        concept = pack.concepts[name]
        if any(fnmatch.fnmatchcase(name, glob) for glob in left_out):
            continue
        named = any(fnmatch.fnmatchcase(name, glob) for glob in entry.get("concepts", ["*"]))
        if named and ("types" not in entry or concept.type in entry["types"]):
            out.append((name,))
    return out


class _Words(dict[str, str]):
    """Fills the slots of a text; one that nothing fills stays as it is written."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def _make(entry: Mapping[str, Any], bound: tuple[str, ...], rules: Rulebook, pack: Pack) -> Check:
    kind = rules.types[entry["type"]]
    params = entry.get("params", {})
    texts = []
    for text in (
        Said(**entry["said"]) if "said" in entry else kind.said,
        Said(**entry["todo"]) if "todo" in entry else kind.todo,
    ):
        filled = []
        for lang in ("zh", "en"):
            names = {f"c{i}": _column_name(name, pack, lang) for i, name in enumerate(bound)}
            words = _Words({**{k: str(v) for k, v in params.items()}, **names})
            filled.append(text(lang).format_map(words))
        texts.append(Said(*filled))
    about = entry.get("name") or "-".join(bound)
    if entry.get("name") and "columns" not in entry and bound:
        about = f"{entry['name']}-{bound[0]}"
    return Check(
        id=f"{kind.name}.{about}" if about else kind.name,
        type=kind,
        columns=bound,
        params=params,
        said=texts[0],
        todo=texts[1],
        limits=limits_of(entry, kind.limits),
        source=entry.get("source", kind.source),
    )


def _column_name(name: str, pack: Pack, lang: str) -> str:
    concept = pack.concepts.get(name)
    return concept.label(lang) if concept else name


def city_limits(check: Check, dataset: str, settings: Settings) -> Limits:
    """Give a check's limits in a city: those of ``[quality]`` in city.toml before those of the pack.

    The key that names the check most closely decides: ``department.dataset/check``, the check, then its type.
    """
    limits = check.limits
    for key in (check.type.name, check.id, f"{dataset}/{check.type.name}", f"{dataset}/{check.id}"):
        raw = settings.quality.get(key)
        if raw is not None:
            limits = limits_of(raw, limits)
    return limits


def check_city_limits(settings: Settings, known: Iterable[str], where: str) -> None:
    """Refuse limits in city.toml for checks that do not exist, or written wrongly.

    Raises
    ------
    CityError
        An unknown check or setting.
    """
    names = set(known)
    for key, raw in settings.quality.items():
        here = f"{where} [quality] {key}"
        if key.rpartition("/")[2] not in names:
            raise CityError(
                Said(f"没有“{key}”这项检查。", f"There is no check “{key}”."),
                where=here,
                todo=did_you_mean(key.rpartition("/")[2], names),
            )
        if not isinstance(raw, Mapping):
            raise CityError(
                Said("检查的限值写法不对。", "The limits of a check are written wrongly."),
                where=here,
                todo=Said("写成 { warn = 0.01, fail = 0.05 }。", "Write { warn = 0.01, fail = 0.05 }."),
            )
        check_keys(raw, set(_LIMITS), here)
        check_types(raw, _LIMITS, here)


def counting_hash(contracts: Mapping[str, Contract], rules: Rulebook) -> str:
    """Hash of all that changes what is counted; limits and texts do not, so that they may change without a new run."""
    counted = ("type", "name", "concepts", "types", "except", "columns", "kinds", "params")
    entries = itertools.chain(rules.entries, *(contract.checks for contract in contracts.values()))
    plain = [{key: entry[key] for key in counted if key in entry} for entry in entries if "waive" not in entry]
    return hashlib.sha256(json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str).encode()).hexdigest()
