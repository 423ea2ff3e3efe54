"""Writes the demo city's folder: settings, contracts, deliveries, and the truth beside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from commonground.demo.clerks import Office, Truth
from commonground.demo.education import write_education
from commonground.demo.health import write_health
from commonground.demo.places import CITY, CITY_CODE, COUNTIES, MERGED, OUTSIDE
from commonground.demo.population import REFERENCE, make_population
from commonground.demo.registers import write_registers
from commonground.demo.schooling import make_rolls, make_schools
from commonground.demo.truth import write_truth
from commonground.errors import CityError, Said

Progress = Callable[[str, int, int], None]
_CONTRACTS = Path(__file__).parent / "contracts"


def make_demo(folder: Path, *, seed: int = 2026, children: int = 6000, progress: Progress | None = None) -> Path:
    """Make the demo city in ``folder``: the same seed gives the same bytes.

    Parameters
    ----------
    folder : Path
        Made if it is not there; an earlier demo city's own files in it are replaced, its warehouse is kept.
    seed : int
        Seed of everything drawn.
    children : int
        Children under 18, at least; parents and grandparents come on top.
    progress : function, optional
        Called with (stage, done, total).

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    CityError
        ``folder`` holds something that is not a demo city.
    """
    folder = Path(folder)
    _make_room(folder)
    show = progress or (lambda stage, done, total: None)
    show("demo city: people", 0, 5)
    people = make_population(seed, children)
    schools = make_schools(seed)
    show("demo city: schools and marks", 1, 5)
    schools, rolls = make_rolls(seed, people, schools)
    office = Office(folder, seed, people, schools, rolls, Truth())
    for step, (stage, write) in enumerate(
        (("education", write_education), ("registers", write_registers), ("health", write_health)), 2
    ):
        show(f"demo city: files of {stage}", step, 5)
        write(office)
    write_truth(office, folder / "truth")
    shutil.copytree(_CONTRACTS, folder / "sources", dirs_exist_ok=True)
    (folder / "city.toml").write_text(city_toml(), encoding="utf-8")
    show("demo city: written", 5, 5)
    return folder


def _make_room(folder: Path) -> None:
    """Empty what an earlier demo city left; refuse any other folder that is not empty."""
    marker = folder / "truth" / "effects.json"
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not marker.is_file())):
        raise CityError(
            Said("这里已有别的内容，不能放演示城市。", "Something else is here already; the demo city cannot go here."),
            where=str(folder),
            todo=Said("请另选一个空文件夹。", "Choose another, empty folder."),
        )
    for name in ("deliveries", "sources", "truth"):
        shutil.rmtree(folder / name, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)


def city_toml() -> str:
    """Give the demo city's settings as text."""
    lines = [
        f"# {CITY[0]}（{CITY[1]}）：虚构的演示城市；区划代码从未启用。",
        f"# {CITY[1]}: an invented city for demonstration; its area codes were never assigned.",
        "",
        "[city]",
        f'name = {{ zh = "{CITY[0]}", en = "{CITY[1]}" }}',
        f'area_code = "{CITY_CODE}"',
        f"reference_date = {REFERENCE}",
        "",
        "[policy]",
        "cell_threshold = 10",
        "rounding = 5",
        "",
        "[engine]",
        'memory = "2GB"',
        "threads = 2",
    ]
    for c in COUNTIES:
        lines += _area(c.code, c.zh, c.en, f"urban = {str(c.urban).lower()}")
    code, zh, en, into, day = MERGED
    lines += _area(code, zh, en, "urban = false", f'merged_into = "{into}"', f"merged_on = {day}")
    for code, zh, en in OUTSIDE:
        lines += _area(code, zh, en)
    return "\n".join(lines) + "\n"


def _area(code: str, zh: str, en: str, *more: str) -> list[str]:
    return ["", "[[area]]", f'code = "{code}"', f'zh = "{zh}"', f'en = "{en}"', *more]
