"""What the names of sheets and files say of all their rows: taken only where no column of the file says it.

Unlike a column such a name is no header that somebody chose; its texts alone tell what it may be.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from commonground.errors import Said
from commonground.intake.model import Pack
from commonground.intake.suggest.gather import Found
from commonground.intake.suggest.layouts import Written
from commonground.intake.suggest.model import ColumnProfile, ColumnProposal, Evidence
from commonground.intake.suggest.table import count

_SHARE = 0.8
_SHAPES = (
    (re.compile(r".{1,8}[区县市旗]"), "county"),
    (re.compile(r".{1,8}(镇|乡|街道|办事处)"), "township"),
    (re.compile(r"([一二三四五六七八九]|[1-9])年级|[七八九]|初[一二三]"), "grade"),
    (re.compile(r".{2,}(小学|中学|学校)"), "school_name"),
    (re.compile(r"小学|初中|普通初中|中学|高中"), "school_level"),
)
_GROUPS = {"county": "county", "grade": "grade", "area": "area", "school": "school_name"}


def columns(found: Sequence[Found], written: Sequence[Written]) -> list[ColumnProfile]:
    """Give ``@sheet``, where there are several names, and the groups of ``file_pattern``, over all sheets."""
    texts: dict[str, list[str]] = {}
    if len({one.profile.sheet for one in found}) > 1:
        texts["@sheet"] = [one.profile.sheet for one in found]
    for layout in written:
        pattern = layout.keys.get("file_pattern", "")
        for one in layout.found if pattern else ():
            hit = re.search(pattern, one.place.file)
            for name, text in (hit.groupdict() if hit else {}).items():
                texts.setdefault(f"@{name}", []).append(text or "")
    return [count(name, -1, len(cells), cells) for name, cells in texts.items()]


def propose(column: ColumnProfile, pack: Pack, taken: set[str | None]) -> ColumnProposal:
    """Say what the names of sheets or files mean; nothing where a column of the file says the same."""
    seen = [text for text, _ in column.values]
    concept = _GROUPS.get(column.name[1:], "")
    if column.name == "@sheet":
        concept = next(
            (name for shape, name in _SHAPES if sum(bool(shape.fullmatch(t)) for t in seen) >= _SHARE * len(seen)), ""
        )
    codes = pack.concepts[concept].codes if concept in pack.concepts else None
    known = codes is None or concept in ("county", "grade") or all(codes.canonical(text) for text in seen)
    words = "、".join(seen[:4])
    where = Said("工作表名", "names of sheets") if column.name == "@sheet" else Said("文件名", "names of files")
    said = Said(f"{where.zh}写着{words}", f"{where.en} say {words}")
    sure = bool(concept in pack.concepts and concept not in taken and known)
    return ColumnProposal(
        column,
        concept if sure else None,
        0.9 if sure else 0.0,
        (Evidence("file", said, 2.0),),
        ((concept, 0.9),) if concept in pack.concepts and not sure else (),
    )
