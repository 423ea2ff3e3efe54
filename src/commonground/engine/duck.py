"""DuckDB as the embedded engine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from commonground.city import EngineSettings
from commonground.engine.dialect import DIALECTS, Dialect
from commonground.errors import EngineError, Said, did_you_mean

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Engine(Protocol):
    """What every engine can do."""

    name: str
    dialect: Dialect

    def add_table(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known to SQL as ``name``."""

    def add_parquet(self, name: str, path: Path) -> None:
        """Make a Parquet file known to SQL as a view ``name``."""

    def create(self, name: str, sql: str) -> None:
        """Keep the result of a query under ``name``."""

    def columns(self, name: str) -> list[str]:
        """Names of a table's columns."""

    def run(self, sql: str) -> None:
        """Run a statement that gives nothing back."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and give its rows."""

    def table(self, sql: str) -> pa.Table:
        """Run a query and give its result as an Arrow table."""

    def close(self) -> None:
        """Give back what the engine holds."""


class DuckEngine:
    """One in-process DuckDB connection with the city's limits.

    Results are always fetched whole: DuckDB 2 keeps a result open after ``fetchone``, and the next statement on the
    connection would then raise.
    """

    name = "duckdb"
    dialect: Dialect = DIALECTS["duckdb"]

    def __init__(self, settings: EngineSettings | None = None) -> None:
        import duckdb

        settings = settings or EngineSettings()
        self.connection: duckdb.DuckDBPyConnection = duckdb.connect(":memory:")
        self.connection.execute(f"SET threads = {int(settings.threads)}")
        self.connection.execute(f"SET memory_limit = '{settings.memory}'")
        self.connection.execute("SET preserve_insertion_order = true")
        self.connection.execute("SET autoinstall_known_extensions = false")
        self.connection.execute("SET autoload_known_extensions = false")

    def add_table(self, name: str, table: pa.Table) -> None:
        """Make an Arrow table known to SQL as ``name``."""
        self.connection.register(name, table)

    def add_parquet(self, name: str, path: Path) -> None:
        """Make a Parquet file known to SQL as a view ``name``."""
        quoted = str(path).replace("'", "''")
        self.connection.execute(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM read_parquet('{quoted}')")

    def create(self, name: str, sql: str) -> None:
        """Keep the result of a query under ``name``."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}").fetchall()

    def columns(self, name: str) -> list[str]:
        """Names of a table's columns."""
        return [str(row[0]) for row in self.rows(f"DESCRIBE {name}")]

    def run(self, sql: str) -> None:
        """Run a statement that gives nothing back."""
        self.connection.execute(sql).fetchall()

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a query and give its rows."""
        return self.connection.execute(sql).fetchall()

    def table(self, sql: str) -> pa.Table:
        """Run a query and give its result as an Arrow table."""
        return self.connection.sql(sql).to_arrow_table()

    def close(self) -> None:
        """Give the connection's memory back."""
        self.connection.close()


def open_engine(settings: EngineSettings | None = None) -> Engine:
    """Open the engine that a city's settings name.

    Raises
    ------
    EngineError
        The engine is unknown or absent.
    """
    settings = settings or EngineSettings()
    if settings.name == "spark":
        from commonground.engine.spark import SparkEngine

        return SparkEngine(settings)
    if settings.name != "duckdb":
        raise EngineError(
            Said(f"没有名为“{settings.name}”的引擎。", f"There is no engine “{settings.name}”."),
            where="city.toml [engine] name",
            todo=did_you_mean(settings.name, ["duckdb", "spark"]),
        )
    return DuckEngine(settings)
