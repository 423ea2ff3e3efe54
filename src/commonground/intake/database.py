"""``[database]`` of a contract: which table or query of a department's own database is fetched as its delivery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from commonground.errors import ContractError, Said, did_you_mean
from commonground.intake.keys import kinds_of
from commonground.toml import check_keys, check_types

DRIVERS = {
    "postgresql": "postgresql+pg8000",
    "postgresql+pg8000": "postgresql+pg8000",
    "mysql": "mysql+pymysql",
    "mysql+pymysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "mariadb+pymysql": "mysql+pymysql",
}
"""What a url may begin with → the driver that is used."""


@dataclass(frozen=True)
class Database:
    """Where a dataset is fetched from.

    Attributes
    ----------
    url : str
        Such as ``postgresql://reader@10.0.0.5/xueji`` or ``mysql://reader@10.0.0.6/minzheng``; never a password.
    table : str
        A table or view, with its schema where it is not the user's own: ``edu.pupils``; "" with ``query``.
    query : str
        One SELECT, where a table as it stands will not do.
    key : tuple of str
        Columns to sort by, so that two fetches of the same rows give the same file.
    password_env : str
        The environment variable that holds the password; "" where the server asks for none.
    """

    url: str
    table: str = ""
    query: str = ""
    key: tuple[str, ...] = ()
    password_env: str = ""

    @property
    def name(self) -> str:
        """Name of the file that a fetch writes: the table's, or ``query``."""
        return self.table.rpartition(".")[2] or "query"


def read_database(raw: Mapping[str, Any], where: str) -> Database:
    """Read ``[database]``.

    Raises
    ------
    ContractError
        An unknown key or database, a password in the url, both or neither of table and query.
    """
    where = f"{where} [database]"
    check_keys(raw, set(kinds_of("database")), where, ContractError)
    check_types(raw, kinds_of("database"), where, ContractError)
    _check_url(raw.get("url", ""), f"{where} url")
    if bool(raw.get("table")) == bool(raw.get("query")):
        raise ContractError(
            Said("table 与 query 要写其中一项。", "Write one of table and query."),
            where=where,
            todo=Said(
                '例如 table = "edu.pupils"，或 query = "SELECT …"。',
                'Such as table = "edu.pupils", or query = "SELECT …".',
            ),
        )
    query = raw.get("query", "").strip().rstrip(";")
    if query and query.split(None, 1)[0].lower() not in ("select", "with"):
        raise ContractError(
            Said("query 只能是一条 SELECT。", "The query must be one SELECT."),
            where=f"{where} query",
            why=Said(
                "取数只读，不改对方的数据库。", "Fetching reads; it changes nothing in the department's database."
            ),
            todo=Said("请改写成 SELECT …。", "Write it as SELECT …."),
        )
    return Database(raw["url"], raw.get("table", ""), query, tuple(raw.get("key", ())), raw.get("password_env", ""))


def _check_url(url: str, where: str) -> None:
    scheme, mark, rest = url.partition("://")
    if not mark or scheme not in DRIVERS:
        raise ContractError(
            Said(f"不认识的数据库地址“{scheme}”。", f"Unknown kind of database “{scheme}”."),
            where=where,
            why=Said("可以直接取数的是 PostgreSQL、MySQL 和 MariaDB。", "Known are PostgreSQL, MySQL and MariaDB."),
            todo=did_you_mean(scheme, ("postgresql", "mysql", "mariadb")),
        )
    login = rest.rpartition("@")[0]
    if ":" in login or "password=" in rest:
        raise ContractError(
            Said("数据库地址里写了密码。", "The url holds a password."),
            where=where,
            why=Said("约定会给多人看，也会存档。", "A contract is read by many and kept."),
            todo=Said(
                '请删去密码，另写 password_env = "环境变量名"，运行前在该变量中给出密码。',
                'Take it out, write password_env = "NAME", and give the password in that environment variable.',
            ),
        )
