"""Where tables live and SQL runs: DuckDB by default, Spark beyond one machine.

``open_engine`` gives an Engine for a city's settings; ``Dialect`` writes the few expressions that DuckDB and Spark
spell differently, each proven equal by the conformance suite in tests/engines.
"""

from commonground.engine.dialect import DIALECTS, Dialect, SparkDialect, dialect
from commonground.engine.duck import DuckEngine, Engine, open_engine

__all__ = ["DIALECTS", "Dialect", "DuckEngine", "Engine", "SparkDialect", "dialect", "open_engine"]
