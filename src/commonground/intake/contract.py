"""Reads contracts: TOML to ``Contract``, every name checked against the pack, every typo met with the nearest names."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import ContractError, Said, did_you_mean
from commonground.intake.database import read_database
from commonground.intake.keys import VALUES, kinds_of
from commonground.intake.layout_keys import read_format_keys
from commonground.intake.model import (
    FORMATS,
    TEXT_FORMATS,
    ColumnRule,
    Concept,
    Contract,
    DeliveryRule,
    Ignored,
    Kind,
    Layout,
    NonData,
    Pack,
    Values,
    Where,
)
from commonground.intake.pack import load_pack
from commonground.intake.units import factor, known_units
from commonground.toml import check_keys, check_types, read_toml

_REASONS = ("note", "total", "header")


def load_contracts(city: City) -> dict[str, Contract]:
    """Read all contracts of a city, by ``department.dataset``, in that order.

    Raises
    ------
    ContractError
        There is none, or one is written wrongly.
    """
    pack = load_pack(city.settings.pack)
    paths = sorted(p for p in city.sources.glob("*/*.toml") if not p.name.endswith(".suggested.toml"))
    if not paths:
        raise ContractError(
            Said("没有任何数据读取约定。", "There are no contracts."),
            where=str(city.sources),
            why=Said(
                "没有约定，就不知道各部门的文件怎样读。", "Without contracts nobody knows how to read the deliveries."
            ),
            todo=Said(
                "请为每个数据集写 sources/<部门>/<数据集>.toml；格式见 DEVELOPERS.md。",
                "Write sources/<department>/<dataset>.toml for each dataset; DEVELOPERS.md tells the format.",
            ),
        )
    contracts = [load_contract(path, pack) for path in paths]
    return {contract.name: contract for contract in contracts}


def load_contract(path: Path, pack: Pack | None = None) -> Contract:
    """Read one contract.

    Parameters
    ----------
    path : Path
        ``sources/<department>/<dataset>.toml``; the folder and file name the department and dataset.
    pack : Pack, optional
        Concepts, kinds and code lists; the China pack when not given.

    Raises
    ------
    ContractError
        An unknown setting, concept, kind, unit, code or encoding; a pattern that is no regular expression.
    """
    pack = pack or load_pack()
    raw = read_toml(path, ContractError)
    where = str(path)
    sections = dict.fromkeys(("delivery", "layout", "column", "check"), "tables")
    _check(raw, sections | {"dataset": "table", "database": "table"}, where)
    dataset = raw.get("dataset", {})
    _check(dataset, kinds_of("dataset"), f"{where} [dataset]")
    kind = _one_of(dataset.get("kind", ""), pack.kinds, f"{where} [dataset] kind", "数据种类", "kind of dataset")
    rows = dataset.get("rows_per_person", "one")
    _one_of(rows, {"one": 1, "many": 2}, f"{where} [dataset] rows_per_person", "取值", "value")
    title = dataset.get("title", {})
    database = read_database(raw["database"], where) if "database" in raw else None
    fetched = [{"format": "parquet", "files": f"{database.name}.parquet"}] if database else []
    given = raw.get("layout", fetched)
    layouts = tuple(_layout(entry, f"{where} [[layout]] {i}", pack) for i, entry in enumerate(given, 1))
    if not layouts:
        raise ContractError(
            Said("读取约定没有写 [[layout]]。", "The contract has no [[layout]]."),
            where=where,
            todo=Said("请写明文件怎样读。", "Say how its files are read."),
        )
    return Contract(
        path=path,
        department=path.parent.name,
        dataset=path.stem,
        kind=kind,
        title=Said(title.get("zh", kind.label.zh), title.get("en", kind.label.en)),
        subject=_one_of(
            dataset.get("subject", kind.subject), _roles(pack), f"{where} [dataset] subject", "角色", "role"
        ),
        rows_per_person=rows,
        absent=bool(dataset.get("absent", False)),
        ignore=tuple(_ignored(entry, f"{where} [dataset] ignore") for entry in dataset.get("ignore", [])),
        deliveries=tuple(_delivery(entry, f"{where} [[delivery]]", pack) for entry in raw.get("delivery", [])),
        layouts=layouts,
        columns=tuple(_column(entry, where, pack, kind) for entry in raw.get("column", [])),
        hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        checks=_checks(raw.get("check", []), where),
        database=database,
    )


def _checks(entries: list[dict[str, Any]], where: str) -> tuple[Mapping[str, Any], ...]:
    """Take the quality checks that a contract adds, and those that it waives with the reason."""
    if not entries:
        return ()
    from commonground.intake.checks.rules import check_contract_entry

    for i, entry in enumerate(entries, 1):
        check_contract_entry(entry, f"{where} [[check]] {i}")
    return tuple(entries)


def _check(given: Mapping[str, Any], wanted: Mapping[str, str], where: str) -> None:
    """Refuse a setting that the format does not have, or that is written as something else."""
    check_keys(given, set(wanted), where, ContractError)
    check_types(given, wanted, where, ContractError)


def _roles(pack: Pack) -> dict[str, str]:
    """Give the roles whose person a row can be about; "" where rows are not about persons."""
    named = {kind.subject for kind in pack.kinds.values()} | {c.role for c in pack.concepts.values()}
    return {role: role for role in sorted(named | {"", "self"})}


def _one_of(name: str, known: Mapping[str, Any], where: str, zh: str, en: str) -> Any:
    if name not in known:
        raise ContractError(
            Said(f"不认识的{zh}“{name}”。", f"Unknown {en} “{name}”."), where=where, todo=did_you_mean(str(name), known)
        )
    return known[name]


def _regex(text: str, where: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as fault:
        raise ContractError(
            Said(f"“{text}”不是正确的正则表达式。", f"“{text}” is not a regular expression."),
            where=where,
            why=Said(str(fault), str(fault)),
            todo=Said("请改正；括号等符号前要加反斜杠。", "Mend it; brackets and the like need a backslash."),
        ) from None


def _ignored(raw: Mapping[str, Any], where: str) -> Ignored:
    _check(raw, {"files": "text", "sheets": "text", "reason": "table"}, where)
    reason = raw.get("reason", {})
    return Ignored(raw.get("files", "*"), Said(reason.get("zh", ""), reason.get("en", "")), raw.get("sheets", ""))


def _constants(raw: Mapping[str, Any], where: str, pack: Pack) -> dict[str, Any]:
    where = f"{where} constants"
    kinds: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "boolean": (bool,)}
    kinds |= {"date": (dt.date,), "month": (dt.date,)}
    for name, value in raw.items():
        concept = _one_of(name, pack.concepts, where, "概念", "concept")
        if not isinstance(value, kinds.get(concept.type, (str,))):
            raise ContractError(
                Said(f"“{name}”的值类型不对。", f"The value of “{name}” is of the wrong type."),
                where=where,
                todo=Said("数不加引号，代码和文字要加。", "Numbers go without quotes, codes and texts with them."),
            )
        if concept.codes is not None:
            _check_codes([str(value)], concept, where)
    return dict(raw)


def _delivery(raw: Mapping[str, Any], where: str, pack: Pack) -> DeliveryRule:
    _check(raw, kinds_of("delivery"), where)
    repeats = raw.get("repeats", "")
    _one_of(repeats, {"": 0, "confirmed": 1, "repeated": 2}, f"{where} repeats", "取值", "value")
    constants = _constants(raw.get("constants", {}), where, pack)
    return DeliveryRule(raw.get("match", "*"), raw.get("as_of"), constants, repeats)


def _layout(raw: Mapping[str, Any], where: str, pack: Pack) -> Layout:
    _check(raw, kinds_of("layout"), where)
    kind = raw.get("format", "")
    _one_of(kind, dict.fromkeys(FORMATS), f"{where} format", "文件格式", "format")
    encoding = raw.get("encoding", "")
    _check_encoding(encoding, kind in TEXT_FORMATS or kind == "dbf", where)
    header = raw.get("header_row", 0 if kind == "fixed" or raw.get("layout_file") else 1)
    rules = []
    for entry in raw.get("non_data", []):
        _check(entry, {"column": "text", "matches": "text", "reason": "text"}, f"{where} non_data")
        _one_of(entry.get("reason", "note"), dict.fromkeys(_REASONS), f"{where} non_data reason", "原因", "reason")
        pattern = _regex(entry.get("matches", ""), f"{where} non_data")
        rules.append(NonData(clean_name(entry.get("column", "*")), pattern, entry.get("reason", "note")))
    if header == 0 and not raw.get("columns") and not raw.get("layout_file"):
        raise ContractError(
            Said("没有表头的文件要写明各列。", "For a file without a header the columns must be named."),
            where=f"{where} columns",
            todo=Said('按顺序写 columns = ["…", "…"]。', 'Write columns = ["…", "…"] in their order.'),
        )
    short = raw.get("short_rows", "quarantine")
    _one_of(short, {"quarantine": 1, "fill": 2}, f"{where} short_rows", "取值", "value")
    return Layout(
        format=kind,
        files=raw.get("files", "*"),
        deliveries=raw.get("deliveries", "*"),
        sheets=raw.get("sheets", "*"),
        encoding=encoding,
        separator=raw.get("separator", ","),
        quote=raw.get("quote", '"'),
        multiline=bool(raw.get("multiline", False)),
        short_rows=short,
        header_row=tuple(header) if isinstance(header, list) else (header,),
        columns=tuple(clean_name(name) for name in raw.get("columns", [])),
        file_pattern=_regex(raw["file_pattern"], f"{where} file_pattern") if "file_pattern" in raw else None,
        non_data=tuple(rules),
        constants=_constants(raw.get("constants", {}), where, pack),
        **read_format_keys(raw, where),
    )


def _check_encoding(encoding: str, needed: bool, where: str) -> None:
    if not encoding and needed:
        raise ContractError(
            Said("文本文件必须写明编码。", "Text files must declare their encoding."),
            where=f"{where} encoding",
            why=Said("编码猜错会把姓名读成别的字。", "A wrong guess turns names into other names."),
            todo=Said('例如 encoding = "gb18030"，或 "utf-8"。', 'For example encoding = "gb18030", or "utf-8".'),
        )
    try:
        "".encode(encoding or "utf-8")
    except (LookupError, UnicodeError):
        known = ("utf-8", "gb18030", "gbk", "cp936", "utf-16", "big5")
        raise ContractError(
            Said(f"不认识的编码“{encoding}”。", f"Unknown encoding “{encoding}”."),
            where=f"{where} encoding",
            todo=did_you_mean(encoding, known),
        ) from None


def clean_name(name: str) -> str:
    """Give a column's name as it is compared: compatibility forms folded, no white space."""
    import unicodedata

    return "".join(unicodedata.normalize("NFKC", name).split())


def _column(raw: Mapping[str, Any], where: str, pack: Pack, kind: Kind) -> ColumnRule:
    source = raw.get("source", "")
    names = tuple(source) if isinstance(source, list) else (source,)
    where = f"{where} [[column]] {'、'.join(map(str, names))}"
    _check(raw, kinds_of("column"), where)
    if not names or not all(names):
        raise ContractError(
            Said("列没有写 source。", "A column has no source."),
            where=where,
            todo=Said("请写文件里的列名。", "Write the column's name in the file."),
        )
    if ("concept" in raw) == ("ignore" in raw):
        raise ContractError(
            Said("每列要写 concept 或 ignore 之一。", "A column needs either concept or ignore."),
            where=where,
            todo=Said(
                "不用的列写 ignore = { zh = …, en = … }。", "Write ignore = { zh = …, en = … } for a column not taken."
            ),
        )
    plain = tuple(clean_name(name) for name in names)
    scope = {"files": raw.get("files", "*"), "deliveries": raw.get("deliveries", "*")}
    if "ignore" in raw and kind.only:
        raise ContractError(
            Said(f"“{kind.label.zh}”里不能有别的列。", f"“{kind.label.en}” may hold no other columns."),
            where=where,
            why=Said("不读的列也已经交来了。", "A column that is not taken has been handed over all the same."),
            todo=Said("请部门去掉这一列重新交付。", "Ask the department to deliver without it."),
        )
    if "ignore" in raw:
        reason = raw["ignore"]
        return ColumnRule(plain, None, True, reason=Said(reason.get("zh", ""), reason.get("en", "")), **scope)
    concept = _one_of(raw["concept"], pack.concepts, where, "概念", "concept")
    _check_allowed(concept, kind, where)
    base = _values(raw, concept, where, Values())
    overrides = []
    for entry in raw.get("where", []):
        _check(entry, {"when": "table"} | kinds_of("column", only=VALUES), f"{where} where")
        when = {clean_name(name): str(glob) for name, glob in entry.get("when", {}).items()}
        overrides.append(Where(when, _values(entry, concept, f"{where} where", base)))
    pattern = _regex(raw["pattern"], f"{where} pattern") if "pattern" in raw else concept.pattern
    return ColumnRule(
        plain, concept, bool(raw.get("optional", False)), values=base, where=tuple(overrides), pattern=pattern, **scope
    )


def _check_allowed(concept: Concept, kind: Kind, where: str) -> None:
    """Refuse a concept that files of a kind may not hold, such as a name among encodings."""
    if kind.only and concept.name not in kind.only:
        raise ContractError(
            Said(
                f"“{kind.label.zh}”里不能有“{concept.label.zh}”。",
                f"“{concept.label.en}” may not stand in “{kind.label.en}”.",
            ),
            where=where,
            why=Said(
                "交这种文件，就是为了不交姓名等能认出人的内容。",
                "Such files are handed over so that nothing that identifies a person is.",
            ),
            todo=Said(
                "请部门去掉这一列重新交付；不要在约定里写 ignore 放过。",
                "Ask the department to deliver without this column; do not let it pass by ignore.",
            ),
        )


def _values(raw: Mapping[str, Any], concept: Concept, where: str, base: Values) -> Values:
    codes = raw.get("codes", base.codes)
    if codes is not None:
        codes = {clean_name(str(key)): str(value) for key, value in codes.items()}
        _check_codes(codes.values(), concept, where)
    unit = raw.get("unit", base.unit)
    if factor(unit, concept.unit) is None:
        raise ContractError(
            Said(f"单位“{unit}”不能换算成“{concept.unit}”。", f"The unit “{unit}” cannot become “{concept.unit}”."),
            where=where,
            todo=did_you_mean(unit, known_units()),
        )
    bounds = raw.get("range", base.range)
    order = raw.get("order", base.order)
    _one_of(order, {"": 0, "dmy": 1, "mdy": 2}, f"{where} order", "取值", "value")
    missing = {clean_name(str(key)): str(value) for key, value in raw.get("missing", base.missing).items()}
    return Values(codes, missing, unit, None if bounds is None else (float(bounds[0]), float(bounds[1])), order)


def _check_codes(values: Iterable[str], concept: Concept, where: str) -> None:
    if concept.type == "boolean":
        known: Mapping[str, Any] = {"0": None, "1": None}
    elif concept.codes is not None:
        known = concept.codes.labels
    else:
        return
    for value in values:
        _one_of(value, known, f"{where} codes", "代码", "code")
