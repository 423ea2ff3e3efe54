"""Keeps personal data out of the ledger.

An append-only record can never forget, so nothing about a person may enter it: no name, number, address, birth date
or pseudonym, and no secret. The guard looks at the keys of an entry's detail and at the shape of every text.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

LONGEST = 1_000_000
_WORDS = re.compile(
    "names?|surname|forename|xm|xingming|idno|idcard|sfzh?|phone|mobile|tel|telephone|address|birth|birthday|birthdate|"
    "dob|guardian|father|mother|spouse|pseudonym|password|passphrase|secret|totp"
)
_PAIRS = re.compile("id_(no|card|number)|(person|student|pupil|child|household|relative|entity)_id")
_HAN = ("姓名", "身份证", "证件号", "学籍号", "电话", "手机", "住址", "地址", "出生", "监护人", "父亲", "母亲", "密码")
# An ID number (18 or 15 digits) or a mobile number, standing alone: not as a part of a hash or a longer code.
_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:\d{17}[\dXx]|\d{15}|1\d{10})(?![0-9A-Za-z])")


def personal_key(key: str) -> bool:
    """Tell whether a key of a detail looks as if it held something about a person, or a secret."""
    low = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower()
    parts = re.split(r"[^a-z0-9\u4e00-\u9fff]+", low)
    pairs = [f"{a}_{b}" for a, b in itertools.pairwise(parts)]
    return (
        any(_WORDS.fullmatch(part) for part in parts)
        or any(_PAIRS.fullmatch(pair) for pair in pairs)
        or any(word in low for word in _HAN)
    )


def personal_text(text: str) -> bool:
    """Tell whether a text holds something shaped like an ID number or a mobile number."""
    return _NUMBER.search(text.translate(_NARROW)) is not None


_NARROW = {0xFF10 + n: 0x30 + n for n in range(10)} | {0xFF38: 0x58, 0xFF58: 0x78}


def check(value: Any, path: str = "detail") -> None:
    """Raise ValueError where ``value`` (plain JSON values) holds a personal key or number.

    Only the place is named in the message, never the value.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not isinstance(key, str):
                raise ValueError(f"a ledger entry's keys are texts: {path}")
            if personal_key(key) or personal_text(key):
                raise ValueError(f"personal data or a secret may not stand in the ledger: {path}.{key}")
            check(inner, f"{path}.{key}")
    elif isinstance(value, str):
        if personal_text(value):
            raise ValueError(f"this looks like an ID or telephone number and may not stand in the ledger: {path}")
    elif isinstance(value, Sequence):
        for position, inner in enumerate(value):
            check(inner, f"{path}[{position}]")
    elif isinstance(value, int) and abs(value) >= 10**14 and personal_text(str(abs(value))):
        raise ValueError(f"this looks like an ID number and may not stand in the ledger: {path}")


def canonical(detail: Any) -> str:
    """Write plain values as JSON in one way only: sorted keys, no spaces, no NaN.

    Raises
    ------
    ValueError
        NaN or infinity, a lone surrogate, or more than a million characters.
    TypeError
        Something that is not a plain value.
    """
    text = json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    if len(text) > LONGEST:
        raise ValueError(f"an entry of {len(text)} characters is too long for the ledger")
    text.encode("utf-8")  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
    return text
