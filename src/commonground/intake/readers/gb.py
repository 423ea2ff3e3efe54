"""GB 18030 as it stands today: what its first edition kept in the private use area gets its own code points.

Python decodes GB 18030-2000. Files are the same bytes in all editions; what changed with 2005 and 2022 is which
Unicode character some two-byte codes are, because Unicode had not had them before: rare letters of names (FE51 → 𠂇,
FE59 → 龴), vertical punctuation (A6D9), ḿ (A8BC). Left in the private use area a name would equal no other system's.
What stays private after that somebody drew for one system; a quality check counts it.

Source: GB 18030-2005 and GB 18030-2022, mapping tables of the two-byte region; the same in the WHATWG index gb18030.
"""

from __future__ import annotations

import codecs

_TODAY = {
    0xE7C7: 0x1E3F,  # A8BC
    **dict(zip(range(0xE78D, 0xE794), (0xFE10, 0xFE12, 0xFE11, 0xFE13, 0xFE14, 0xFE15, 0xFE16), strict=True)),  # A6D9
    0xE794: 0xFE17,  # A6EC
    0xE795: 0xFE18,  # A6ED
    0xE796: 0xFE19,  # A6F3
    0xE816: 0x20087,  # FE51
    0xE817: 0x20089,  # FE52
    0xE818: 0x200CC,  # FE53
    0xE81E: 0x9FB4,  # FE59
    0xE826: 0x9FB5,  # FE61
    0xE82B: 0x9FB6,  # FE66
    0xE82C: 0x9FB7,  # FE67
    0xE831: 0x215D7,  # FE6C
    0xE832: 0x9FB8,  # FE6D
    0xE83B: 0x2298F,  # FE76
    0xE843: 0x9FB9,  # FE7E
    0xE854: 0x9FBA,  # FE90
    0xE855: 0x241FE,  # FE91
    0xE864: 0x9FBB,  # FEA0
}
_FAMILY = frozenset({"gb18030", "gbk", "gb2312"})


def is_gb(encoding: str) -> bool:
    """Tell whether an encoding is one of the GB family."""
    return codecs.lookup(encoding).name in _FAMILY


def of_today(text: str) -> str:
    """Give a text decoded from GB 18030 with the code points of the edition of 2022."""
    return text.translate(_TODAY)


def of_today_utf8(data: bytes) -> bytes:
    """Do the same to a text that is in UTF-8 by now; blocks without a private character cost a search for one byte."""
    # only the code points E000 to EFFF begin with this byte, and Chinese text has no other use for them
    return of_today(data.decode("utf-8")).encode("utf-8") if b"\xee" in data else data
