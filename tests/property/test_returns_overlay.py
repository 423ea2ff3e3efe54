"""A cell corrected on a return sheet reads as if the file had held the corrected text from the beginning."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from commonground import intake
from commonground.intake.returns.replaced import base_of, find_replaced
from commonground.intake.returns.shown import gate
from intake_kit import Town, column
from returns_kit import BAD_ID, GOOD_ID, HEADER, PUPILS, begin, fill, hand_in, sheets

SEX = st.sampled_from(["男", "女", "9", "未知", ""])
NUMBER = st.sampled_from([GOOD_ID, BAD_ID, "5299", "", "无"])
BIRTH = st.sampled_from(["2010-01-01", "2010-02-30", "201003", "", "农历"])
HEIGHT = st.sampled_from(["140", "14O", "999", "", "-5"])
PUPIL = st.tuples(SEX, NUMBER, BIRTH, HEIGHT)
GIVEN = {
    "性别": st.sampled_from(["男", "女", "9"]),
    "身份证号": st.sampled_from([GOOD_ID, "不知道"]),
    "出生日期": st.sampled_from(["2011-05-06", "2011.5.6", "错"]),
    "身高": st.sampled_from(["151.5", "1米5", ""]),
}
NAMES = ["性别", "身份证号", "出生日期", "身高"]


@settings(max_examples=5, phases=[Phase.explicit, Phase.generate])  # each example reads a city three times
@given(st.lists(PUPIL, min_size=1, max_size=6), st.data())
def test_a_correction_reads_as_if_it_had_been_delivered(pupils: list[tuple[str, ...]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder))
        town.contract(*PUPILS, column("班级", "class"))
        lines = [list(pupil) for pupil in pupils]
        deliver(town, lines)
        begin(town.city())
        made = sheets(town.city())
        answers: dict[str, str] = {}

        def answer(line: dict[str, str]) -> tuple[str, str, str] | None:
            if line["column"] not in GIVEN:
                return None
            text = data.draw(GIVEN[line["column"]])
            answers[line["number"]] = text
            for row in line["row"].split("、"):
                lines[int(row) - 2][NAMES.index(line["column"])] = text
            return ("", text, "") if text else ("无值", "", "")

        before = intake.run(town.city())
        texts = {row["text"] for row in before.quarantine.to_pylist()}
        original = before.tables["edu.pupils"].to_pylist()  # loaded now: the next run sweeps what it replaces
        if not made:
            assert before.quarantine.num_rows == 0
            return
        taken = hand_in(town.city(), fill(made[0].path.read_bytes(), answer))
        after = intake.run(town.city())
        assert after.conservation.equals(before.conservation)
        refused = {f"{number:05d}" for number in taken.refused}
        assert set(answers) >= refused
        corrected, left = after.tables["edu.pupils"], {row["text"] for row in after.quarantine.to_pylist()}
        deliver(town, lines)  # the brute-force twin: the file itself says what the sheet said
        twin = intake.run(town.city()).tables["edu.pupils"].to_pylist()
        for mine, other, was in zip(corrected.to_pylist(), twin, original, strict=True):
            touched = set(filter(None, (mine.pop("corrected") or "").split("、")))
            for concept in ("sex", "id_no", "birth", "height"):
                assert mine[concept] == (other if concept in touched else was)[concept]
            assert all(mine[key] == was[key] for key in ("record_id", "row_number", "name", "file", "status"))
        assert left <= texts


def deliver(town: Town, lines: list[list[str]]) -> None:
    rows = "".join(f"甲{i},{','.join(line)},1\n" for i, line in enumerate(lines))
    town.deliver(HEADER.replace("\n", ",班级\n") + rows)


FOLDERS = st.sampled_from(["2025-09-10", "2025-09-10-更正", "2025-09-10-更正2", "2025-09-10-更正10", "2025-10-01"])
FILES = st.sampled_from(["a.csv", "a（更正）.csv", "b.csv", "b_更正.csv", "东/a.csv"])


@given(st.sets(st.tuples(FOLDERS, FILES), max_size=12))
def test_what_replaces_is_never_replaced_and_is_younger(files: set[tuple[str, str]]) -> None:
    replaced = find_replaced(files)
    assert set(replaced) <= files
    assert not set(replaced) & set(replaced.values())
    for old, new in replaced.items():
        assert new in files
        assert base_of(old[0]) == base_of(new[0]) == "2025-09-10"
        assert old[0] != new[0]
        assert old[1][0] == new[1][0]  # a by a, b by b, 东 by 东


@given(st.integers(0, 10**6))
def test_counts_are_let_out_by_the_policy(count: int) -> None:
    class City:
        from commonground.city import Policy

        policy = Policy()

    said = gate(City())(count)  # type: ignore[arg-type]
    if 0 < count < 10:
        assert said == "<10"
    else:
        number = int(said.replace(",", ""))
        assert number % 5 == 0
        assert abs(number - count) <= 2 or count in (0, 11, 12)
