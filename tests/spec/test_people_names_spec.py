"""What two ways to write one name have in common: a table to be read by whoever knows names, not code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.people.characters import COMPOUND_SURNAMES, INTERPUNCTS, SURNAME_READINGS
from commonground.people.names import cut, somebody, standardise
from commonground.people.nametable import (
    FOLDED,
    GIVEN,
    NEARLY,
    OTHER,
    SAME,
    SOUND,
    SURNAME,
    WIDTH,
    compare_names,
    name_table,
)

WORDS = {
    "same": SAME, "one sound": SOUND, "one sound in dialect": FOLDED, "one character apart": NEARLY,
    "given name": GIVEN, "surname": SURNAME, "nothing": OTHER,
}  # fmt: skip
SPEC = """
written          | also written        | agree in             | because
张伟             | 张 伟               | same                 | spaces do not count
张伟             | 張偉                | same                 | traditional characters
张伟             | 张\u3000伟           | same                 | the wide space of Chinese keyboards
张伟             | 张伟\u200b           | same                 | an invisible mark from a web page
吕娜             | 呂娜                | same                 | traditional characters
黄静             | 黃靜                | same                 | traditional characters
羅列             | 罗\uf99c             | same                 | a compatibility form of 列
陆昇             | 陆升                | same                 | a variant character
刘喆             | 刘哲                | same                 | a variant character
马腾             | ⻢腾                | same                 | a radical out of a PDF instead of 马
石\ue831 | 石\U000215d7 | same | the private code of GB 18030-2000 for the same character
石\ue000明        | 石火明              | one character apart  | a private code that nobody can read
石?明            | 石火明              | one character apart  | a question mark for a rare character
石[火华]明       | 石烨明              | one character apart  | a rare character described in brackets
王小明（大）      | 王小明              | same                 | a note behind the name
阿依古丽·买买提  | 阿依古丽•买买提     | same                 | interpuncts of every shape
阿依古丽·买买提  | 阿依古丽．买买提    | same                 | interpuncts of every shape
阿依古丽·买买提  | 阿依古丽 买买提     | same                 | the interpunct written as a space
阿依古丽·买买提  | 阿依古丽买买提      | same                 | the interpunct left out
阿依古丽·买买提  | 阿依古丽・买买提    | same                 | the Japanese one
阿卜杜热合曼·买买提依明 | 阿卜杜热合曼买买提依明 | same        | longer than what is compared piece by piece
阿卜杜热合曼·买买提依明 | 阿卜杜热合曼买买提依民 | one sound in dialect | also where long names differ in the end
阿卜杜热合曼·买买提依明 | 阿卜杜热合曼买买提江火 | surname        | also where long names differ in the end
王晓明           | 王小明              | one sound            | another character of the same sound
王小明           | WANG XIAOMING       | one sound            | typed in pinyin
王小明           | Wáng Xiǎomíng       | one sound            | typed with tones
王小明           | wang2 xiao3 ming2   | one sound            | typed with tones as digits
王小明           | ＷＡＮＧ　ＸＩＡＯ　ＭＩＮＧ | one sound    | full-width letters
王小明           | XIAOMING WANG       | one sound            | the surname last
吕雪             | LV XUE              | one sound            | ü as v
吕雪             | LYU XUE             | one sound            | ü as in passports
王小明           | 王xiao明            | one sound            | one character typed in pinyin
李西安           | LI XI'AN            | one sound            | an apostrophe between syllables
单红             | SHAN HONG           | one sound            | 单 is Shàn as a surname
单红             | DAN HONG            | one sound            | read by someone who did not know
仇英             | QIU YING            | one sound            | 仇 is Qiú as a surname
解军             | XIE JUN             | one sound            | 解 is Xiè as a surname
查良             | ZHA LIANG           | one sound            | 查 is Zhā as a surname
区文             | OU WEN              | one sound            | 区 is Ōu as a surname
覃明             | QIN MING            | one sound            | 覃 is Qín as a surname
覃明             | TAN MING            | one sound            | and Tán where it is
尉迟明           | YUCHI MING          | one sound            | a surname of two characters
单于明           | CHANYU MING         | one sound            | 单于 is Chányú
王茜             | WANG QIAN           | one sound            | either reading of a given name
王茜             | WANG XI             | one sound            | either reading of a given name
刘兰             | 牛南                | one sound in dialect | nothing in common for a stranger, one sound here
刘兰             | 刘南                | one sound in dialect | n and l
张胜             | 张森                | one sound in dialect | -ng and -n, sh and s
胡芳             | 胡黄                | one sound in dialect | f and hu
周志             | 邹自                | one sound in dialect | zh and z
王小明           | 王小花              | one character apart  | one of three
王小明           | 王明小              | one character apart  | exchanged
王小明           | 王明                | one character apart  | left out
王小明           | 李小明              | one character apart  | one of three
欧阳小明         | 李小明              | given name           | the given name alone
王小明           | 王建国              | surname              | the surname alone
王伟             | 王刚                | surname              | the surname alone
王小明           | 李建国              | nothing              |
王小明           | 王小明2             | same                 | a school's mark for the second of two namesakes
王小明           | 王小明A             | same                 | a school's mark for the second of two namesakes
王小明           | 王＊明              | one character apart  | a name masked with a star
王小明           | 王某明              | one character apart  | a name masked with 某
王小明           | 王◯明               | one character apart  | a circle for a rare character
石㛃             | 石JIE               | one sound            | pinyin typed for a character that the system lacked
石㛃             | 石节                | one sound            | a common character of the same sound in its place
石䶮             | 石龑                | same                 | simplified and traditional form of a rare character
阿依古丽·买买提  | 阿依古丽            | one character apart  | the father's name left out
阿卜杜热合曼·买买提依明 | 阿卜杜热合曼·买买提 | one character apart | cut off by a field of twenty bytes
阿卜杜热合曼·买买提依明 | 阿不都热合曼·买买提依明 | one character apart | another transliteration
阿卜杜热合曼·买买提依明 | 阿卜杜热合曼·玉素甫江 | surname        | another father's name
买买提依明·阿里木 | 买买提依明·玉素甫   | surname              | another father's name
"""
ROWS = [tuple(c.strip(" ") for c in line.split("|")) for line in SPEC.strip("\n").splitlines()[1:]]


@pytest.mark.parametrize(("one", "other", "level", "why"), ROWS, ids=[f"{r[0]}~{r[1]}" for r in ROWS])
def test_names(one: str, other: str, level: str, why: str) -> None:
    table = name_table([one, other])
    assert compare_names(table, np.array([0]), np.array([1])).tolist() == [WORDS[level]], why
    assert compare_names(table, np.array([1]), np.array([0])).tolist() == [WORDS[level]], why


@pytest.mark.parametrize(
    ("written", "name"),
    [("不详", ""), ("未取名", ""), ("无名氏", ""), ("王小明之子", ""), ("李芳之女", ""), ("李芳之婴", ""), ("测试", ""),
     ("某某", ""), ("**", ""), (" 王小明 ", "王小明"), ("王之子", "王之子"), ("吴明", "吴明"), ("不都拉", "不都拉")],
)  # fmt: skip
def test_what_is_no_name(written: str, name: str) -> None:
    assert somebody(written) == (name if name != "王之子" else "")


def test_every_interpunct_is_left_out() -> None:
    for mark in INTERPUNCTS:
        assert standardise(f"阿依古丽{mark}买买提").key == "阿依古丽买买提", hex(ord(mark))


def test_surnames_of_two_characters_have_a_reading_for_each() -> None:
    assert all(len(r.split()) == len(s) for s, r in SURNAME_READINGS.items())
    assert {s for s in SURNAME_READINGS if len(s) == 2} - COMPOUND_SURNAMES <= {"中行"}


LETTERS = st.sampled_from(
    [*"王张单区覃小晓明伟長陳乐茜阿依?·•. 　aeginouwxhzü1Ａ（)[]", "\ue000", "\U000215d7", "⻢", "\n"]
)


@given(st.lists(st.text(LETTERS, max_size=13), max_size=6, unique=True))
def test_all_at_once_gives_what_one_by_one_gives(texts: list[str]) -> None:
    table, names = name_table(texts), [standardise(t) for t in texts]
    wanted = {
        "key": [n.key for n in names], "sound": ["".join(n.sounds) for n in names],
        "fold": ["".join(n.folded) for n in names], "surname": ["".join(n.folded[: n.surname]) for n in names],
        "given": ["".join(n.folded[n.surname :]) for n in names],
    }  # fmt: skip
    for field, values in wanted.items():
        found = getattr(table, field).tolist()
        assert [[a == b for b in found] for a in found] == [[a == b for b in values] for a in values], field
    both = [*wanted["sound"], *(n.common for n in names)]
    found = [*table.sound.tolist(), *table.common.tolist()]
    assert [[a == b for b in found] for a in found] == [[a == b for b in both] for a in both]
    assert table.length.tolist() == [len(n.units) for n in names]
    assert table.typed.tolist() == [n.typed for n in names]
    assert [(r >= 0).sum() for r in table.sounds] == [sum(s != "?" for s in n.sounds[:WIDTH]) for n in names]


@given(st.lists(st.text(LETTERS, max_size=8), min_size=2, max_size=8, unique=True))
def test_levels_are_the_same_both_ways(texts: list[str]) -> None:
    table = name_table(texts)
    a, b = np.divmod(np.arange(len(texts) ** 2), len(texts))
    level = compare_names(table, a, b)
    assert level.tolist() == compare_names(table, b, a).tolist()
    assert (level[a == b] == SAME).all()


@given(st.lists(st.sampled_from(["zhang", "wei", "xi", "an", "lv", "e", "ming", "gan"]), min_size=1, max_size=4))
def test_cut_pinyin_is_whole(syllables: list[str]) -> None:
    assert "".join(cut("".join(syllables))) == "".join(syllables)
