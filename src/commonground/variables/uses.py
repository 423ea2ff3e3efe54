"""What rests on a definition: other definitions, studies, programmes and plans that name it, however far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import DefinitionError, Said
from commonground.packs import pack_folder
from commonground.toml import read_toml
from commonground.variables.model import Definition, all_names

KINDS = {
    "definition": Said("定义", "definition"),
    "study": Said("研究", "study"),
    "programme": Said("项目", "programme"),
    "plan": Said("规划", "plan"),
}
FOLDERS = {"study": "studies", "programme": "programmes", "plan": "plans"}


@dataclass(frozen=True)
class Use:
    """One thing that rests on a version.

    Attributes
    ----------
    kind : str
        ``definition``, ``study``, ``programme`` or ``plan``.
    id : str
        Version of a definition, or id of the study or plan.
    title : Said
        Its name.
    versions : tuple of str
        Which of the versions asked about it uses.
    through : str
        The definition through which it uses them; empty when directly.
    """

    kind: str
    id: str
    title: Said
    versions: tuple[str, ...]
    through: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        title = {"zh": self.title.zh, "en": self.title.en}
        return {"kind": self.kind, "id": self.id, "title": title, "versions": list(self.versions),
                "through": self.through}  # fmt: skip


def uses(city: City, known: Mapping[str, Definition], definition: str, versions: set[str]) -> tuple[Use, ...]:
    """List what rests on some versions of a definition.

    Parameters
    ----------
    city : City
        Whose studies, programmes and plans are looked at, beside the pack's.
    known : mapping
        All definitions.
    definition : str
        Id of the definition.
    versions : set of str
        Its versions asked about.
    """
    found: list[Use] = []
    resting: dict[tuple[str, str], tuple[set[str], str]] = {(definition, v): ({v}, "") for v in versions}
    queue = list(resting)
    while queue:
        at = queue.pop(0)
        for other, version in _built_on(known, *at):
            mine, _ = resting[at]
            before = resting.get((other.id, version), (set(), ""))[0]
            if not mine <= before:
                through = "" if at[0] == definition else at[1]
                resting[other.id, version] = (before | mine, through)
                queue.append((other.id, version))
    for (other_id, version), (mine, through) in sorted(resting.items()):
        if other_id != definition:
            title = known[other_id].title
            found.append(Use("definition", version, title, tuple(sorted(mine)), through))
    for kind, id_, title, named in _specs(city, known):
        touched: set[str] = set()
        through = ""
        for one in sorted(named):
            mine = resting.get(one, (set(), ""))[0]
            if mine:
                touched |= mine
                through = through or ("" if one[0] == definition else one[1])
        if touched:
            found.append(Use(kind, id_, title, tuple(sorted(touched)), through))
    return tuple(found)


def _built_on(known: Mapping[str, Definition], definition: str, version: str) -> Iterator[tuple[Definition, str]]:
    """Versions of other definitions of which an input is this version."""
    for other in known.values():
        for rule in other.versions:
            for name in all_names(rule.inputs, other.inputs):
                one = other.inputs[name]
                if one.definition == definition and (one.version or known[definition].default) == version:
                    yield other, rule.id


def _specs(city: City, known: Mapping[str, Definition]) -> Iterator[tuple[str, str, Said, set[tuple[str, str]]]]:
    """Studies, programmes and plans with the versions that they name; the pack's where the city has none of its own."""
    for kind, folder in FOLDERS.items():
        own = sorted((city.path / folder).glob("*.toml"))
        names = {p.name for p in own}
        packs = [p for p in sorted((pack_folder(city.settings.pack) / folder).glob("*.toml")) if p.name not in names]
        for path in [*own, *packs]:
            raw = read_toml(path, DefinitionError)
            head = next((v for v in raw.values() if isinstance(v, Mapping) and "title" in v), {})
            title = head.get("title", {"zh": path.stem, "en": path.stem})
            yield kind, str(head.get("id", path.stem)), _said(title, path), set(_named(raw, known))


def _said(title: Any, path: Path) -> Said:
    return Said(**title) if isinstance(title, Mapping) else Said(str(title or path.stem), str(title or path.stem))


def _named(value: Any, known: Mapping[str, Definition]) -> Iterator[tuple[str, str]]:
    """Definitions named anywhere in a specification, each with its version; of a bare id in a list, with every one."""
    if isinstance(value, Mapping):
        one = known.get(str(value.get("definition", "")))
        if one:
            yield one.id, str(value.get("version") or one.default)
        for inner in value.values():
            yield from _named(inner, known)
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, str) and inner in known:
                yield from ((inner, v.id) for v in known[inner].versions)
            else:
                yield from _named(inner, known)
