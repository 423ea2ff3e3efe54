"""Corrected deliveries: the folder ``2025-09-10-更正`` holds files in place of those of ``2025-09-10``.

What the first delivery's rules say of a day, its constants and its columns holds for the corrected files too. A file
of the same name replaces the one that it corrects (“学籍（更正）.csv” stands for “学籍.csv”); a file of another name is
one that was missing. The file that was replaced is still read and accounted for; its rows count no more.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

_FOLDER = re.compile(r"(?P<base>.+?)[-_ ]?(?:更正|补正|correct(?:ed|ions?))[-_ ]?(?P<again>.*)", re.IGNORECASE)
_WORDS = re.compile(r"[\[(]?(?:更正|补正|修正|修改|已改|副本|correct(?:ed|ions?))后?[版稿件]?\d*[\])]?", re.IGNORECASE)


def base_of(delivery: str) -> str:
    """Give the name of the delivery that a folder corrects; its own name where it corrects none."""
    match = _FOLDER.fullmatch(delivery)
    return match["base"] if match else delivery


def find_replaced(files: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Say which files of a dataset were replaced, and by which.

    Parameters
    ----------
    files : iterable of pair
        Delivery and file name, of the files that are read.

    Returns
    -------
    dict
        Delivery and file → delivery and file of the last correction.
    """
    versions: dict[tuple[str, str], list[tuple[str, str]]] = {}
    listed = sorted(set(files))
    folders = {delivery for delivery, _ in listed}
    for delivery, file in listed:
        base = base_of(delivery)
        versions.setdefault((base if base in folders else delivery, _plain(file)), []).append((delivery, file))
    out: dict[tuple[str, str], tuple[str, str]] = {}
    for same in versions.values():
        # files of one folder never replace each other, however alike their names
        last = max((delivery for delivery, _ in same), key=_natural)
        by = [one for one in same if one[0] == last]
        if len({delivery for delivery, _ in same}) > 1 and len(by) == 1:
            out |= {one: by[0] for one in same if one[0] != last}
    return out


def _natural(delivery: str) -> list[tuple[int, str]]:
    """Order 更正2 before 更正10."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", delivery)]


def _plain(file: str) -> str:
    """Give a file's name without the words that people add to a corrected copy."""
    path = PurePosixPath(unicodedata.normalize("NFKC", file))
    stem = _WORDS.sub("", path.stem)
    return str(path.with_name((re.sub(r"[\s_-]+$", "", stem) or path.stem) + path.suffix.lower()))


def matches(delivery: str, glob: str) -> bool:
    """Tell whether a rule for deliveries holds for a folder: for itself, or for the delivery that it corrects."""
    import fnmatch

    return fnmatch.fnmatchcase(delivery, glob) or fnmatch.fnmatchcase(base_of(delivery), glob)
