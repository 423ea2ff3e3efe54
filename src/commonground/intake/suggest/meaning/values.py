"""What the texts of a column look like: the share of each shape, of each code list, and the numbers' distribution.

A column is judged on at most ``LOOKED_AT`` different texts, weighted by how often they stand there.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from commonground.intake import areas
from commonground.intake.convert import plain, to_number
from commonground.intake.dates import parse_date
from commonground.intake.ids import check_ids, tidy
from commonground.intake.model import Pack
from commonground.intake.suggest.meaning.lexicon import Lexicon
from commonground.intake.suggest.model import ColumnProfile

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOOKED_AT = 160
LATEST = 2100
_ID_SHAPE = re.compile(r"[1-9]\d{5}(18|19|20)\d{2}[01]\d[0-3]\d{4}[\dX*]|[1-9]\d{5}\d{2}[01]\d[0-3]\d\d{3}")
_AS_NUMBER = re.compile(r"\d(\.\d{3,})?E\+?1[4-8]|\d{15,18}\.0")
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff?？]{2,4}")
_DOTTED = re.compile(r"[\u3400-\u9fff]{2,12}([·•．.・‧][\u3400-\u9fff]{1,12})+")
_LIST = re.compile(r"[、,，;；/ ]+")
_MONTH = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])|(19|20)\d\d[-./年](0?[1-9]|1[0-2])月?")
_YEAR = re.compile(r"(18|19|20|21)\d\d年?")
_YEAR_LAST = re.compile(r"\d{1,2}[-./]\d{1,2}[-./](19|20)\d\d")
_ANY_YEAR = re.compile(r"(?<!\d)(19|20)\d\d|(19|20)\d\d(?!\d)")
_SERIAL = re.compile(r"[1-4]\d{4}(\.0)?")
_TIME = re.compile(r"[ T]\d{1,2}:\d\d")


@dataclass(frozen=True)
class Digest:
    """What a column's texts look like.

    Attributes
    ----------
    share : mapping
        Shape → share of the filled texts (those that are not missing texts) that have it.
    lists : mapping
        Code list → (share written in words or labels, share written in its codes or a known numbering).
    numbers : array
        Values of the texts that are numbers, repeated by their counts (at most some thousands).
    missing : mapping
        Text that means no value → (why, share of all filled).
    filled, rows, distinct : int
        As the profile says.
    texts : tuple of (str, int)
        The texts that were judged, without missing ones.
    years : tuple of int
        Years of the different texts that begin with one, or are a serial day of a spreadsheet.
    """

    share: Mapping[str, float]
    lists: Mapping[str, tuple[float, float]]
    numbers: NDArray[np.float64]
    missing: Mapping[str, tuple[str, float]]
    filled: int
    rows: int
    distinct: int
    texts: tuple[tuple[str, int], ...]
    labels: Mapping[str, str] = field(default_factory=dict)
    years: tuple[int, ...] = ()

    def distinctness(self) -> float:
        """Give different texts per filled row, 0 to 1."""
        return self.distinct / max(1, self.filled)


def look(column: ColumnProfile, lexicon: Lexicon, pack: Pack) -> Digest:
    """Look at a column's texts."""
    counts = _counts(column)
    missing, held = _set_missing_aside(counts, column, lexicon)
    texts = [text for text, _ in held]
    weight = np.array([n for _, n in held], float)
    total = float(weight.sum()) or 1.0
    share = {
        name: float(weight[np.array(hit, bool)].sum()) / total if texts else 0.0
        for name, hit in _shapes(texts, lexicon, pack).items()
    }
    numbers = [to_number(text) for text in texts]
    known = [(value, n) for value, n in zip(numbers, weight.tolist(), strict=True) if value is not None]
    drawn = np.repeat([v for v, _ in known], [max(1, min(200, int(n))) for _, n in known]) if known else np.array([])
    share["number"] = sum(n for _, n in known) / total
    share["integer"] = sum(n for value, n in known if value == int(value)) / total
    share["sequence"] = _sequence(column)
    share["rank"] = _rank(column)
    lists = {name: _listed(held, name, lexicon, pack, total) for name in pack.codes}
    return Digest(
        share,
        lists,
        np.asarray(drawn, float),
        missing,
        column.filled,
        column.rows,
        column.distinct,
        tuple(held),
        column.value_labels,
        _years(texts) if share["date_wide"] >= 0.5 else (),
    )


def _counts(column: ColumnProfile) -> Counter[str]:
    """Give the texts with their counts: the most frequent, and the drawn ones that are not among them."""
    counts: Counter[str] = Counter({plain_text(text): 0 for text, _ in column.values})
    for text, n in column.values:
        counts[plain_text(text)] += n
    drawn = Counter(plain_text(text) for text in column.sample)
    for text, n in drawn.items():
        if text not in counts:
            counts[text] = n
    counts.pop("", None)
    return counts


def plain_text(text: str) -> str:
    """Fold to half width and trim; spaces inside stay (a pinyin name has one)."""
    return unicodedata.normalize("NFKC", text).strip()


def _set_missing_aside(
    counts: Counter[str], column: ColumnProfile, lexicon: Lexicon
) -> tuple[dict[str, tuple[str, float]], list[tuple[str, int]]]:
    strong, weak = lexicon.values["missing"], lexicon.values["weak"]
    total = sum(counts.values()) or 1
    missing = {text: (strong[text.lower()], n / total) for text, n in counts.items() if text.lower() in strong}
    rest = {text: n for text, n in counts.items() if text not in missing}
    odd = [text for text in rest if weak.get(text)]
    others = {text: n for text, n in rest.items() if text not in odd}
    if odd and others and _of_another_sort(odd, others):
        stray = [text for text in odd if _stands_apart(text, others)]
        missing |= {text: (weak[text], rest[text] / total) for text in stray}
        rest = {text: n for text, n in rest.items() if text not in stray}
    held = sorted(rest.items(), key=lambda item: (-item[1], item[0]))
    if len(held) > LOOKED_AT:
        step = len(held[LOOKED_AT // 4 :]) / (LOOKED_AT * 3 // 4)
        tail = [held[LOOKED_AT // 4 + int(i * step)] for i in range(LOOKED_AT * 3 // 4)]
        held = [*held[: LOOKED_AT // 4], *tail]
    return missing, held


def _of_another_sort(odd: Sequence[str], others: Mapping[str, int]) -> bool:
    """A few odd texts are no values where the others are many and different."""
    return len(others) >= 12


def _stands_apart(text: str, others: Mapping[str, int]) -> bool:
    """Tell whether a text such as 0, 99 or 无 is of another sort than the column's others."""
    value = to_number(text)
    numbers = [number for other in others if (number := to_number(other)) is not None]
    if value is None:
        return True
    if len(numbers) * 2 < len(others):
        return True
    if value < 0 <= min(numbers):
        return True
    low, high = np.percentile(numbers, [2, 98])
    width = max(high - low, 1e-9)
    return bool(value < low - 0.5 * width - 2 or value > high + 2 * width + 2)


def _shapes(texts: Sequence[str], lexicon: Lexicon, pack: Pack) -> dict[str, list[bool]]:
    keys = [plain(text) for text in texts]
    upper = [key.upper() for key in keys]
    out = {
        name: [pattern.fullmatch(text) is not None for text in (texts if name in ("english", "pinyin") else upper)]
        for name, pattern in lexicon.shapes.items()
        if name not in _SUFFIXED
    }
    out |= {
        name: [lexicon.shapes[name].match(text) is not None for text in keys]
        for name in _SUFFIXED & set(lexicon.shapes)
    }
    out["phone"] = [a or b for a, b in zip(out["mobile"], out["landline"], strict=True)]
    out["id"], out["id_valid"] = _ids(texts)
    dated = [_date_sort(text, pack) for text in texts]
    for sort in ("day", "month", "year", "serial", "year_last", "lunar"):
        out[f"date_{sort}"] = [one == sort for one in dated]
    out["date"] = [one in ("day", "lunar", "serial", "year_last") for one in dated]
    out["date_wide"] = [bool(one) for one in dated]
    names = _name_test(lexicon)
    out["person_name"] = [names(text) for text in texts]
    out["name_list"] = [_name_list(text, names) for text in texts]
    provinces = tuple(lexicon.values["provinces"])
    out["province"] = [key.startswith(provinces) and len(key) <= 8 for key in keys]
    codes = frozenset(lexicon.values["province_codes"].split())
    out["area"] = [bool(re.fullmatch(r"\d{6}(\d{3}|\d{6})?", key)) and key[:2] in codes for key in keys]
    out["area_known"] = _areas(keys, out["area"])
    named = _place_test(lexicon)
    out["place_name"] = [hit or named(key) for hit, key in zip(out["place_name"], keys, strict=True)]
    out["village_code"] = [hit and key[:2] in codes for hit, key in zip(out["village_code"], keys, strict=True)]
    out["school_code"] = [hit and not _MONTH.fullmatch(key) for hit, key in zip(out["school_code"], keys, strict=True)]
    yes, no = set(lexicon.values["yes"]), set(lexicon.values["no"])
    two = frozenset({"1", "2"}) if set(keys) == {"1", "2"} else frozenset()  # 1 yes, 2 no, in many forms
    out["yes_no"] = [key.lower() in yes or key.lower() in no or key in two for key in keys]
    out["han"] = [bool(re.search(r"[\u4e00-\u9fff]", key)) for key in keys]
    out["coordinate"] = [bool(re.fullmatch(r"-?\d{1,4}\.\d{1,8}", key)) for key in keys]
    return out


_SUFFIXED = frozenset(
    {"address", "place_name", "school", "school_short", "organisation", "clinic", "village_name", "township_name",
     "sentence"}
)  # fmt: skip


def _years(texts: Sequence[str]) -> tuple[int, ...]:
    """Give the years of dates: a pupil's birth is told from the day of a visit by them."""
    out = []
    for text in texts:
        if _SERIAL.fullmatch(text):
            out.append(1900 + int(float(text)) * 4 // 1461)
        elif match := _ANY_YEAR.search(text):
            out.append(int(match[0]))
    return tuple(out)


def _areas(keys: Sequence[str], shaped: Sequence[bool]) -> list[bool]:
    """Say which texts that are shaped like area codes were ever assigned."""
    if not any(shaped):
        return [False] * len(keys)
    known = areas.known([key if hit else "" for key, hit in zip(keys, shaped, strict=True)])
    return [bool(one) for one in known]


@functools.cache
def _place_names() -> frozenset[str]:
    """Give names of prefectures and counties of any year, with and without what they end in."""
    names = {period.name for periods in areas.history().values() for period in periods}
    return frozenset(names | {name[:-1] for name in names if len(name) > 2 and name[-1] in "市县区旗"})


def _place_test(lexicon: Lexicon) -> Callable[[str], bool]:
    provinces = tuple(lexicon.values["provinces"])
    names = _place_names()

    def is_place(key: str) -> bool:
        start = next((one for one in provinces if key.startswith(one)), "")
        rest = key.removeprefix(start).removeprefix("省").removeprefix("市") if start else key
        return (bool(start) and not rest) or rest in names or (bool(start) and rest[:2] in names and len(rest) <= 6)

    return is_place


def _ids(texts: Sequence[str]) -> tuple[list[bool], list[bool]]:
    if not texts:
        return [], []
    tidied = [tidy(text) for text in texts]
    shaped = [bool(_ID_SHAPE.fullmatch(text) or _AS_NUMBER.fullmatch(text)) for text in tidied]
    if not any(shaped):
        return shaped, shaped
    checked = check_ids([text or "0" for text in texts], LATEST)
    return shaped, [number is not None for number in checked.number]


def _date_sort(text: str, pack: Pack) -> str:
    """Tell which shape of date a text has; "" for none."""
    key = _TIME.split(plain_text(text))[0].strip()
    if _YEAR.fullmatch(key):
        return "year"
    if _MONTH.fullmatch(key):
        return "month"
    if _SERIAL.fullmatch(key):
        return "serial"
    if _YEAR_LAST.fullmatch(key):
        return "year_last"
    if (key[:1].isdigit() and len(key) < 8) or len(key) > 24:
        return ""
    found = parse_date(key, pack.lunar)
    if found.day is None and found.precision != "default":
        return ""
    return "lunar" if found.precision == "lunar" else "month" if found.precision == "month" else "day"


def _name_test(lexicon: Lexicon) -> Callable[[str], bool]:
    surnames, compound = frozenset(lexicon.values["surnames"]), tuple(lexicon.values["compound_surnames"])
    words, never_last = _label_words(lexicon), frozenset(lexicon.values["never_ends_a_name"])

    def is_name(text: str) -> bool:
        key = plain(text)
        if _DOTTED.fullmatch(key):
            return True
        if not _HAN.fullmatch(key) or key in words:
            return False
        return key.startswith(compound) or (key[0] in surnames and key[-1] not in never_last)

    return is_name


def _label_words(lexicon: Lexicon) -> frozenset[str]:
    return frozenset(
        word for entry in lexicon.codes.values() for words in entry.get("words", {}).values() for word in words
    )


def _name_list(text: str, is_name: Callable[[str], bool]) -> bool:
    parts = [part for part in _LIST.split(re.sub(r"[(（][^)）]*[)）]", "", text)) if part]
    return len(parts) > 1 and sum(is_name(part) for part in parts) * 2 > len(parts)


def _sequence(column: ColumnProfile) -> float:
    """Say how far the column counts its rows: whole numbers that rise from about 1, in every file anew."""
    if column.distinct < 5:
        return 0.0
    numbers = [int(text) for text in map(plain, column.sample[:500]) if text.isdecimal() and len(text) < 8]
    if len(numbers) < 5 or len(numbers) < 0.9 * min(500, len(column.sample)):
        return 0.0
    rising = float(np.mean(np.diff(numbers) > 0))
    return rising if rising >= 0.9 and numbers[0] <= 10 else 0.0


def _rank(column: ColumnProfile) -> float:
    """Say how far whole numbers fill 1 to their greatest, as ranks do."""
    numbers = {int(text) for text, _ in column.values if text.isdecimal() and len(text) < 8}
    numbers |= {int(text) for text in column.sample if text.isdecimal() and len(text) < 8}
    if len(numbers) < 8 or min(numbers) != 1:
        return 0.0
    return min(1.0, len(numbers) / min(max(numbers), max(1, len(column.sample))))


def _listed(
    held: Sequence[tuple[str, int]], name: str, lexicon: Lexicon, pack: Pack, total: float
) -> tuple[float, float]:
    """Give the shares of a column that a code list explains, by words and by codes."""
    words, codes = _list_keys(name, lexicon, pack)
    by_word = sum(n for text, n in held if label_key(text) in words)
    by_code = sum(n for text, n in held if plain(text) in codes)
    return by_word / total, by_code / total


def label_key(text: str) -> str:
    """Fold a label: ``1.走读`` and ``1-走读`` are 走读."""
    return re.sub(r"^[0-9A-Za-z]{1,2}[.、:：\-)）]+(?=\D)", "", plain(text)).lower()


_KEYS: dict[tuple[int, str], tuple[frozenset[str], frozenset[str]]] = {}


def _list_keys(name: str, lexicon: Lexicon, pack: Pack) -> tuple[frozenset[str], frozenset[str]]:
    at = (id(lexicon), name)
    if at not in _KEYS:
        listed, entry = pack.codes[name], lexicon.codes.get(name, {})
        words = {plain(word).lower() for word in listed.aliases}
        words |= {plain(word).lower() for some in entry.get("words", {}).values() for word in some}
        codes = set(listed.labels) | {code for coding in entry.get("codings", ()) for code in coding["codes"]}
        codes |= set(entry.get("missing", {}))
        if listed.width:
            codes |= {code.lstrip("0") for code in listed.labels}
        codes = {code for code in codes if code.isascii() and len(code) <= 3}
        _KEYS[at] = frozenset(words - codes), frozenset(codes)
    return _KEYS[at]
