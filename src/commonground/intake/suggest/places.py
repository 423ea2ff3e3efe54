"""What the names of files, their folders and the titles above a table say: globs, patterns, school years."""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DAY = re.compile(r"(19|20)\d{2}(-\d{2}(-\d{2})?)?.*")
_GRADE = re.compile(r"(?P<grade>[一二三四五六七八九]|[1-9])年级")
_PLACE = re.compile(r"(?:^|[_\-—\s(（])(?P<county>[\u4e00-\u9fff]{2,8}[区县市旗])(?=[_\-—\s)）.]|$)")
_SCHOOL = re.compile(r"(?:^|[_\-—\s(（])(?P<school>[\u4e00-\u9fff]{2,15}(?:小学|中学|学校))(?=[_\-—\s)）.]|$)")
_AREA = re.compile(r"(?<!\d)(?P<area>\d{6})(?!\d)")
_YEAR = re.compile(r"(?<!\d)(?P<year>20\d{2})(?!\d)")
_SCHOOL_YEAR = (
    (re.compile(r"(20\d{2})\s*[-—–~～至/]+\s*(?:20)?\d{2}\s*学?年(?:度)?"), 0),
    (re.compile(r"(20\d{2})\s*年?\s*秋"), 0),
    (re.compile(r"(20\d{2})\s*年?\s*春"), -1),
)
_AS_OF = re.compile(
    r"(?:统计时点|时点|截至|截止(?:时间|日期)?|统计时间)\s*[:：]?\s*(?:为|到)?\s*"
    r"(20\d{2})\s*[年./-]\s*(\d{1,2})\s*[月./-]\s*(\d{1,2})\s*[日号]?"
)


@dataclass(frozen=True)
class Place:
    """Where a file stands among the deliveries; parts are "" where nothing says them."""

    department: str = ""
    dataset: str = ""
    delivery: str = ""
    file: str = ""


def place_of(path: Path, deliveries: Path | None = None) -> Place:
    """Read department, dataset and delivery off a path ``…/<department>/<dataset>/<date>/<file>``."""
    for full in (path.absolute(), path.resolve()):  # a file of the deliveries may be a link to one elsewhere
        if deliveries is not None and full.is_relative_to(deliveries):
            parts = full.relative_to(deliveries).parts
            if len(parts) >= 4:
                return Place(parts[0], parts[1], parts[2], "/".join(parts[3:]))
            if len(parts) == 3:
                return Place(parts[0], parts[1], "", parts[2])
    parts = path.absolute().parts
    if len(parts) >= 5 and _DAY.fullmatch(parts[-2]) and parts[-5] == "deliveries":
        return Place(parts[-4], parts[-3], parts[-2], parts[-1])
    return Place(file=path.name)


def escape(name: str) -> str:
    """Write a name as a glob that matches it alone."""
    return re.sub(r"([\[*?])", r"[\1]", name)


def glob_of(files: Sequence[str]) -> str:
    """Give a glob for files of one kind: what they share, with years and numbers left open."""
    files = sorted(set(files))
    stems = {os.path.splitext(name)[0] for name in files}
    ends = {os.path.splitext(name)[1] for name in files}
    end = escape(ends.pop()) if len(ends) == 1 else ".*"
    if len(stems) == 1:
        shared = re.sub(r"\d{2,}", "\0", stems.pop())
        return re.sub(r"\*+", "*", "*".join(escape(part) for part in shared.split("\0"))) + end
    word = _shared(sorted(stems))
    if not word:
        return f"*{end}"
    front = "" if all(stem.startswith(word) for stem in stems) else "*"
    return f"{front}{escape(word)}*{end}" if not all(s.endswith(word) for s in stems) else f"*{escape(word)}{end}"


def _shared(stems: Sequence[str]) -> str:
    """Find the longest piece that all names share, without figures, of at least two characters."""
    first = stems[0]
    for length in range(len(first), 1, -1):
        for start in range(len(first) - length + 1):
            piece = first[start : start + length]
            if not re.search(r"\d", piece) and all(piece in stem for stem in stems):
                return piece
    return ""


def file_pattern(files: Sequence[str], deliveries: Sequence[str] = ()) -> str:
    """Give a pattern with named groups for what the names say of the rows: grade, county, school, area, year.

    Groups that all names have; a year and an area code only where they differ within a delivery.
    """
    pairs = sorted(set(zip(files, deliveries or [""] * len(files), strict=True)))
    files = [file for file, _ in pairs]
    found: list[tuple[int, str]] = []
    for pattern, must_differ in ((_GRADE, False), (_PLACE, False), (_SCHOOL, False), (_AREA, True), (_YEAR, True)):
        hits = [pattern.search(name) for name in files]
        real = [hit for hit in hits if hit is not None]
        if len(real) < len(files):
            continue
        group = next(iter(pattern.groupindex))
        by_delivery: dict[str, set[str]] = {}
        for (_, delivery), hit in zip(pairs, real, strict=True):
            by_delivery.setdefault(delivery, set()).add(hit.group(group))
        if must_differ and max(map(len, by_delivery.values())) < 2:
            continue
        written = _around(files, real, group) if pattern in (_PLACE, _SCHOOL) else _plain(pattern)
        found.append((real[0].start(group), written))
    return ".*?".join(written for _, written in sorted(found))


def _plain(pattern: re.Pattern[str]) -> str:
    if pattern is _GRADE:
        return "(?P<grade>[一二三四五六七八九1-9])年级"
    return pattern.pattern.replace("(?<!\\d)", "").replace("(?!\\d)", "")


def _around(files: Sequence[str], hits: Sequence[re.Match[str]], group: str) -> str:
    """Name the text before and after a part, as far as all names share it."""
    before = [name[: hit.start(group)] for name, hit in zip(files, hits, strict=True)]
    after = [name[hit.end(group) :] for name, hit in zip(files, hits, strict=True)]
    head = _start([text[::-1] for text in before])[::-1]
    tail = _start(after)
    head, tail = re.sub(r".*\d", "", head), re.sub(r"\d.*", "", tail)
    return (
        f"{_escaped(head)}(?P<{group}>.+){_escaped(tail)}" if tail else f"{_escaped(head)}(?P<{group}>.+?[区县市旗学])"
    )


def _start(texts: Sequence[str]) -> str:
    """Give what all texts begin with."""
    low, high = min(texts), max(texts)
    return low[: next((i for i, char in enumerate(low) if high[i : i + 1] != char), len(low))]


def _escaped(text: str) -> str:
    return re.sub(r"([.^$*+?{}\[\]\\|()])", r"\\\1", text)


def school_year(texts: Sequence[str]) -> tuple[int, str] | None:
    """Give the school year (the year of its autumn) that titles and file names agree on, with the words that say it."""
    found: dict[int, str] = {}
    for text in texts:
        for pattern, shift in _SCHOOL_YEAR:
            hit = pattern.search(text)
            if hit:
                found.setdefault(int(hit.group(1)) + shift, hit.group(0))
                break
    return next(iter(found.items())) if len(found) == 1 else None


def as_of(texts: Sequence[str]) -> tuple[dt.date, str] | None:
    """Give the day that titles say the data describe, with the words that say it."""
    found: dict[dt.date, str] = {}
    for text in texts:
        hit = _AS_OF.search(text)
        if hit:
            try:
                found.setdefault(dt.date(*map(int, hit.groups())), hit.group(0))
            except ValueError:
                continue
    return next(iter(found.items())) if len(found) == 1 else None
