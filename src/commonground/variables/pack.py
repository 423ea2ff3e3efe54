"""Which definitions a city has: those of its country's pack, and its own beside them."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from commonground.city import City
from commonground.errors import DefinitionError, Said, did_you_mean
from commonground.variables.load import load_definition
from commonground.variables.model import Definition, all_names


def pack_definitions(name: str = "china") -> Path:
    """Folder of a pack's definitions."""
    from commonground import packs

    return Path(packs.__file__).parent / name / "definitions"


def definition_files(folder: Path) -> list[Path]:
    """Definition files in a folder, sorted; files of shared inputs lie in folders called ``inputs``."""
    return sorted(p for p in folder.rglob("*.toml") if "inputs" not in p.relative_to(folder).parts[:-1])


def load_folder(folder: Path) -> dict[str, Definition]:
    """Load every definition of a folder.

    Raises
    ------
    DefinitionError
        A file is wrong, or two have the same id.
    """
    found: dict[str, Definition] = {}
    for path in definition_files(folder):
        one = load_definition(path)
        if one.id in found:
            raise DefinitionError(
                Said(f"两个文件有同一编号“{one.id}”。", f"Two files have the id “{one.id}”."),
                where=f"{found[one.id].path}, {path}",
                todo=Said("请改其中一个的 id。", "Change the id of one of them."),
            )
        found[one.id] = one
    return found


@functools.cache
def shipped(name: str) -> Mapping[str, Definition]:
    """Load a pack's definitions once a process: what is installed does not change while it runs."""
    return MappingProxyType(load_folder(pack_definitions(name)))


def load_pack(city: City) -> dict[str, Definition]:
    """Load the pack's definitions and the city's own; one of the city's replaces the pack's of the same id."""
    found = dict(shipped(city.settings.pack))
    if city.definitions.is_dir():
        found |= load_folder(city.definitions)
    return dict(sorted(found.items()))


def get_definition(city: City, wanted: str) -> Definition:
    """Find a definition by its id, or by the id of one of its versions.

    Raises
    ------
    DefinitionError
        There is no such definition.
    """
    known = load_pack(city)
    if wanted in known:
        return known[wanted]
    for one in known.values():
        if any(v.id == wanted for v in one.versions):
            return one
    raise DefinitionError(
        Said(f"没有定义“{wanted}”。", f"There is no definition “{wanted}”."),
        where=f"{city.path.name}/definitions",
        todo=did_you_mean(wanted, [*known, *(v.id for d in known.values() for v in d.versions)]),
    )


def kinds_behind(definitions: Mapping[str, Definition], wanted: str, version: str) -> frozenset[str]:
    """Give the kinds of datasets that a version may read, through the definitions that it builds on.

    Tables that the people room makes count as ``@persons`` and ``@enrolments``. An unknown definition or version reads
    nothing.
    """
    one = definitions.get(wanted)
    rule = next((v for v in one.versions if v.id == version), None) if one else None
    if one is None or rule is None:
        return frozenset()
    kinds: set[str] = set()
    for name in all_names(rule.inputs, one.inputs):
        entry = one.inputs[name]
        kinds |= {source.kind for source in entry.sources}
        if entry.definition:
            built_on = definitions.get(entry.definition)
            kinds |= kinds_behind(
                definitions, entry.definition, entry.version or (built_on.default if built_on else "")
            )
    return frozenset(kinds)


@dataclass(frozen=True)
class TestReport:
    """How the tests inside definitions went."""

    __test__ = False  # not a test class, though pytest would think so

    attempted: int
    failed: int
    failures: tuple[str, ...]


def check_examples(definitions: Iterable[Definition]) -> TestReport:
    """Run the tests that stand inside definitions."""
    attempted, failures = 0, []
    for one in definitions:
        for example in one.tests:
            for version, wanted in example.expect.items():
                attempted += 1
                got = one.evaluate(example.person, version)
                close = isinstance(wanted, int | float) and isinstance(got, int | float) and abs(got - wanted) < 1e-9
                if got != wanted and not close:
                    failures.append(f"{one.path}:{example.line} {version}: {dict(example.person)} → {got} ≠ {wanted}")
    return TestReport(attempted, len(failures), tuple(failures))


def run_tests(city: City, definition: str | None = None) -> TestReport:
    """Run the tests inside one definition of a city, or inside all."""
    return check_examples([get_definition(city, definition)] if definition else load_pack(city).values())
