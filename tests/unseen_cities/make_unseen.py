"""Write the files of four invented cities, and the answer keys, into a folder.

``python tests/unseen_cities/make_unseen.py FOLDER [--seed 20251122] [--overlapping]``
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
import tempfile
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from unseen_cities import city_one, city_three, city_two, make_city4
from unseen_cities.handover import COLUMN_KEY, FILE_KEY
from unseen_cities.overlap import Ages, Overlapping

SEED = 20251122
CITIES = {"city1": city_one.make, "city2": city_two.make, "city3": city_three.make, "city4": make_city4.make}


def make_unseen(
    folder: Path, seed: int = SEED, cities: tuple[str, ...] = tuple(CITIES), *, overlapping: bool = False
) -> None:
    """Write ``<folder>/city1 …`` (one folder a department), ``columns.csv`` and ``files.csv``.

    Each city draws from its own generator, so one city alone is the same as among the four. ``overlapping``: people
    stand in several files, written with slips, and ``persons.csv`` says who each row is.
    """
    chance: dict[str, random.Random] = {city: random.Random(f"{seed} {city}") for city in cities}
    if overlapping:
        chance = {city: Overlapping(f"{seed} {city}", _rehearse(city, seed)) for city in cities}
    made = [CITIES[city](folder, chance[city]) for city in cities]
    keys = [
        ("columns.csv", COLUMN_KEY, [x for m in made for x in m.columns]),
        ("files.csv", FILE_KEY, [x for m in made for x in m.files]),
    ]
    if overlapping:
        lines = [{"city": c, **x} for c, r in chance.items() if isinstance(r, Overlapping) for x in r.truth]
        keys.append(("persons.csv", list(lines[0]), lines))
    for name, fields, rows in keys:
        with (folder / name).open("w", encoding="utf-8", newline="") as out:
            pen = csv.DictWriter(out, fields, restval="", lineterminator="\n")
            pen.writeheader()
            pen.writerows(rows)


def _rehearse(city: str, seed: int) -> list[Ages]:
    """Count the children of each age that each file asks for."""
    chance = Overlapping(f"{seed} {city}")
    with tempfile.TemporaryDirectory() as folder:
        CITIES[city](Path(folder), chance)
    return chance.files


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--seed", type=int, default=SEED)
    words.add_argument("--overlapping", action="store_true", help="people stand in several files; writes persons.csv")
    given = words.parse_args()
    make_unseen(given.folder, given.seed, overlapping=given.overlapping)
