"""Which definitions, versions and dates a database holds, for a study to choose from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from commonground.city import City
from commonground.engine import Engine
from commonground.errors import Said
from commonground.study.model import DefinitionUsed
from commonground.variables import kinds_behind, load_pack


@dataclass(frozen=True)
class Known:
    """A definition as the database holds it: one version and reference date of it."""

    definition: str
    version: str
    date: dt.date
    hash: str
    entity: str
    rows: int


class Catalogue:
    """Which definitions, versions and dates the database holds, and the definitions' titles."""

    def __init__(self, city: City, engine: Engine) -> None:
        columns = engine.columns("values_all")
        self.entity_key = "coalesce(entity_id, person_id)" if "entity_id" in columns else "person_id"
        rows = engine.rows(
            "SELECT definition, version, reference_date, min(hash), entity, count(*) FROM values_all "
            "GROUP BY definition, version, reference_date, entity ORDER BY ALL"
        )
        self.known = [Known(str(d), str(v), r, str(h), str(e), int(n)) for d, v, r, h, e, n in rows]
        self.definitions = load_pack(city)
        self.titles = {name: d.title for name, d in self.definitions.items()}
        self.defaults = {name: d.default for name, d in self.definitions.items()}

    def ids(self, entity: str) -> list[str]:
        """Give the definitions that hold values about persons or schools."""
        return sorted({k.definition for k in self.known if k.entity == entity})

    def versions(self, definition: str) -> list[str]:
        """Give the versions of a definition in the database."""
        return sorted({k.version for k in self.known if k.definition == definition})

    def pick(
        self, definition: str, version: str = "", *, on: dt.date | None = None, until: dt.date | None = None
    ) -> Known | None:
        """Choose one version and date of a definition.

        Parameters
        ----------
        definition : str
        version : str
            "" takes the definition's default version, else the one with most values.
        on : date, optional
            Exactly this reference date.
        until : date, optional
            The latest date that is not after this one, or else the earliest.
        """
        found = [k for k in self.known if k.definition == definition and (not version or k.version == version)]
        if not version:
            default = self.defaults.get(definition, "")
            sizes: dict[str, int] = {}
            for k in found:
                sizes[k.version] = sizes.get(k.version, 0) + k.rows
            chosen = default if default in sizes else max(sorted(sizes), key=lambda v: sizes[v], default="")
            found = [k for k in found if k.version == chosen]
        if on is not None:
            found = [k for k in found if k.date == on]
        if not found:
            return None
        before = [k for k in found if until is None or k.date <= until]
        return max(before, key=lambda k: k.date) if before else min(found, key=lambda k: k.date)

    def kinds(self, known: Iterable[Known]) -> set[str]:
        """Give the kinds of datasets that these definitions may read."""
        return set().union(*(kinds_behind(self.definitions, k.definition, k.version) for k in known))

    def used(self, known: Iterable[Known]) -> tuple[DefinitionUsed, ...]:
        """Name the definitions behind a table, each once."""
        made = {
            (k.definition, k.version): DefinitionUsed(
                k.definition, k.version, k.hash, self.titles.get(k.definition, Said(k.definition, k.definition))
            )
            for k in known
        }
        return tuple(made[key] for key in sorted(made))
