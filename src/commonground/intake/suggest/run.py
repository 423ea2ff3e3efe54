"""The whole of ``suggest``: files in; contracts, shareable profiles and what a person must decide out."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import CityError, ContractError, DeliveryError, Said
from commonground.files import storage_errors, write_atomically
from commonground.intake.contract import load_contract
from commonground.intake.model import Pack
from commonground.intake.pack import load_pack
from commonground.intake.suggest import share
from commonground.intake.suggest.assemble import Draft, Propose, assemble
from commonground.intake.suggest.gather import Group, gather, list_files
from commonground.intake.suggest.write import write

HIDE_UNDER = 5  # counts below this are hidden in a shareable profile, as WhiteRabbit does


@dataclass(frozen=True)
class Suggestion:
    """What is proposed for one dataset.

    Attributes
    ----------
    department, dataset : str
        Where the contract belongs; "" where nothing said it.
    contract : str
        The contract as TOML, with the evidence as comments.
    profile : dict
        The shareable profile as plain values.
    """

    department: str
    dataset: str
    contract: str
    profile: dict[str, Any]
    draft: Draft

    @property
    def name(self) -> str:
        """Department and dataset as a path, as far as they are known."""
        return "/".join(part for part in (self.department, self.dataset) if part) or "?"

    def page(self) -> str:
        """Give the shareable profile as a self-contained page in both languages."""
        from commonground.intake.suggest.page import page

        return page(self.profile)


@dataclass(frozen=True)
class Written:
    """Files that ``into`` wrote; ``difference`` is against the contract that stood there, "" where there was none."""

    contract: Path
    profile: Path
    page: Path
    difference: str = ""


def suggest(
    files: Sequence[Path],
    *,
    city: City | None = None,
    department: str = "",
    dataset: str = "",
    lang: str = "zh",
    hide_under: int | None = None,
    propose: Propose | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Suggestion]:
    """Profile files and propose their contracts, one for each dataset among them.

    Parameters
    ----------
    files : sequence of Path
        Files, or folders that hold some.
    city : City, optional
        The files' places among its deliveries name department and dataset; its pack gives the concepts.
    department, dataset : str, optional
        Names for all the files, where no place says them.
    lang : str
        Language of the contract's comments: "zh", "en" or "both".
    hide_under : int, optional
        Counts below it are hidden in the profile; the city's threshold, or 5.
    propose : callable, optional
        What tells the meaning of columns; ``meaning.propose``.

    Raises
    ------
    DeliveryError
        No file, or none that holds a table; of a single file the reason.
    """
    from commonground.intake.suggest import meaning

    pack = load_pack(city.settings.pack) if city else load_pack()
    if hide_under is None:
        hide_under = city.policy.cell_threshold if city else HIDE_UNDER
    groups = gather(
        list_files(files),
        deliveries=city.deliveries if city else None,
        department=department,
        dataset=dataset,
        progress=progress,
    )
    out = [_suggest(group, pack, propose or meaning.propose, lang, hide_under) for group in groups if group.found]
    if not out:
        raise _nothing(groups)
    return out


def _suggest(group: Group, pack: Pack, propose: Propose, lang: str, hide_under: int) -> Suggestion:
    draft = assemble(group, pack, propose)
    text = write(draft, pack, lang)
    if _fault(text, pack) is not None:
        _repair(draft, pack)
        text = write(draft, pack, lang)
    profile = share.profile(draft, pack, hide_under)
    dataset = group.dataset or draft.proposal.kind or ""
    return Suggestion(group.department, dataset, text, profile, draft)


def _fault(text: str, pack: Pack) -> ContractError | None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "contract.toml"
        path.write_text(text, encoding="utf-8")
        try:
            load_contract(path, pack)
        except ContractError as fault:
            return fault
    return None


def _repair(draft: Draft, pack: Pack) -> None:
    """Leave columns whose rule does not load to a person: what was found out about the others still stands."""
    every = draft.columns
    for column in every:
        if column.decided:
            draft.columns = [column]
            fault = _fault(write(draft, pack), pack)
            if fault is not None:
                column.clash = column.sources[0]
                draft.doubts.append(
                    Said(f"{column.sources[0]}：{fault.what.zh}", f"{column.sources[0]}: {fault.what.en}")
                )
    draft.columns = every


def _nothing(groups: Sequence[Group]) -> DeliveryError:
    faults = [one.fault for group in groups for one in group.aside if one.fault is not None]
    if len(faults) == 1 and isinstance(faults[0], DeliveryError):
        return faults[0]
    names = [one.path.name for group in groups for one in group.aside]
    first = faults[0] if faults else None
    return DeliveryError(
        Said("这些文件里没有可以读取的表格。", "None of these files holds a table that can be read."),
        where=", ".join(names[:10]),
        why=first.what if first else Said("都是说明文件或空表。", "They are notes or empty sheets."),
        todo=first.todo if first else Said("请给出数据文件。", "Give the files with the data."),
    )


def into(city: City, suggestion: Suggestion) -> Written:
    """Write a contract and its profile into a city; what stands there is never overwritten.

    Beside an existing contract the proposal goes into ``<dataset>.suggested.toml``, which intake does not read.

    Raises
    ------
    CityError
        Nothing says the department or the dataset.
    StorageError
        It cannot be written.
    """
    _check_named(city, suggestion)
    folder = city.sources / suggestion.department
    path = folder / f"{suggestion.dataset}.toml"
    difference = ""
    if path.exists():
        old = path.read_text(encoding="utf-8")
        path = folder / f"{suggestion.dataset}.suggested.toml"
        difference = _difference(old, suggestion.contract, suggestion.dataset)
    stem = f"{suggestion.department}.{suggestion.dataset}"
    shared = city.vault / "profiles"
    profile, page = shared / f"{stem}.json", shared / f"{stem}.html"
    with storage_errors(city.path):
        folder.mkdir(parents=True, exist_ok=True)
        shared.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(profile, share.to_json(suggestion.profile))
        write_atomically(page, suggestion.page().encode())
        write_atomically(path, suggestion.contract.encode())
    _record(city, suggestion, path)
    return Written(path, profile, page, difference)


def _check_named(city: City, suggestion: Suggestion) -> None:
    for name, option, zh in (
        (suggestion.department, "--department", "部门"),
        (suggestion.dataset, "--dataset", "数据集"),
    ):
        if not name or "/" in name or "\\" in name or name.startswith("."):
            files = sorted({one.place.file for one in suggestion.draft.found})
            raise CityError(
                Said(f"不知道这份约定属于哪个{zh}。", f"Nothing says which {option[2:]} this contract is for."),
                where=", ".join(files[:5]),
                todo=Said(
                    f"请用 {option} 写明，或把文件放进 {city.deliveries}/<部门>/<数据集>/<交付日期>/。",
                    f"Give {option}, or put the files into {city.deliveries}/<department>/<dataset>/<date>/.",
                ),
            )


def _difference(old: str, new: str, dataset: str) -> str:
    """Lines that differ, comments left out: they differ always and decide nothing."""

    def plain(text: str) -> list[str]:
        return [line.split("  #")[0].rstrip() for line in text.splitlines() if line.strip() and line[0] != "#"]

    lines = difflib.unified_diff(
        plain(old), plain(new), f"{dataset}.toml", f"{dataset}.suggested.toml", lineterm="", n=2
    )
    return "\n".join(lines)


def _record(city: City, suggestion: Suggestion, path: Path) -> None:
    """Write into the ledger, where the city has one, that a contract was proposed; counts alone."""
    from commonground.governance import Ledger, current_actor

    if not city.settings.state and not (city.path / "ledger.db").is_file():
        return
    detail = {
        "contract": path.relative_to(city.path).as_posix(),
        "files": len({(one.place.delivery, one.place.file) for one in suggestion.draft.found}),
        "columns": len(suggestion.draft.columns),
        "undecided": len(suggestion.draft.undecided),
    }
    with Ledger(city) as ledger:
        ledger.append("contract_suggested", current_actor(), f"{suggestion.department}/{suggestion.dataset}", detail)
