"""Writes what would make a contract take the new delivery, and applies it when a clerk says so; comments stay."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.files import storage_errors, write_atomically
from commonground.intake.contract import clean_name, load_contract
from commonground.intake.drift.model import KINDS, LIKELY, Drift, Finding, Patch
from commonground.intake.model import Contract, Pack

if TYPE_CHECKING:
    import tomlkit

SUFFIX = ".drift.toml"


def proposed(contract: Contract, findings: Sequence[Finding]) -> str:
    """Give the contract's text with the changes of these findings written into it, all else left as it stands."""
    import tomlkit

    document = tomlkit.parse(contract.path.read_text(encoding="utf-8"))
    for finding in findings:
        if finding.patch is not None:
            kind = KINDS[finding.kind]
            _write(document, finding.patch, f"{kind.zh} / {kind.en}, {finding.confidence:.2f}")
    return tomlkit.dumps(document)


def difference(contract: Contract, text: str) -> str:
    """Give the change of a contract as a unified diff."""
    before = contract.path.read_text(encoding="utf-8").splitlines(keepends=True)
    name = contract.path.name
    return "".join(difflib.unified_diff(before, text.splitlines(keepends=True), name, f"{name} + drift"))


def save_proposal(contract: Contract, drift: Drift, folder: Path) -> Path | None:
    """Write the proposed contract into ``folder`` for a clerk to look at; None when nothing is proposed.

    It is named ``<department>.<dataset>.drift.toml`` and is in force nowhere.
    """
    worth = [f for f in drift.findings if f.patch is not None and f.confidence >= LIKELY]
    if not worth:
        return None
    text = proposed(contract, worth)
    path = folder / f"{contract.name}{SUFFIX}"
    head = f"# {contract.name} {drift.old} → {drift.new}\n"
    head += "# 建议稿，未生效；核对后用 commonground drift --apply，或自己改读取约定。\n"
    head += "# Proposed, not in force: look at it, then run commonground drift --apply or change the contract.\n"
    with storage_errors(folder):
        folder.mkdir(exist_ok=True)
        write_atomically(path, (head + text).encode("utf-8"))
    return path


def apply_sure(contract: Contract, drift: Drift, pack: Pack) -> tuple[Finding, ...]:
    """Write the changes that are sure into the contract; the rest stays for a person.

    Returns
    -------
    tuple of Finding
        What was applied.

    Raises
    ------
    ContractError
        The changed contract would not be one; the contract is untouched.
    """
    sure = tuple(f for f in drift.findings if f.sure)
    if not sure:
        return ()
    text = proposed(contract, sure)
    trial = contract.path.with_name(contract.path.name + ".trial")
    try:
        trial.write_text(text, encoding="utf-8")
        load_contract(trial, pack)
    finally:
        trial.unlink(missing_ok=True)
    write_atomically(contract.path, text.encode("utf-8"))
    return sure


def _write(document: tomlkit.TOMLDocument, patch: Patch, note: str) -> None:
    import tomlkit

    if patch.operation == "add_layout":
        _add_layout(document, patch, note)
        return
    column = _column(document, patch.source)
    if column is None:
        return
    if patch.operation == "add_source":
        names = column["source"]
        given = list(names) if isinstance(names, list) else [names]
        if patch.values["name"] not in given:
            said = _comment(names)
            column["source"] = [*given, patch.values["name"]]
            column["source"].comment(f"{said}; {note}" if said else note)
    elif patch.operation == "add_where":
        entries = column.get("where")
        if entries is None:
            column["where"] = tomlkit.array().multiline(True)
            entries = column["where"]
        for file in patch.values.get("files", ("",)):  # overrides of one county's files alone name the file too
            inline = tomlkit.inline_table()
            more = {"@file": file} if file else {}
            inline["when"] = _inline({**patch.values["when"], **more})
            for key in ("codes", "unit"):
                if key in patch.values:
                    value = patch.values[key]
                    inline[key] = _inline(value) if isinstance(value, Mapping) else value
            entries.append(inline)
        entries.comment(note)


def _comment(item: Any) -> str:
    """Give the comment that stands behind a setting, without its mark."""
    return str(getattr(getattr(item, "trivia", None), "comment", "")).lstrip("# ").strip()


def _inline(values: Mapping[str, Any]) -> tomlkit.items.InlineTable:
    import tomlkit

    out = tomlkit.inline_table()
    out.update(dict(values))
    return out


def _column(document: tomlkit.TOMLDocument, source: Sequence[str]) -> Any:
    """Find the ``[[column]]`` with these names; a name that the same proposal has just added does no harm."""
    longer = None
    for column in document.get("column", []):
        names = column.get("source", [])
        plain = [clean_name(str(n)) for n in (names if isinstance(names, list) else [names])]
        if tuple(plain) == tuple(source):
            return column
        if longer is None and set(source) < set(plain):
            longer = column
    return longer


def _add_layout(document: tomlkit.TOMLDocument, patch: Patch, note: str) -> None:
    """Put a layout for the new delivery before those that exist: the nearest of them with the changes."""
    import tomlkit

    layouts = document["layout"]
    base = next((one for one in layouts if one.get("format") == patch.source[0]), layouts[0])
    new = tomlkit.table()
    for key, value in base.unwrap().items():
        new[key] = value
    for key, value in patch.values.items():
        new[key] = value
    new.comment(note)
    rest = [one.unwrap() for one in layouts]
    array = tomlkit.aot()
    array.append(new)
    for one in rest:
        table = tomlkit.table()
        table.update(one)
        array.append(table)
    document["layout"] = array
