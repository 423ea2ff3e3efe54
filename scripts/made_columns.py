"""Made datasets from which the weights of ``suggest`` are fitted: headers as departments write them, with values.

Nothing here comes from a real or a sample city. Headers are drawn from the pack's names, and then changed the way
clerks change them; half of the time the word that was drawn is struck from the pack (``banned``), so that the weights
learn how far likeness and content can be trusted where the very word is not known.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass

from made_values import Draw, Values

from commonground.intake.model import Pack
from commonground.intake.suggest.meaning.header import normal
from commonground.intake.suggest.meaning.lexicon import Lexicon, Words, spelt
from commonground.intake.suggest.model import ColumnProfile, SheetProfile

STYLES = ["zh", "folk", "initials", "en", "camel", "pinyin", "code", "cryptic"]


@dataclass(frozen=True)
class Made:
    """A made dataset: its sheet, the concept of each column (None for none), and the struck names of each."""

    sheet: SheetProfile
    truth: tuple[str | None, ...]
    banned: tuple[frozenset[str], ...]
    kind: str


class Maker:
    """Makes datasets; everything follows from the seed."""

    def __init__(self, lexicon: Lexicon, pack: Pack, seed: int) -> None:
        self.lexicon, self.pack, self.r = lexicon, pack, random.Random(seed)
        self.values = Values(lexicon, pack, self.r)
        self.style, self.rows = "zh", 100

    def dataset(self) -> Made:
        """Make one dataset; one in twelve is of no kind that the pack knows."""
        r = self.r
        foreign = r.random() < 1 / 12
        kind = "" if foreign else r.choice(list(self.lexicon.kinds))
        self.style = r.choices(STYLES, [42, 24, 15, 17, 4, 3, 4, 5])[0]
        self.rows = r.choice([8, 30, 120, 300, 300])
        used: set[str] = set()
        cryptic, labelled = (
            r.choice(["V", "A", "F", "col", "字段", "#"]),
            r.random() < (0.6 if self.style == "cryptic" else 0.15),
        )
        columns, truth, banned = [], [], []
        for concept in self._in_order(self._drawn(kind)):
            name, struck, values = self._column(concept)
            if not name or name in used:
                continue
            used.add(name)
            label = ""
            if self.style == "cryptic":  # a statistical file, or one without a header
                name, label = f"{cryptic}{len(columns) + 1}", name if labelled and r.random() < 0.9 else ""
            elif self.style in ("initials", "en") and labelled:
                label = self.lexicon.concepts[concept].full[0] if concept and r.random() < 0.5 else ""
            columns.append(self._profile(name, label, len(columns), values))
            truth.append(concept)
            banned.append(struck)
        word = r.choice(list(self.lexicon.kinds[kind].words)) if kind and r.random() < 0.5 else "data"
        return Made(
            SheetProfile(f"{word}2023.csv", "", self.rows, tuple(columns), {}), tuple(truth), tuple(banned), kind
        )

    def _drawn(self, kind: str) -> list[str | None]:
        """Draw the concepts of a dataset; None for columns that the pack has none for."""
        r, much = self.r, self.r.uniform(0.1, 0.7)
        if not kind:
            some: list[str | None] = list(r.sample(list(self.lexicon.concepts), r.choice([0, 1, 2, 3])))
            return some + [None] * r.choice([5, 8, 12])
        words = self.lexicon.kinds[kind]
        stray = [c for c in self.lexicon.concepts if c not in words.core | words.often]
        core: list[str | None] = [c for c in sorted(words.core) if r.random() < 0.93]
        often = [c for c in sorted(words.often) if r.random() < much][:26]
        return core + often + r.sample(stray, r.choice([0, 0, 1, 2])) + [None] * r.choice([0, 1, 2, 4, 7])

    def _in_order(self, concepts: list[str | None]) -> list[str | None]:
        """Put columns in an order like that of forms: the person first, other persons together, the rest anywhere."""
        order = {name: i for i, name in enumerate(self.lexicon.concepts)}
        place = [(order[c] if c else self.r.uniform(0, len(order))) + self.r.gauss(0, 3) for c in concepts]
        return [c for _, c in sorted(zip(place, concepts, strict=True), key=lambda pair: pair[0])]

    def _profile(self, name: str, label: str, position: int, values: list[str]) -> ColumnProfile:
        filled = [value for value in values if value]
        counts = sorted(Counter(filled).items(), key=lambda item: (-item[1], item[0]))
        return ColumnProfile(
            name, position, len(values), len(filled), len(counts), tuple(counts[:300]), tuple(filled), label
        )

    def _column(self, concept: str | None) -> tuple[str, frozenset[str], list[str]]:
        r = self.r
        if concept is None:
            return self._nobodys()
        words = self.lexicon.concepts[concept]
        word, struck_words = self._word(words)
        struck = frozenset(normal(text) for text in struck_words) if r.random() < 0.5 else frozenset()
        if self.style == "folk" or struck:
            struck |= self._struck_parts(word)
        name = self._index(self._change(word), words.index)
        if r.random() < 0.03:
            return name, struck, [""] * self.rows
        english = self.style in ("en", "camel")
        return name, struck, self._fill(self.values.of(self.pack.concepts[concept], words, english=english), concept)

    def _nobodys(self) -> tuple[str, frozenset[str], list[str]]:
        """Make a column that no concept stands for; one in eight bears a concept's name over other values."""
        r = self.r
        shape = r.choice(list(self.lexicon.others))
        draw = self.values.other(shape)
        if self.style in ("zh", "folk") and r.random() < 0.3:
            return self._near_miss()
        if r.random() < 0.12:
            word, _ = self._word(self.lexicon.concepts[r.choice(list(self.lexicon.concepts))])
            return self._change(word), frozenset(), self._fill(draw, shape)
        word = r.choice(self.lexicon.others[shape])
        struck = frozenset({normal(word), word.lower().replace("_", "")}) if r.random() < 0.6 else frozenset()
        if self.style == "folk" or struck:
            struck |= self._struck_parts(word)
        if self.style == "initials" and spelt(word):
            word = spelt(word)[0]
        return self._change(word), struck, self._fill(draw, shape)

    def _near_miss(self) -> tuple[str, frozenset[str], list[str]]:
        """Make a column with a concept's values and the end of its name, of something else (填表 + 日期).

        So likeness and values do not suffice where what comes first in the header is not the concept's.
        """
        r = self.r
        foreign = [
            word for words in self.lexicon.others.values() for word in words if len(word) > 2 and word[:1] > "一"
        ]
        concept = r.choice([name for name, words in self.lexicon.concepts.items() if words.full[0][:1] > "一"])
        words = self.lexicon.concepts[concept]
        word = r.choice([one for one in words.full if one[:1] > "一" and len(one) > 1])
        name = r.choice(foreign)[: r.choice([2, 2, 3])] + word[-r.choice([2, 2, 3]) :]
        values = self.values.of(self.pack.concepts[concept], words, english=False)
        return name, frozenset(), self._fill(values, concept)

    def _word(self, words: Words) -> tuple[str, list[str]]:
        """Draw a name of a concept in the style of the dataset, and the pack's words that it is made of."""
        r = self.r
        if self.style == "folk" and r.random() < 0.75 and (folk := self._folk(words.name)):
            return folk, []
        if words.vague and r.random() < 0.15:
            return r.choice(words.vague), []
        if self.style == "code" and words.codes:
            return r.choice(words.codes), []
        latin = self.style in ("en", "camel")
        pool = [w for w in words.full if w.isascii() == latin] or list(words.full)
        parts = [w for w in self.lexicon.field_words.get(words.field, ()) if w.isascii() == latin]
        people = [w for w in self.lexicon.role_words.get(words.role, ()) if w.isascii() == latin]
        joined = parts and people and (words.role != "self" or r.random() < 0.25) and r.random() < 0.85
        if not joined:
            word = r.choice(pool)
            return self._spell(word), [word]
        person, part = r.choice(people), r.choice(parts)
        if words.role != "self" and r.random() < 0.1:
            return f"{person}/{part}", [part]
        if self.style in ("initials", "pinyin") and r.random() < 0.5:
            return f"{self._spell(person)}_{self._spell(part)}", [part]
        return (self._spell(person + part) if not latin else f"{person}_{part}"), [part]

    def _folk(self, concept: str) -> str:
        """Put a header together from parts as a clerk does: a word for each part of a frame of the concept."""
        r, parts = self.r, self.lexicon.parts
        owner = list(self.lexicon.concepts).index(concept)
        frames = [frame for frame in parts.frames if frame.owner == owner]
        if not frames:
            return ""
        frame = r.choice(frames)
        some = [*frame.asked, *(part for part in frame.allowed if r.random() < 0.4)]
        text = r.choice(["", "", "", "的"]).join(r.choice(parts.of_part[part]) for part in some)
        before = r.choice(["现在", "平时", "目前", "娃", "学生", "家里", "屋头"]) if r.random() < 0.12 else ""
        return before + text + (r.choice(["吗", "情况", "登记", "是", "不", "（填）"]) if r.random() < 0.12 else "")

    def _struck_parts(self, word: str) -> frozenset[str]:
        """Strike some of the words that a header holds, so that weights are right where a clerk's word is not known."""
        known, text, much = self.lexicon.parts.words, normal(word), self.r.choice([0.0, 0.2, 0.6])
        pieces = sorted({text[i:j] for i in range(len(text)) for j in range(i + 1, min(len(text), i + 8) + 1)})
        return frozenset(piece for piece in pieces if piece in known and self.r.random() < much)

    def _spell(self, word: str) -> str:
        if self.style not in ("initials", "pinyin") or not spelt(word):
            return word
        letters = spelt(word)[self.style == "pinyin"] + "".join(c for c in word if c.isdigit())
        draw = self.r.random()
        if draw < 0.08 and len(letters) > 3:  # a system leaves out a letter, or adds what sort of field it is
            at = self.r.randrange(1, len(letters))
            return letters[:at] + letters[at + 1 :]
        return letters + self.r.choice(["DM", "_DM", "MC", "_STR"]) if draw < 0.14 else letters[:12]

    def _change(self, word: str) -> str:
        """Change a word the way clerks do; most stay as they are."""
        r = self.r
        if word.isascii():
            if self.style == "camel":
                return "".join(part.capitalize() for part in word.split("_"))
            return (
                f"{word}_{r.choice(['x', 'new', 'col', 'no'])}" if r.random() < 0.06 else r.choice([word, word.upper()])
            )
        if r.random() < 0.62:
            return word
        at = r.randrange(len(word))
        return r.choice(
            [
                f"{r.choice(['所在', '现', '本', '家庭', '学生', '全国', '当前', '实际', '主要'])}{word}",
                f"{word}{r.choice(['情况', '名称', '信息', '代码', '说明', '（必填）', '*', '标志', '登记'])}",
                f"{r.randint(1, 30)}.{word}",
                " ".join(word) if len(word) == 2 else word,
                f"{r.choice(['基本信息', '学生信息', '其他', '登记情况', '基本情况'])}/{word}",
                word[:at] + word[at + 1 :] if len(word) > 3 else word,
                word[:2] + "的" + word[2:] if len(word) > 3 else word,
                f"{word}（{r.choice(['是/否', '填数字', '见说明', '8位', '18位'])}）",
            ]
        )

    def _index(self, name: str, index: int) -> str:
        if not index:
            return name
        if name.isascii():
            return f"{name}{index}" if self.r.random() < 0.6 else f"{name}_{index}"
        numeral = "一二三"[index - 1]
        return self.r.choice(
            [f"{name}{index}", f"第{index}次{name}", f"第{numeral}次{name}", f"{name}（{index}）", f"{name}{numeral}"]
        )

    def _fill(self, one: Draw, key: str) -> list[str]:
        """Draw a column: blanks, texts for missing values, and now and then a stray text."""
        r = self.r
        blank = r.choice([0.0, 0.0, 0.02, 0.2, 0.6])
        word = r.choice(["", "无", "/", "不详", "-1", "99", "—"]) if r.random() < 0.25 else ""
        stray = 0.01 if r.random() < 0.3 else 0.0
        if key == "seq":
            return [str(i + 1) for i in range(self.rows)]
        if key == "rank":
            return [str(i + 1) for i in r.sample(range(self.rows), self.rows)]
        out = []
        for draw in (r.random() for _ in range(self.rows)):
            text = "" if draw < blank else word if draw < blank + 0.03 else "见附件" if draw > 1 - stray else one()
            out.append(text)
        return out
