"""Data, not code: concepts, code lists, definitions and standards of a country, each with its source.

``pack_folder`` gives the folder of a pack.
"""

from __future__ import annotations

from pathlib import Path

from commonground.errors import CityError, Said, did_you_mean


def pack_folder(name: str) -> Path:
    """Give the folder of the pack called ``name``.

    Raises
    ------
    CityError
        There is no such pack.
    """
    base = Path(__file__).parent
    folder = base / name
    if not (folder / "concepts.toml").is_file():
        known = [p.parent.name for p in base.glob("*/concepts.toml")]
        raise CityError(
            Said(f"没有名为“{name}”的资料包。", f"There is no pack “{name}”."),
            where="city.toml [city] pack",
            todo=did_you_mean(name, known),
        )
    return folder
