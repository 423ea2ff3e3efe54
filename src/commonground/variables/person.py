"""Why one person has the value that they have: for an authorised role, of one pseudonym, never a list."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from commonground.city import City
from commonground.errors import DefinitionError, Said
from commonground.variables.compute import compute, needed
from commonground.variables.model import Definition, VersionRule
from commonground.variables.pack import get_definition, load_pack
from commonground.variables.run import open_on


@dataclass(frozen=True)
class Explained:
    """One person under one version: what was known, and what followed.

    Attributes
    ----------
    definition, version : Definition, VersionRule
        The rule.
    day : date
        Reference date.
    values : mapping
        Value of each input; None where nothing was known.
    outcome : str, float, date or None
        What the rule gives.
    """

    definition: Definition
    version: VersionRule
    day: dt.date
    values: dict[str, Any]
    outcome: Any

    def text(self, lang: str) -> str:
        """Say line by line what was known, what each condition gave, and the outcome."""
        return self.definition.explain(self.values, self.version.id, lang)

    def to_dict(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "definition": self.definition.id,
            "version": self.version.id,
            "hash": self.version.hash,
            "reference_date": self.day.isoformat(),
            "values": self.values,
            "outcome": self.outcome,
            "zh": self.text("zh"),
            "en": self.text("en"),
        }


def explain_person(
    city: City, definition_id: str, person: str, *, version: str | None = None, day: dt.date | None = None
) -> Explained:
    """Explain one person's value.

    Parameters
    ----------
    city : City
        A built city.
    definition_id : str
        Id of a definition about persons, or of one of its versions.
    person : str
        Pseudonym, as in the current version of the database.
    version : str, optional
        Version; by default the one named, or the definition's default.
    day : date, optional
        Reference date; by default the city's.

    Raises
    ------
    DefinitionError
        No such definition, version or person.
    """
    definition = get_definition(city, definition_id)
    ids = [v.id for v in definition.versions]
    rule = definition.version(version or (definition_id if definition_id in ids else None))
    day = day or city.settings.reference_date
    engine, frame = open_on(city, city.require_current(), (day,))
    try:
        wanted = needed(load_pack(city), [definition.id])
        made = compute(frame, wanted, {definition.id: (rule.id,)})[definition.id]
        names = list(rule.inputs)
        columns = ", ".join(["1", *names])
        rows = engine.rows(f"SELECT {columns} FROM {made.wide} WHERE entity_id = {engine.dialect.text(person)}")
    finally:
        engine.close()
    if not rows:
        raise DefinitionError(
            Said("当前数据库里没有这个假名。", "There is no such pseudonym in the current database."),
            where=definition.id,
            todo=Said("假名随版本和项目而定，请核对。", "Pseudonyms depend on version and project: check yours."),
        )
    values = dict(zip(names, rows[0][1:], strict=True))
    return Explained(definition, rule, day, values, definition.evaluate(values, rule.id))
