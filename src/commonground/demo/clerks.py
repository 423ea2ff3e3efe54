"""How departments write persons down: with their own errors, gaps and old addresses, and a truth kept apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from commonground.demo import names, numbers
from commonground.demo.places import CITY, COUNTIES, OUTSIDE
from commonground.demo.population import FATHER, GRANDMOTHER, MOTHER, Population
from commonground.demo.schooling import Rolls, Schools


@dataclass
class Truth:
    """Who each row of each file truly is, in the order of writing."""

    department: list[str] = field(default_factory=list)
    dataset: list[str] = field(default_factory=list)
    delivery: list[str] = field(default_factory=list)
    file: list[str] = field(default_factory=list)
    sheet: list[str] = field(default_factory=list)
    person: list[np.ndarray] = field(default_factory=list)


@dataclass(frozen=True)
class Office:
    """What every department's writer needs: the city's people and schools, where to write, the truth to fill."""

    folder: Path
    seed: int
    people: Population
    schools: Schools
    rolls: Rolls
    truth: Truth

    def file(self, department: str, dataset: str, delivery: str, name: str) -> Path:
        """Give the path of a delivered file."""
        return self.folder / "deliveries" / department / dataset / delivery / name

    def note(self, path: Path, sheet: str, person: np.ndarray) -> None:
        """Keep the truth of a file's or sheet's data rows: the person of each, -1 where rows are about no person."""
        department, dataset, delivery, name = path.relative_to(self.folder / "deliveries").parts
        for column, value in zip(
            (self.truth.department, self.truth.dataset, self.truth.delivery, self.truth.file, self.truth.sheet),
            (department, dataset, delivery, name, sheet),
            strict=True,
        ):
            column.append(value)
        self.truth.person.append(person)

    def clerk(self, number: int) -> Clerk:
        """Give a writer with random numbers of its own, so that one department's file does not change another's."""
        return Clerk(np.random.default_rng([self.seed, 100 + number]), self.people)


@dataclass(frozen=True)
class Clerk:
    """Writes down names, numbers and addresses with errors.

    ``who`` is always an array of persons; -1 gives empty texts.
    """

    rng: np.random.Generator
    people: Population

    def name(self, who: np.ndarray, share: float = 0.05) -> np.ndarray:
        """Write names; ``share`` of them wrongly."""
        written, _ = names.miswrite(self.rng, self.people.persons.name[who], share)
        return np.where(who >= 0, written, "")

    def idno(self, who: np.ndarray, share: float = 0.02, missing: float = 0.03) -> np.ndarray:
        """Write identity numbers; ``share`` mistyped, ``missing`` left out, as are those of people who have none."""
        written, _ = numbers.mistype(self.rng, self.people.persons.idno[who], share, missing)
        return np.where((who >= 0) & self.people.persons.has_id[who], written, "")

    def birth(self, who: np.ndarray, share: float = 0.01) -> np.ndarray:
        """Give dates of birth; ``share`` of them some days or a year off."""
        born = self.people.persons.birth[who]
        off = self.rng.choice([-365, -10, -1, 1, 10, 30, 365], len(who))
        return np.asarray(np.where(self.rng.random(len(who)) < share, born + off, born))

    def sex(self, who: np.ndarray, male: str = "男", female: str = "女") -> np.ndarray:
        """Write the sex."""
        return np.where(self.people.persons.male[who], male, female)

    def home_address(self, family: np.ndarray) -> np.ndarray:
        """Write the address of the hukou."""
        f = self.people.families
        outside = np.array([o[1] for o in OUTSIDE])[np.maximum(f.home_outside[family], 0)]
        moved = (f.home != f.lives)[family]
        flat = np.where(moved[:, None], f.flat[family][:, ::-1], f.flat[family])
        return np.where(f.home[family] >= 0, self._at(np.maximum(f.home[family], 0), flat), outside)

    def address(self, family: np.ndarray, stale: float = 0.08) -> np.ndarray:
        """Write the present address; ``stale`` of them an earlier one: the hukou's, or another house."""
        f = self.people.families
        same = f.lives[family] == f.home[family]
        now = self._at(f.lives[family], f.flat[family])
        other_house = self._at(f.lives[family], f.flat[family][:, ::-1])
        before = np.where(same, other_house, self.home_address(family))
        return np.where(self.rng.random(len(family)) < stale, before, now)

    def _at(self, village: np.ndarray, flat: np.ndarray) -> np.ndarray:
        v = self.people.villages
        rows = zip(v.text[village].tolist(), v.town[village].tolist(), flat.tolist(), strict=True)
        house = ("{0}栋{1}单元{2}号", "{3}组{2}号")
        return np.array(
            [
                CITY[0] + text + house[not in_town].format(a, 1 + b % 4, c, 1 + a % 9)
                for text, in_town, (a, b, c) in rows
            ]
        )

    def phone(self, family: np.ndarray, missing: float = 0.1, changed: float = 0.1) -> np.ndarray:
        """Write the family's telephone; some changed it, some gave none."""
        f = self.people.families
        draw = self.rng.random(len(family))
        other = numbers.telephones(self.rng, len(family))
        return np.where(draw < missing, "", np.where(draw < missing + changed, other, f.phone[family]))

    def pick(self, n: int, share: float) -> np.ndarray:
        """Give the places kept when a file reaches only ``share`` of those it should."""
        return np.flatnonzero(self.rng.random(n) < share)


def guardians(people: Population, family: np.ndarray, day: np.datetime64) -> tuple[np.ndarray, np.ndarray]:
    """Give first and second guardian of each family on a day: the parent at home, a grandparent where both are away."""
    father, mother = people.member[FATHER], people.member[MOTHER]
    gone_f, gone_m = people.away("father", day, 0), people.away("mother", day, 0)
    elder = people.member[GRANDMOTHER]
    first = np.where(gone_f & gone_m & (elder >= 0), elder, np.where(gone_f, mother, father))
    second = np.where(gone_f & gone_m & (elder >= 0), father, np.where(gone_f, father, mother))
    return first[family], second[family]


def relation_word(people: Population, who: np.ndarray) -> np.ndarray:
    """Write a guardian's relation to the child as schools do."""
    words = np.array(["", "父亲", "母亲", "爷爷", "奶奶"])
    return np.where(who >= 0, words[people.persons.role[who]], "")


def county_codes() -> np.ndarray:
    """Give the six digits of each county."""
    return np.array([c.code for c in COUNTIES])
