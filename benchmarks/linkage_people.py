"""Two files of invented people with Chinese names, partly the same people, with known truth.

Surnames with their national shares, given names by Zipf, families and twins, 88 counties of sixteen townships and some
fifteen thousand villages, identity numbers with check digit that three in ten lack. Errors: characters of the same
sound or the same sound in dialect, wrong, dropped and exchanged characters, slips in dates, dates of the Chinese
calendar, 1 January, wrong sex, removals, typing errors in numbers. Left-behind children have 1.5 times, migrants 1.8
times the residents' rates, and migrants move most. Area codes are of a block that was never assigned (5299xx).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
    "姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常"
)
MEN = "伟强勇军磊涛超明刚平辉鹏华飞鑫波斌宇浩凯健俊帆帅旭宁龙林欢阳建文志国海峰杰博天泽轩子涵睿豪嘉晨"
WOMEN = (
    "芳娜敏静秀娟英华慧巧美淑惠珠翠雅芝玉萍红娥玲芬燕彩春菊兰凤洁梅琳素云莲雪荣爱妹霞香月莺媛艳瑞凡佳欣怡婷梓涵诗雨思"
)
TOP = [7.1, 7.0, 6.7, 5.1, 4.5, 3.1, 2.3, 2.0, 2.0, 1.9, 1.7, 1.5, 1.3, 1.3, 1.2, 1.2, 1.1, 1.1, 1.0, 1.0]
GROUPS = ("resident", "left_behind", "migrant")
SHARES = (0.60, 0.22, 0.18)
STRENGTH = (1.0, 1.5, 1.8)
MOVED = (0.08, 0.12, 0.45)
NO_NUMBER = (0.85, 1.2, 1.26)
CHECK = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
NONE = -1


@dataclass(frozen=True)
class World:
    """What all people draw from: characters by number, and villages.

    ``alike`` and ``dialect`` hold for each character the others of the same sound, and of the same sound in dialect
    only, as (start, size) into one list.
    """

    character: npt.NDArray[np.str_]
    sound: list[str]
    surnames: tuple[Ints, npt.NDArray[np.float64]]
    given: tuple[tuple[Ints, npt.NDArray[np.float64]], ...]
    alike: tuple[Ints, Ints, Ints]
    dialect: tuple[Ints, Ints, Ints]
    village: Ints
    village_weight: npt.NDArray[np.float64]


@dataclass
class People:
    """True or written values, one row a person; characters by number, ``NONE`` where there is none."""

    surname: Ints
    first: Ints
    second: Ints
    birth: npt.NDArray[np.datetime64]
    sex: Ints
    village: Ints
    digits: npt.NDArray[np.uint8]
    group: Ints

    def take(self, rows: Ints) -> People:
        """Give copies of some rows."""
        return People(**{k: v[rows] for k, v in vars(self).items()})


def fold(sound: str) -> str:
    """Fold a syllable as speakers of Southwestern Mandarin do."""
    for x, y in (("zh", "z"), ("ch", "c"), ("sh", "s")):
        sound = sound.replace(x, y)
    if sound.startswith("n"):
        sound = "l" + sound[1:]
    if sound.startswith("hu") and len(sound) > 2:
        sound = "f" + sound[2:]
    return sound[:-1] if sound.endswith("ng") else sound


def _neighbours(keys: list[str], pool: Ints, apart: list[str] | None = None) -> tuple[Ints, Ints, Ints]:
    """For each character of ``pool`` the others of the same key (and another ``apart``): start, size, list."""
    groups: dict[str, list[int]] = {}
    for c in pool.tolist():
        groups.setdefault(keys[c], []).append(c)
    start, size = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    flat: list[int] = []
    for c in pool.tolist():
        others = [x for x in groups[keys[c]] if x != c and (apart is None or apart[x] != apart[c])] or [c]
        start[c], size[c] = len(flat), len(others)
        flat += others
    return start, size, np.array(flat)


def make_world(rng: np.random.Generator) -> World:
    """Draw surnames, given names and villages."""
    from pypinyin import Style, pinyin

    level_one = [
        bytes([high, low]).decode("gb2312", "ignore") for high in range(0xB0, 0xD8) for low in range(0xA1, 0xFF)
    ]
    characters = list(dict.fromkeys([*SURNAMES, *MEN, *WOMEN, *(c for c in level_one if c)]))
    at = {c: i for i, c in enumerate(characters)}
    sound = [pinyin(c, style=Style.NORMAL, heteronym=False)[0][0] for c in characters]
    every = np.array([at[c] for c in level_one if c])

    rank = np.arange(21, 101)
    shares = np.concatenate([TOP, 0.95 * (21 / rank) ** 0.75])[: len(SURNAMES)]
    head = np.array([at[c] for c in SURNAMES])
    tail = rng.permutation(np.setdiff1d(every, head))[:400]
    rare = 1 / np.arange(1, 401) ** 0.8
    surnames = (
        np.concatenate([head, tail]),
        np.concatenate([0.85 * shares / shares.sum(), 0.15 * rare / rare.sum()]),
    )

    def names(text: str) -> tuple[Ints, npt.NDArray[np.float64]]:
        first = np.array([at[c] for c in dict.fromkeys(text)])
        pool = np.concatenate([first, rng.permutation(np.setdiff1d(every, first))[:1500]])
        weight = 1 / (np.arange(len(pool)) + 12.0) ** 1.4
        return pool, weight / weight.sum()

    given = (names(MEN), names(WOMEN))
    pool = np.unique(np.concatenate([surnames[0], given[0][0], given[1][0]]))
    folded = [fold(s) for s in sound]
    number = [
        (529901 + county) * 10**6 + (100 + town) * 10**3 + 200 + village
        for county in range(88)
        for town in range(16)
        for village in range(int(rng.integers(6, 16)))
    ]
    weight = rng.lognormal(0, 0.8, len(number))
    return World(
        np.array(characters), sound, surnames, given, _neighbours(sound, pool), _neighbours(folded, pool, sound),
        np.array(number), weight / weight.sum(),
    )  # fmt: skip


def make_people(world: World, total: int, rng: np.random.Generator) -> People:
    """Draw ``total`` people in families of three on average."""
    families = max(1, total // 3)
    family = np.sort(rng.integers(0, families, total))

    def draw(pool: tuple[Ints, npt.NDArray[np.float64]], size: int) -> Ints:
        found: Ints = rng.choice(pool[0], size, p=pool[1])
        return found

    of_family = draw(world.surnames, families)[family]
    surname = np.where(rng.random(total) < 0.75, of_family, draw(world.surnames, total))
    village = rng.choice(len(world.village), families, p=world.village_weight)[family]
    sex = rng.integers(1, 3, total)
    days = rng.triangular(0, 13000, 26500, total).astype(np.int64)
    twin = np.flatnonzero((rng.random(total) < 0.004)[1:] & (family[1:] == family[:-1])) + 1
    days[twin] = days[twin - 1]
    birth = np.datetime64("1945-03-01") + days
    first, second = (np.where(sex == 1, draw(world.given[0], total), draw(world.given[1], total)) for _ in range(2))
    second[rng.random(total) < 0.15] = NONE
    group = rng.choice(3, total, p=SHARES)
    order = rng.integers(0, 500, total) * 2 + (sex == 1)
    figures = world.village[village] // 10**6 * 10**11 + _figures(birth) * 1000 + order
    digits = np.empty((total, 18), np.uint8)
    for place in range(16, -1, -1):
        digits[:, place] = figures % 10
        figures //= 10
    remainder = (digits[:, :17] * CHECK).sum(axis=1) % 11
    digits[:, 17] = np.array([1, 0, 10, 9, 8, 7, 6, 5, 4, 3, 2])[remainder]
    return People(surname, first, second, birth, sex, village, digits, group)


def _figures(birth: npt.NDArray[np.datetime64]) -> Ints:
    """Dates as numbers such as 20140315."""
    years = birth.astype("M8[Y]")
    months = birth.astype("M8[M]")
    year = years.astype(np.int64) + 1970
    month = months.astype(np.int64) % 12 + 1
    day = (birth - months.astype("M8[D]")).astype(np.int64) + 1
    found: Ints = year * 10000 + month * 100 + day
    return found


def write(world: World, true: People, strength: float, rng: np.random.Generator) -> tuple[People, dict[str, Ints]]:
    """Give the people as a clerk writes them, with errors, and which values are left out."""
    p, n = true.take(np.arange(len(true.sex))), len(true.sex)
    rate = np.array(STRENGTH)[p.group] * strength

    def hit(chance: float) -> Ints:
        return np.flatnonzero(rng.random(n) < chance * rate)

    def swap(column: Ints, chance: float, neighbours: tuple[Ints, Ints, Ints]) -> None:
        at = hit(chance)
        at = at[column[at] != NONE]
        start, size, flat = neighbours
        some = column[at]
        column[at] = np.where(
            size[some] > 0, flat[start[some] + rng.integers(0, np.maximum(size[some], 1))], some
        )  # a character that is in no list stays

    swap(p.first, 0.025, world.alike)
    swap(p.second, 0.025, world.alike)
    swap(p.surname, 0.004, world.alike)
    swap(p.first, 0.015, world.dialect)
    swap(p.surname, 0.003, world.dialect)
    at = hit(0.008)
    p.first[at] = rng.integers(0, len(world.character), len(at))
    p.second[hit(0.008)] = NONE
    at = hit(0.006)
    at = at[p.second[at] != NONE]
    p.first[at], p.second[at] = p.second[at], p.first[at]
    at = hit(0.02)
    p.birth[at] += rng.choice([-1, 1, -10, 10], len(at))
    at = hit(0.01)
    p.birth[at] += rng.integers(18, 52, len(at))
    at = hit(0.01)
    p.birth[at] += 365 * rng.choice([-1, 1], len(at))
    at = hit(0.005)
    p.birth[at] = p.birth[at].astype("M8[Y]").astype("M8[D]")
    at = hit(0.004)
    p.sex[at] = 3 - p.sex[at]
    at = np.flatnonzero(rng.random(n) < np.array(MOVED)[p.group])
    near = np.clip(p.village[at] + rng.integers(-30, 30, len(at)), 0, len(world.village) - 1)
    far = rng.choice(len(world.village), len(at), p=world.village_weight)
    p.village[at] = np.where(rng.random(len(at)) < 0.5, near, far)
    at = np.flatnonzero(rng.random(n) < 0.05)
    place = rng.integers(6, 18, len(at))
    turn = (rng.random(len(at)) < 0.25) & (place < 17)
    x, y = at[turn], place[turn]
    p.digits[x, y], p.digits[x, y - 1] = p.digits[x, y - 1], p.digits[x, y]
    p.digits[at[~turn], place[~turn]] = rng.integers(0, 10, int((~turn).sum()))
    gone = {
        "id_number": np.flatnonzero(rng.random(n) < 0.30 * np.array(NO_NUMBER)[p.group]),
        "birth": hit(0.01),
        "address": hit(0.02),
    }
    return p, gone


def save(world: World, written: People, gone: dict[str, Ints], who: Ints, path: Path) -> None:
    """Write one file: names as characters and, for programs that need them, as sounds."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    def texts(values: list[str], number: Ints) -> pa.Array:
        return pa.array([*values, ""]).take(pa.array(np.where(number == NONE, len(values), number)))

    def join(*columns: pa.Array) -> pa.Array:
        return pc.binary_join_element_wise(*columns, "")

    def without(column: pa.Array, name: str) -> pa.Array:
        mask = np.zeros(len(who), bool)
        mask[gone[name]] = True
        return pc.if_else(pa.array(mask), None, column)

    p, han, sounds = written, world.character.tolist(), world.sound
    surname, first, second = (texts(han, c) for c in (p.surname, p.first, p.second))
    given = join(first, second)
    letters = np.frombuffer(b"0123456789X", np.uint8)[p.digits]
    offsets = np.arange(len(who) + 1, dtype=np.int32) * 18
    number = pa.StringArray.from_buffers(len(who), pa.py_buffer(offsets), pa.py_buffer(letters.tobytes()))
    table = {
        "unique_id": pa.array(who),
        "name": join(surname, given),
        "surname": surname,
        "given": given,
        "surname_sound": texts(sounds, p.surname),
        "given_sound": join(texts(sounds, p.first), texts(sounds, p.second)),
        "birth": without(pa.array(p.birth.astype("M8[D]")).cast(pa.string()), "birth"),
        "id_number": without(number, "id_number"),
        "address": without(pa.array(world.village[p.village]).cast(pa.string()), "address"),
        "sex": pa.array(p.sex).cast(pa.string()),
        "group": pa.array(list(GROUPS)).take(pa.array(p.group)),
    }
    pq.write_table(pa.table(table), path)


def simulate(folder: Path, n: int, overlap: float, seed: int) -> int:
    """Write ``a.parquet`` and ``b.parquet`` of ``n`` people each; give how many are in both, by ``unique_id``."""
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    total = round(n * (2 - overlap))
    people = make_people(world, total, rng)
    order = rng.permutation(total)
    for name, who, strength in (("a", order[:n], 0.6), ("b", rng.permutation(order[total - n :]), 1.0)):
        written, gone = write(world, people.take(who), strength, rng)
        save(world, written, gone, who, folder / f"{name}.parquet")
    return 2 * n - total
