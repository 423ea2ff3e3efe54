"""Options that every command has, and the city it is about."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from commonground.cli.show import Speaker, default_language

Command = TypeVar("Command", bound=Callable[..., Any])
_speakers: list[Speaker] = []


def last_speaker() -> Speaker:
    """Give the speaker of the running command, to say an error in its language."""
    return _speakers[-1] if _speakers else Speaker()


def spoken(command: Command) -> Command:
    """Add ``--json`` and ``--lang`` and hand the command a Speaker."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout. 输出一个 JSON 对象。")
    @click.help_option("-h", "--help", help="Show this and exit. 显示本说明。")
    @click.option("--lang", type=click.Choice(["zh", "en"]), help="Language of what is said. 显示语言。")
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, lang: str | None, **kwargs: Any) -> Any:
        speaker = Speaker(lang=lang or default_language(), as_json=as_json)
        _speakers.append(speaker)
        return command(*args, speaker=speaker, **kwargs)

    return wrapped  # type: ignore[return-value]


def about_city(command: Command) -> Command:
    """Add the CITY argument, before all other arguments when outermost, and ``--deliveries``."""

    @click.argument("city", type=click.Path(path_type=Path))
    @click.option(
        "--deliveries",
        type=click.Path(path_type=Path),
        help="Where the departments' files are, if not where city.toml says. 各部门文件的位置。",
    )
    @functools.wraps(command)
    def wrapped(*args: Any, city: Path, deliveries: Path | None, **kwargs: Any) -> Any:
        from commonground.city import City

        return command(*args, city=City(city, deliveries), **kwargs)

    return wrapped  # type: ignore[return-value]


dry_run = click.option("--dry-run", is_flag=True, help="Say what would be done, write nothing. 只说明，不写入。")
