"""Numbers of invented people: rightly formed, and nobody's."""

from __future__ import annotations

import numpy as np
import pytest

from commonground.demo import names, numbers
from commonground.demo.places import CITY_CODE, COUNTIES, MERGED, OUTSIDE


def mod_11_2(text: str) -> str:
    """Check character by ISO 7064, one digit after another."""
    p = 0
    for digit in text:
        p = (p + int(digit)) * 2 % 11
    return "0123456789X"[(12 - p) % 11]


def test_check_marks_equal_the_recursive_rule() -> None:
    rng = np.random.default_rng(1)
    texts = ["".join(map(str, row)) for row in rng.integers(0, 10, (500, 17)).tolist()]
    assert numbers.check_marks(np.array(texts)).tolist() == [mod_11_2(t) for t in texts]
    assert numbers.check_marks(np.array(["11010519491231002"])).tolist() == ["X"]  # example of GB 11643-1999


def test_area_codes_were_never_assigned() -> None:
    codes = [CITY_CODE, MERGED[0], *[c.code for c in COUNTIES], *[o[0] for o in OUTSIDE]]
    assert len(set(codes)) == len(codes)
    assert all(c[:4] in ("5298", "5299") or c[:2] == "57" for c in codes)


def test_identity_numbers_are_unique_and_tell_birth_and_sex() -> None:
    rng = np.random.default_rng(2)
    n = 900  # nearly as many as one place and day has order numbers
    male = np.arange(n) % 2 == 0
    ids = numbers.identity_numbers(rng, np.full(n, "529921"), np.full(n, np.datetime64("2012-02-29")), male)
    assert len(set(ids.tolist())) == n
    assert {t[:14] for t in ids.tolist()} == {"52992120120229"}
    assert [int(t[16]) % 2 == 1 for t in ids.tolist()] == male.tolist()
    assert all(t[17] == mod_11_2(t[:17]) for t in ids.tolist())


def test_mistyped_numbers_fail_their_check_and_say_so() -> None:
    rng = np.random.default_rng(3)
    n = 4000
    ids = numbers.identity_numbers(
        rng, np.full(n, "529923"), np.datetime64("2010-01-01") + np.arange(n), np.ones(n, bool)
    )
    written, kind = numbers.mistype(rng, ids, 0.02, 0.05)
    assert np.mean(kind == 1) == pytest.approx(0.02, abs=0.008)
    assert np.mean(kind == 3) == pytest.approx(0.05, abs=0.012)
    assert (written[kind == 0] == ids[kind == 0]).all()
    assert (written[kind == 3] == "").all()
    wrong = written[kind == 1].tolist()
    assert wrong
    assert all(t[17].upper() != mod_11_2(t[:17]) for t in wrong)
    other = written[kind == 2].tolist()
    assert any("x" in t for t in other)
    assert any(not t.isascii() for t in other)


def test_registry_numbers_and_telephones() -> None:
    rng = np.random.default_rng(4)
    born = np.array(["2015-06-07", "2016-01-02"], dtype="M8[D]")
    ids = numbers.identity_numbers(rng, np.array(["529921"] * 2), born, np.array([True, False]))
    written = numbers.student_numbers(ids, np.array(["529921"] * 2), born, np.array([True, False]), np.array([5, 6]))
    assert written[0] == "G" + ids[0]
    assert written[1].startswith("J52992120160102")
    assert [len(t) for t in written.tolist()] == [19, 19]
    assert written[1][18] == mod_11_2(written[1][1:18])
    assert all(len(t) == 11 and t.startswith("12") for t in numbers.telephones(rng, 50).tolist())


def test_miswritten_names_stay_near_the_true_ones() -> None:
    rng = np.random.default_rng(5)
    true = np.array(["张伟", "杨晓丽", "刘芳", "阿依古丽·艾力", "龙浩宇"] * 400)
    written, changed = names.miswrite(rng, true, 0.5)
    assert (written[~changed] == true[~changed]).all()
    assert (written[changed] != true[changed]).all()
    plain = changed & (np.char.find(true, "·") < 0)
    assert set(written[plain].tolist()) >= {"张玮", "張伟", "张　伟", " 张伟"}
    assert np.mean(changed[np.char.find(true, "·") < 0]) == pytest.approx(0.4, abs=0.08)
    assert (names.miswrite(rng, true[:4][:3], 0.0)[0] == true[:3]).all()
