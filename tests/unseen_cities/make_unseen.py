"""Write the files of four invented cities, and the answer keys, into a folder.

``python tests/unseen_cities/make_unseen.py FOLDER [--seed 20251122]``
"""

from __future__ import annotations

import argparse
import csv
import random
import sys
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from unseen_cities import city_one, city_three, city_two, make_city4
from unseen_cities.handover import COLUMN_KEY, FILE_KEY

SEED = 20251122
CITIES = {"city1": city_one.make, "city2": city_two.make, "city3": city_three.make, "city4": make_city4.make}


def make_unseen(folder: Path, seed: int = SEED, cities: tuple[str, ...] = tuple(CITIES)) -> None:
    """Write ``<folder>/city1 …`` (one folder a department), ``columns.csv`` and ``files.csv``.

    Each city draws from its own generator, so one city alone is the same as among the four.
    """
    made = [CITIES[city](folder, random.Random(f"{seed} {city}")) for city in cities]
    for name, fields, rows in (
        ("columns.csv", COLUMN_KEY, [x for m in made for x in m.columns]),
        ("files.csv", FILE_KEY, [x for m in made for x in m.files]),
    ):
        with (folder / name).open("w", encoding="utf-8", newline="") as out:
            pen = csv.DictWriter(out, fields, restval="", lineterminator="\n")
            pen.writeheader()
            pen.writerows(rows)


if __name__ == "__main__":
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("folder", type=Path)
    words.add_argument("--seed", type=int, default=SEED)
    given = words.parse_args()
    make_unseen(given.folder, given.seed)
