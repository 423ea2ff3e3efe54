"""Columns and sheets for tests of what suggest takes columns for."""

from collections import Counter

from commonground.intake.ids import CHECK, WEIGHTS
from commonground.intake.suggest.model import ColumnProfile, SheetProfile

GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华文玉梅宇轩子涵"


def column(name, texts, position=0, **more):
    filled = [text for text in texts if text]
    counts = Counter(filled).most_common(300)
    return ColumnProfile(
        name, position, len(texts), len(filled), len(set(filled)), tuple(counts), tuple(filled[:3000]), **more
    )


def sheet(columns, file="data.csv", extra=()):
    """Make a sheet of ``columns`` (name → texts) and ready columns."""
    made = [column(name, texts, i) for i, (name, texts) in enumerate(columns.items())]
    made += extra
    return SheetProfile(file, "", made[0].rows if made else 0, tuple(made), {})


def names(r, n):
    return [r.choice("王李张刘陈杨赵吴") + "".join(r.choices(GIVEN, k=r.choice([1, 2]))) for _ in range(n)]


def phones(r, n):
    return [f"12{r.randint(10**8, 10**9 - 1)}" for _ in range(n)]


def id_number(r):
    """Make an identity number of an area that was never assigned."""
    day = f"{r.randint(1950, 2018)}{r.randint(1, 12):02}{r.randint(1, 28):02}"
    body = f"5299{r.randint(1, 12):02}{day}{r.randint(0, 999):03}"
    return body + CHECK[sum(int(d) * int(w) for d, w in zip(body, WEIGHTS, strict=True)) % 11]
