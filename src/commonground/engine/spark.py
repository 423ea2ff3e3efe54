"""Apache Spark as the engine beyond one machine, with the same few methods as DuckDB's."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import EngineSettings
from commonground.engine.dialect import DIALECTS, Dialect
from commonground.errors import EngineError, Said

if TYPE_CHECKING:
    import pyarrow as pa

#: What makes Spark give the answers that DuckDB gives, and keeps what it writes to its disks unreadable to others.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.io.encryption.enabled": "true",
}
#: What lets Spark inside this process start quickly and talk to nobody.
LOCAL = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}
#: What a cluster must have set, so that nobody reads what its machines say to each other.
PROTECTED = ("spark.authenticate", "spark.network.crypto.enabled")


class SparkEngine:
    """One Spark session.

    Parameters
    ----------
    settings : EngineSettings, optional
        Memory and threads of a session inside this process, or the address of a cluster.

    Raises
    ------
    EngineError
        pyspark or Java is absent, or the cluster's machines talk in the clear.
    """

    name = "spark"
    dialect: Dialect = DIALECTS["spark"]

    def __init__(self, settings: EngineSettings | None = None) -> None:
        settings = settings or EngineSettings()
        parts = str(int(settings.threads))
        local = {**LOCAL, "spark.sql.shuffle.partitions": parts, "spark.default.parallelism": parts}
        chosen = SETTINGS if settings.master else SETTINGS | local
        try:
            from pyspark.sql import SparkSession
        except ImportError:
            raise _absent() from None
        if not settings.master:
            os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        builder = SparkSession.builder.master(settings.master or f"local[{parts}]").appName("commonground")
        for key, value in {**chosen, "spark.driver.memory": settings.memory.lower().replace("gb", "g")}.items():
            builder = builder.config(key, value)
        try:
            self.session = builder.getOrCreate()
        except Exception as fault:  # whatever the launcher raises when there is no Java
            raise _absent(str(fault)) from fault
        self.session.sparkContext.setLogLevel("ERROR")
        if settings.master:
            self._check_protected(settings.master)

    def _check_protected(self, master: str) -> None:
        """Refuse a cluster that lets others listen."""
        settings = self.session.sparkContext.getConf()
        missing = [name for name in PROTECTED if settings.get(name, "false") != "true"]
        if missing:
            self.close()
            raise EngineError(
                Said(
                    "这个 Spark 集群的内部通信没有加密。",
                    "This Spark cluster does not encrypt its traffic.",
                ),
                where=f"{master} {', '.join(missing)}",
                why=Said(
                    "连接用的列由姓名、号码编成，不许明文经过网络。",
                    "Columns made of names and numbers may not cross a network in the clear.",
                ),
                todo=Said(
                    f"请在集群的 spark-defaults.conf 里设 {'、'.join(f'{n} true' for n in missing)}。",
                    f"Set {', '.join(f'{n} true' for n in missing)} in the cluster's spark-defaults.conf.",
                ),
            )

    def add_table(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known to SQL as ``name``."""
        with warnings.catch_warnings():  # pyspark leaves the socket open over which it hands encrypted tables to Java
            warnings.simplefilter("ignore", ResourceWarning)
            self.session.createDataFrame(table).createOrReplaceTempView(name)

    def add_parquet(self, name: str, path: Path) -> None:
        """Make a Parquet file known to SQL as a view ``name``."""
        self.session.read.parquet(str(path)).createOrReplaceTempView(name)

    def create(self, name: str, sql: str) -> None:
        """Keep the result of a query under ``name``."""
        frame = self.session.sql(sql)
        frame.cache()
        frame.createOrReplaceTempView(name)

    def columns(self, name: str) -> list[str]:
        """Names of a table's columns."""
        return list(self.session.table(name).columns)

    def run(self, sql: str) -> None:
        """Run a statement that gives nothing back."""
        self.session.sql(sql).collect()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and give its rows."""
        return [tuple(row) for row in self.session.sql(sql).collect()]

    def table(self, sql: str) -> pa.Table:
        """Run a query and give its result as an Arrow table."""
        return self.session.sql(sql).toArrow()

    def close(self) -> None:
        """End the session."""
        self.session.stop()


def _absent(detail: str = "") -> EngineError:
    return EngineError(
        Said("Spark 没有启动。", "Spark did not start."),
        why=Said(detail or "没有安装 pyspark。", detail or "pyspark is not installed."),
        todo=Said(
            '请安装 Java（17 或更新）和 commonground[spark]，或在 city.toml 的 [engine] 写 name = "duckdb"。',
            'Install Java (17 or newer) and commonground[spark], or set name = "duckdb" under [engine] in city.toml.',
        ),
    )
