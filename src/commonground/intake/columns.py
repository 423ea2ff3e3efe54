"""Holds a file's columns against its contract: none unknown, none missing, labels in agreement."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from commonground.errors import ContractError, DeliveryError, Said, did_you_mean
from commonground.intake.contract import clean_name
from commonground.intake.convert import plain
from commonground.intake.deliveries import Delivered
from commonground.intake.model import BadRow, Block, ColumnRule, Contract
from commonground.intake.returns.replaced import matches

if TYPE_CHECKING:
    import pyarrow as pa

_DATA = re.compile(r"\d{6}")  # no column's name holds six digits; a row about a person nearly always does


def match_columns(
    found: Delivered, contract: Contract, columns: Mapping[str, pa.Array], where: str
) -> list[tuple[ColumnRule, str]]:
    """Pair the contract's rules with the names that the file has.

    Parameters
    ----------
    columns : mapping
        The file's columns and the pseudo-columns (``@sheet``…), by name.

    Raises
    ------
    DeliveryError
        A column that the contract does not name, or a named one that the file lacks.
    """
    rules = _rules(found, contract)
    named = {name for rule in rules for name in rule.source}
    unknown = [name for name, column in columns.items() if name not in named and not _idle(name, column)]
    pairs, lacking = [], []
    for rule in rules:
        present = [name for name in rule.source if name in columns]
        if len(present) > 1:
            raise _twice(present, where)
        if present:
            pairs.append((rule, present[0]))
        elif not rule.optional:
            lacking.append(rule.source[0])
    if unknown:
        # where not one name is known, the header row is wrong or the file another: its cells may be a person's data
        if any(_DATA.search(name) for name in unknown) or named.isdisjoint(columns):
            raise _no_header(len(unknown), sorted(named), where)
        raise _unknown(unknown, lacking or sorted(named - set(columns)), contract, where)
    if lacking:
        raise _lacking(lacking, contract, where)
    return [pair for pair in pairs if pair[0].concept is not None]


def set_stray_rows_aside(found: Delivered, contract: Contract, block: Block, rare: Collection[str]) -> Block:
    """Set aside the few rows of a file of objects that hold a name nobody knows: one broken key is no new column.

    Parameters
    ----------
    rare : collection of str
        Names that hardly any row of the whole file holds; another unknown one stays, and ``match_columns`` refuses it.
    """
    import numpy as np
    import pyarrow.compute as pc

    known = {name for rule in _rules(found, contract) for name in rule.source}
    rare = {clean_name(name) for name in rare}
    stray = np.zeros(len(block.row_number), bool)
    gone = []
    for name, column in block.columns.items():
        if name not in known and (name in rare or name.rpartition("#")[0] in rare):  # "#2": one of two names alike
            stray |= pc.not_equal(column, "").to_numpy(zero_copy_only=False)
            gone.append(name)
    if not gone:
        return block
    rows = np.flatnonzero(stray)
    texts = ["\t".join(column[int(i)].as_py() for column in block.columns.values()).strip() for i in rows]
    bad = [
        (int(block.row_number[i]), BadRow(int(block.physical[i]), "unknown_key", text))
        for i, text in zip(rows, texts, strict=True)
    ]
    kept = np.flatnonzero(~stray)
    columns = {name: column.take(kept) for name, column in block.columns.items() if name not in gone}
    return replace(
        block,
        columns=columns,
        physical=block.physical[kept],
        row_number=block.row_number[kept],
        bad=(*block.bad, *bad),
    )


def _rules(found: Delivered, contract: Contract) -> list[ColumnRule]:
    """Give the rules that hold for a file of a delivery."""
    return [
        rule
        for rule in contract.columns
        if fnmatch.fnmatchcase(found.file, rule.files) and matches(found.delivery, rule.deliveries)
    ]


def _idle(name: str, column: pa.Array) -> bool:
    """Pseudo-columns need no rule; nor does a column without a name and without a cell."""
    import pyarrow.compute as pc

    return name.startswith("@") or (name.startswith("#") and pc.all(pc.equal(column, "")).as_py() is not False)


def check_labels(pairs: Sequence[tuple[ColumnRule, str]], labels: Mapping[str, Mapping[str, str]], where: str) -> None:
    """Hold a statistical file's own value labels against the contract's codes.

    Raises
    ------
    ContractError
        The file says that a value means one thing, the contract another.
    """
    by_name = {clean_name(name): values for name, values in labels.items()}
    for rule, name in pairs:
        concept = rule.concept
        if concept is None or concept.codes is None:
            continue
        for text, label in by_name.get(name, {}).items():
            meant = concept.codes.canonical(plain(label))
            key = plain(text)
            taken = rule.values.codes.get(key) if rule.values.codes is not None else concept.codes.canonical(key)
            if meant is not None and taken is not None and meant != taken:
                raise ContractError(
                    Said(
                        f"文件标签说 {key} 是“{label}”，读取约定却当作“{concept.codes.labels[taken].zh}”。",
                        f"The file labels {key} “{label}”, the contract says “{concept.codes.labels[taken].en}”.",
                    ),
                    where=f"{where} {name}",
                    todo=Said("请改该列的 codes。", "Mend codes of this column."),
                )


def _unknown(unknown: list[str], near: list[str], contract: Contract, where: str) -> DeliveryError:
    hint = did_you_mean(unknown[0], near) if near else Said("", "")
    return DeliveryError(
        Said(
            f"文件里有读取约定没有写的列：{'、'.join(unknown[:10])}。",
            f"Columns that the contract does not name: {', '.join(unknown[:10])}.",
        ),
        where=where,
        why=Said(
            "没有写明含义的列不能进库，也不能悄悄丢掉。",
            "A column of unknown meaning is neither taken nor silently dropped.",
        ),
        todo=Said(
            f"请在 {contract.path.name} 加 [[column]]（或写入已有列的 source），不用的列写 ignore。{hint.zh}",
            f"Add a [[column]] to {contract.path.name}, or the name to the source of one; "
            f"ignore for one not needed. {hint.en}",
        ),
    )


def _no_header(count: int, named: list[str], where: str) -> DeliveryError:
    """Make the error for a header that is a row of data: its cells may be names and numbers, so none is shown."""
    return DeliveryError(
        Said(
            f"读取约定所写的表头行不像表头（{count} 格）。",
            f"The header row that the contract names looks like data ({count} cells).",
        ),
        where=where,
        why=Said(
            f"其中有长串数字，或没有一个约定的列名（{'、'.join(named[:10])}）；内容可能涉及个人，不在此显示。",
            f"It holds long numbers, or not one column of the contract ({', '.join(named[:10])}); "
            f"its content may be about a person and is not shown.",
        ),
        todo=Said(
            "请改读取约定中的 header_row；没有表头的文件写 header_row = 0 并列出 columns。",
            "Mend header_row in the contract; for a file without a header write header_row = 0 and list columns.",
        ),
    )


def _lacking(lacking: list[str], contract: Contract, where: str) -> DeliveryError:
    return DeliveryError(
        Said(
            f"文件缺少读取约定所写的列：{'、'.join(lacking[:10])}。",
            f"Columns of the contract that the file lacks: {', '.join(lacking[:10])}.",
        ),
        where=where,
        todo=Said(
            f"请部门补齐；如果这列可以没有，在 {contract.path.name} 写 optional = true。",
            f"Ask the department for them; where a column may be absent set optional = true in {contract.path.name}.",
        ),
    )


def _twice(present: list[str], where: str) -> DeliveryError:
    return DeliveryError(
        Said(
            f"几列都对应读取约定的同一列：{'、'.join(present)}。",
            f"Several columns stand for one of the contract: {', '.join(present)}.",
        ),
        where=where,
        todo=Said(
            "请在读取约定中分开写，并用 files 或 deliveries 限定。", "Write them apart, limited by files or deliveries."
        ),
    )
