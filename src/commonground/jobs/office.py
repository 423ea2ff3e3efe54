"""The office: who may do what, invitations and roles, the ledger's check, and a new city's folder."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from commonground.city import City
from commonground.errors import AccessError, CityError, Said, StorageError, did_you_mean
from commonground.files import storage_errors, write_atomically


def may(city: City, permission: str) -> None:
    """Refuse whoever may not; whoever works on a new city first becomes its data officer and administrator."""
    from commonground.governance import Ledger, Roles, current_actor

    with Ledger(city) as ledger:
        roles = Roles(ledger)
        roles.begin(current_actor())
        roles.require(current_actor(), permission)


def new_city(folder: Path) -> Path:
    """Make the folder of a city with a city.toml to fill in; an existing one is left alone."""
    if (folder / "city.toml").exists():
        raise CityError(
            Said("这里已经有一座城市。", "There is a city here already."),
            where=str(folder / "city.toml"),
            todo=Said("请换一个文件夹。", "Choose another folder."),
        )
    with storage_errors(folder, chosen=True):
        for part in ("sources", "deliveries", "definitions", "studies"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        write_atomically(folder / "city.toml", NEW_CITY.encode("utf-8"))
    return folder


NEW_CITY = """\
# 城市设置。相对路径以本文件所在文件夹为起点。 / Settings of the city; relative paths start here.
[city]
name = { zh = "某某市", en = "Our City" }
area_code = "529900"               # 行政区划代码 / area code of the city
reference_date = 2025-09-01        # 参考日期 / the day for which variables are computed
deliveries = "deliveries"          # 各部门文件：部门/数据集/日期/文件 / department/dataset/date/files
# keys = "../our-city.keys"        # 密钥文件夹，应放在城市文件夹之外 / keys, outside this folder

[policy]
cell_threshold = 10                # 小于此数不显示 / smaller counts are not shown
rounding = 5                       # 人数取整到此数的倍数 / counts are rounded to a multiple
interval = 0.95
school_minimum = 30                # 公开点名学校至少要有的儿童数 / children behind a named school

# 每个区县一段 / one for each county or district
[[area]]
code = "529901"
zh = "某某区"
en = "Some District"
urban = true
"""


def invite(city: City, account: str, role: str | None = None) -> str:
    """Make a one-time invitation to the desk; with a role when whoever invites may also grant.

    Raises
    ------
    AccessError
        The running user may not invite, may not grant that role, or there is no such role.
    """
    from commonground.governance import Accounts, Ledger, current_actor

    may(city, "manage_accounts")
    if role is not None:
        _known(role)
    with Ledger(city) as ledger:
        return Accounts(city, ledger).invite(account, role, actor=current_actor())


def _known(role: str) -> None:
    from commonground.governance import Role

    if role not in set(Role):
        raise AccessError(
            Said(f"没有“{role}”这个角色。", f"There is no role “{role}”."),
            where="--role",
            todo=did_you_mean(role, [str(r) for r in Role]),
        )


def grant(city: City, account: str, role: str) -> None:
    """Grant a desk account a role.

    Raises
    ------
    AccessError
        The running user may not grant, or there is no such role.
    """
    from commonground.governance import Ledger, Roles, current_actor

    may(city, "grant")
    _known(role)
    with Ledger(city) as ledger:
        Roles(ledger).grant(f"desk:{account}", role, by=current_actor())


def audit(city: City, *, last: int = 20) -> dict[str, Any]:
    """Verify the ledger's chain and the current version's tables; give the last entries to whoever may read them.

    Raises
    ------
    LedgerError
        An entry was altered, removed or added past the chain.
    StorageError
        A table of the current version is not what the build wrote.
    """
    from commonground.governance import Ledger, Roles, current_actor

    with Ledger(city) as ledger:
        verification = ledger.verify().require()
        may_read = Roles(ledger).may(current_actor(), "read_ledger")
        shown = ledger.entries()[-last:] if may_read else []
    tables = _check_tables(city)
    return {
        **verification.to_dict(),
        "tables": tables,
        "sentence": {lang: verification.sentence(lang) for lang in ("zh", "en")},
        "may_read": may_read,
        "last": [entry.to_dict() for entry in shown],
    }


def _check_tables(city: City) -> int:
    """Compare every table of the current version with the hash in its manifest; give how many there are."""
    version = city.current
    if version is None:
        return 0
    tables: dict[str, str] = version.manifest["tables"]
    for name, digest in sorted(tables.items()):
        path = version.path / name
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise StorageError(
                Said(
                    f"第 {version.number} 版的表“{name}”被改动过。",
                    f"Table “{name}” of version {version.number} was altered.",
                ),
                where=str(path),
                why=Said("它与建库时记下的指纹不符。", "It does not have the hash that the build wrote down."),
                todo=Said(
                    f"运行 commonground build {city.path} --force 重新建库。",
                    f"Run commonground build {city.path} --force.",
                ),
            )
    return len(tables)
