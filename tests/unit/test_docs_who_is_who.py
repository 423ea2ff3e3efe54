"""The explanation of linkage: its example runs and prints what the page says, in both languages."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "explanation"
PAGES = ["who-is-who.md", "who-is-who.zh.md"]
NUMBER = re.compile(r"[+−-]?\d+\.\d+")


def _value(text: str) -> float:
    return float(text.replace("−", "-"))


def _blocks(page: str) -> tuple[str, str]:
    text = (FOLDER / page).read_text(encoding="utf-8")
    (code,), (output,) = (re.findall(rf"```{kind}\n(.*?)```", text, re.S) for kind in ("python", "text"))
    return code, output


@pytest.mark.parametrize("page", PAGES)
def test_the_example_prints_what_the_page_says(page: str) -> None:
    code, said = _blocks(page)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(code, page, "exec"), {})
    got = out.getvalue()
    assert NUMBER.sub("#", got) == NUMBER.sub("#", said)
    pairs = zip(NUMBER.findall(got), NUMBER.findall(said), strict=True)
    assert all(abs(_value(a) - _value(b)) <= 0.1001 for a, b in pairs)  # the last digit may turn where sums do


def test_both_languages_run_the_same_example() -> None:
    (english, _), (chinese, _) = (_blocks(page) for page in PAGES)
    assert english.replace('"en"', '"zh"') == chinese
