"""Words of the command line that cannot be understood, said like every other fault: what, where, what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

from commonground.cli.show import Speaker, default_language
from commonground.errors import CommonGroundError, Said


class UsageError(CommonGroundError):
    """A command, an option or a value that the command line does not know."""

    exit_code = 2


def speaker_of(words: Sequence[str]) -> Speaker:
    """Read language and form off words that could not be parsed."""
    lang = default_language()
    for word, after in zip(words, [*words[1:], ""], strict=True):
        given = after if word == "--lang" else word.removeprefix("--lang=")
        if word.startswith("--lang") and given in ("zh", "en"):
            lang = given
    return Speaker(lang=lang, as_json="--json" in words)


def in_words(error: click.UsageError) -> UsageError:
    """Say click's complaint in both languages."""
    path = error.ctx.command_path if error.ctx else "commonground"
    usage = error.ctx.get_usage().partition(": ")[2] if error.ctx else ""
    todo = Said(f"运行 {path} --help 查看用法。", f"Run {path} --help.")
    near = getattr(error, "possibilities", None)
    if near:
        todo = Said(f"是否想写：{'、'.join(near)}？{todo.zh}", f"Did you mean {', '.join(near)}? {todo.en}")
    return UsageError(_what(error), where=" ".join(usage.split()), todo=todo)


def _what(error: click.UsageError) -> Said:
    quoted = re.search(r"'([^']*)'|^(\S+) is not", error.message)
    given = (quoted[1] or quoted[2]) if quoted else ""
    if isinstance(error, click.exceptions.NoSuchCommand):
        return Said(f"没有命令“{given}”。", f"There is no command “{given}”.")
    if isinstance(error, click.NoSuchOption):
        return Said(f"没有选项 {error.option_name}。", f"There is no option {error.option_name}.")
    if isinstance(error, click.MissingParameter) and error.param is not None:
        name = _name(error.param)
        return Said(f"缺少 {name}。", f"{name} is missing.")
    if isinstance(error, click.BadOptionUsage):
        return Said(f"选项 {error.option_name} 后面缺少值。", f"The option {error.option_name} needs a value.")
    if isinstance(error, click.BadParameter) and error.param is not None:
        name, wanted = _name(error.param), _wanted(error.param.type)
        return Said(f"{name} 不能是“{given}”；{wanted.zh}。", f"{name} cannot be “{given}”: {wanted.en}.")
    extra = re.search(r"unexpected extra arguments? \((.*)\)", error.message)
    if extra:
        return Said(f"多出了：{extra[1]}", f"Too many words: {extra[1]}")
    said = error.format_message()
    return Said(said, said)


def _name(param: click.Parameter) -> str:
    return param.opts[-1] if isinstance(param, click.Option) else param.make_metavar(click.Context(click.Command("")))


def _wanted(kind: click.ParamType[Any]) -> Said:
    if isinstance(kind, click.Choice):
        listed = [str(c) for c in kind.choices]
        return Said(f"可以写 {'、'.join(listed)}", f"it may be {', '.join(listed)}")
    if isinstance(kind, click.DateTime):
        return Said("日期写成 2025-09-01", "write a date as 2025-09-01")
    if isinstance(kind, click.IntRange):
        low, high = kind.min, "" if kind.max is None else kind.max
        return Said(f"要整数，范围 {low}–{high}", f"a whole number from {low} to {high} is wanted")
    if isinstance(kind, click.types.IntParamType):
        return Said("要整数", "a whole number is wanted")
    if isinstance(kind, click.Path):
        return Said("要文件，不要文件夹", "a file is wanted, not a folder")
    return Said("写法不对", "it is not written as expected")
