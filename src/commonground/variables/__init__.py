"""From the spine to the database: dated, sourced definitions, and what changes when a definition changes.

A definition is one TOML file: inputs with their sources in order of precedence, and versions, each a small expression
with dated parameters. The same expression is evaluated in plain Python (``Definition.evaluate``, the oracle) and as SQL
on DuckDB and Spark (``Definition.sql``). ``run`` computes all of them over a version of the city; ``compare`` puts two
versions beside each other on the same persons.
"""

from commonground.variables.change import Change, change
from commonground.variables.compare import Comparison, compare
from commonground.variables.export import count, export_values
from commonground.variables.load import load_definition
from commonground.variables.model import Definition
from commonground.variables.pack import get_definition, kinds_behind, load_pack, run_tests
from commonground.variables.person import Explained, explain_person
from commonground.variables.run import reference_dates, run

__all__ = [
    "Change",
    "Comparison",
    "Definition",
    "Explained",
    "change",
    "compare",
    "count",
    "explain_person",
    "export_values",
    "get_definition",
    "kinds_behind",
    "load_definition",
    "load_pack",
    "reference_dates",
    "run",
    "run_tests",
]
