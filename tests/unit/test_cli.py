"""The command line: faults of its words in both languages, one JSON object, stages in words, aligned text."""

from __future__ import annotations

import ast
import json
import re
import socket
from pathlib import Path

import pytest

from cities import run_command
from commonground.cli.show import STAGES, Speaker, width
from commonground.errors import Said

SOURCE = Path(__file__).resolve().parents[2] / "src" / "commonground"
REPORTERS = {"progress", "say", "show", "tell"}

MISUSES = [
    (("biuld",), "没有命令“biuld”", "Did you mean build?"),
    (("build", "c", "--nope"), "没有选项 --nope", "There is no option --nope"),
    (("build",), "缺少 CITY", "CITY is missing"),
    (("build", "a", "b"), "多出了：b", "Too many words: b"),
    (("serve", "c", "--port", "70000"), "--port 不能是“70000”", "--port cannot be “70000”"),
    (("serve", "c", "--port"), "--port 后面缺少值", "--port needs a value"),
    (("define", "count", "c", "d", "--date", "2025-13-01"), "日期写成 2025-09-01", "write a date as 2025-09-01"),
    (("desk", "--grant", "zhang", "."), "缺少 --role", "--role is missing"),
]


@pytest.mark.parametrize(("words", "zh", "en"), MISUSES, ids=[" ".join(m[0]) for m in MISUSES])
def test_words_that_are_not_understood_are_said_in_both_languages(
    words: tuple[str, ...], zh: str, en: str, tmp_path: Path
) -> None:
    if "." in words:
        city = tmp_path / "c"
        assert run_command("new", city).code == 0
        words = tuple(str(city) if w == "." else w for w in words)
    done = run_command(*words, lang="zh")
    assert (done.code, done.out) == (2, "")
    assert zh in done.err
    assert "办法：" in done.err
    assert en in run_command(*words, lang="en").err


def test_a_misuse_with_json_is_one_object() -> None:
    done = run_command("build", "--json")
    said = json.loads(done.out)
    assert (done.code, said["exit_code"], said["what"]["zh"]) == (2, 2, "缺少 CITY。")


def test_a_port_in_use_and_a_city_without_a_release_are_said(tmp_path: Path) -> None:
    from commonground.errors import AddressError
    from commonground.web.listen import check

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(AddressError, match="Another program"):
            check("127.0.0.1", taken.getsockname()[1])
    done = run_command("serve", tmp_path, "--lang", "zh")
    assert done.code == 10
    assert "还没有发布" in done.err
    assert "http" not in done.err


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = run_command("new", tmp_path / "file" / "city")
    assert done.code == 18
    assert "choose another place" in done.err
    assert "Traceback" not in done.err


def test_dry_runs_write_nothing(tmp_path: Path) -> None:
    for words in (("new", tmp_path / "a"), ("demo", tmp_path / "b")):
        done = run_command(*words, "--dry-run", "--json")
        assert json.loads(done.out)["dry_run"] is True
    assert list(tmp_path.iterdir()) == []


def test_every_stage_that_a_room_reports_has_words() -> None:
    stages = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REPORTERS:
                first = node.args[0] if len(node.args) == 3 else None
                if isinstance(first, ast.Constant):
                    stages.add(first.value)
                elif isinstance(first, ast.JoinedStr):
                    start = str(ast.literal_eval(first.values[0]))
                    assert any(s.startswith(start) for s in STAGES), start
    assert {"intake", "people", "variables", "study", "publish"} <= stages
    assert stages <= set(STAGES)


def test_progress_is_told_in_the_chosen_language(capsys: pytest.CaptureFixture[str]) -> None:
    show = Speaker(lang="zh").progress()
    show("people", 0, 2)
    show("people", 1, 2)
    assert capsys.readouterr().err == "把记录连接到人 …\n"


def test_text_tables_are_aligned_with_numbers_at_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    heads = [Said("来源", "source"), Said("记录", "records")]
    Speaker(lang="zh").table(Said("表", "table"), heads, [["学生花名册", 12], ["户口", 4669]])
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["表", "来源         记录", "学生花名册     12", "户口        4,669"]
    assert len({width(line) for line in lines[1:]}) == 1


def test_no_help_is_in_one_language_only() -> None:
    import click

    from commonground.cli import commonground

    def options(command: click.Command) -> list[str]:
        inner = command.commands.values() if isinstance(command, click.Group) else ()
        own = [p.help or "" for p in command.params if isinstance(p, click.Option)]
        return own + [h for c in inner for h in [c.get_short_help_str(200), *options(c)]]

    for said in options(commonground):
        assert re.search("[\u4e00-\u9fff]", said), said
        assert re.search("[A-Za-z]{3}", said), said


def test_departments_without_a_contract_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    from commonground.cli.work import warn_of_unread

    row = {"department": "weather", "dataset": "rain", "delivery": "2025-01-01", "file": "x.csv", "sheet": ""}
    unread = [{**row, "status": "no contract"}, {**row, "file": "y.csv", "status": "ignored"}]
    warn_of_unread(Speaker(lang="en"), {"set_aside": unread})
    said = capsys.readouterr()
    assert said.out == ""
    assert "weather/rain has no contract; files not read: 1. To read them, write sources/weather/rain.toml" in said.err
    warn_of_unread(Speaker(lang="zh"), {"set_aside": [{**row, "status": "empty"}]})
    assert "空文件" in capsys.readouterr().err
