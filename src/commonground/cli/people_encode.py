"""Commands for departments that may not hand over names: encode at their site, link in the city."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commonground.cli.options import about_city, dry_run, spoken
from commonground.cli.show import Speaker
from commonground.cli.usage import UsageError
from commonground.errors import Said

if TYPE_CHECKING:
    from commonground.city import City


@click.command(short_help="Encode a file without names, at the department. 在部门一侧编码。")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--contract", type=click.Path(path_type=Path), help="How to read the file (TOML). 读取约定。")
@click.option("--key", type=click.Path(path_type=Path), help="The key that the departments agreed. 约定的密钥文件。")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("encoded"),
    show_default=True,
    help="Folder for what is made. 输出文件夹。",
)
@click.option("--new-key", type=click.Path(path_type=Path), help="Make a new key and stop. 只生成新密钥。")
@dry_run
@spoken
def encode(
    speaker: Speaker, file: Path | None, contract: Path | None, key: Path | None, out: Path, new_key: Path | None,
    dry_run: bool,
) -> None:  # fmt: skip
    """Turn a file with names into keyed encodings that can be linked and hold no name or number.

    把有姓名、号码的文件变成带密钥的编码：可以连接，但不含姓名和号码。在部门自己的电脑上运行，不需要城市文件夹。
    """
    from commonground import jobs
    from commonground.people.encoded.secret import new_key as make_key
    from commonground.people.encoded.secret import read_key

    if new_key is not None:
        if dry_run:
            speaker.would(Said(f"会生成密钥 {new_key}", f"Would make the key {new_key}"))
            return
        mark = make_key(new_key)
        speaker.say(
            f"已生成密钥 {new_key}（标记 {mark}）。请当面或加密交给参加的部门，不要与编码文件放在一起。",
            f"Made the key {new_key} (mark {mark}). Hand it over in person or encrypted, never beside encodings.",
        )
        speaker.result({"key": str(new_key), "mark": mark})
        return
    if file is None or contract is None or key is None:
        raise UsageError(
            Said("编码须同时给出文件、--contract 和 --key。", "Encoding needs FILE, --contract and --key."),
            where="commonground people encode",
            todo=Said("只生成密钥则用 --new-key。", "To make a key and nothing else, give --new-key."),
        )
    read_key(key)
    if dry_run:
        speaker.would(Said(f"会读 {file}，把编码写到 {out}", f"Would read {file} and write encodings to {out}"))
        return
    made = jobs.encode_file(file, contract, key, out, progress=speaker.progress())
    from commonground.cli.work import show_conservation

    show_conservation(speaker, made.conservation, every_sheet=False)
    rows, mark = made.manifest["rows"], made.manifest["key_mark"]
    speaker.say(f"已编码 {rows:,} 行，密钥标记 {mark}。", f"{rows:,} rows encoded, mark of the key {mark}.")
    names = [path.name for path in made.leaves]
    speaker.say(f"可以交出：{'、'.join(names)}（在 {out}）", f"May be handed over: {', '.join(names)} (in {out})")
    speaker.say(
        f"请留下、不要交出：{made.stays.name}（行号对照表）和密钥。",
        f"Keep, do not hand over: {made.stays.name} (which row a number stands for), and the key.",
    )
    speaker.result({"leaves": [str(p) for p in made.leaves], "stays": str(made.stays), **made.manifest})


@click.command(short_help="Link encodings to the city's persons. 把编码连接到人。")
@about_city
@click.argument("dataset", required=False, default="")
@click.option("--key", required=True, type=click.Path(path_type=Path), help="The departments' key. 约定的密钥文件。")
@click.option("--export", type=click.Path(path_type=Path), help="Row numbers and pseudonyms, Parquet. 导出行号与假名。")
@click.option("--project", default="", help="Id of an open project: its own pseudonyms. 项目编号，用该项目的假名。")
@dry_run
@spoken
def match(
    speaker: Speaker, city: City, dataset: str, key: Path, export: Path | None, project: str, dry_run: bool
) -> None:
    """Link a delivery of encodings to the persons of the current version; links stay in the vault.

    把部门交来的编码连接到现行版本中的人；结果只存在保险库，导出须有权限，并会记入台账。
    """
    from commonground import jobs
    from commonground.people.encoded.secret import read_key

    if dry_run:
        read_key(key)
        if export:
            jobs.check_export(city, export, project)
        speaker.would(
            Said("会把编码连接到现行版本中的人。", "Would link the encodings to the current version's persons.")
        )
        return
    told = jobs.match_encoded(city, dataset, key, export=export, project=project, progress=speaker.progress())
    speaker.say(told.sentence("zh"), told.sentence("en"))
    if export:
        speaker.note(f"已写入 {export}，并记入台账。", f"Written to {export}, and recorded in the ledger.")
    speaker.result(told.to_dict())
