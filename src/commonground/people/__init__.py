"""Records to a spine of persons: who is who, who belongs to whom, and pseudonyms for all that follows.

Only this room and intake see names and numbers. Public names: ``run``, ``export_links``, ``link_tables``,
``cluster_tables``, ``LinkResult``.
"""

from commonground.people.export import export_links
from commonground.people.groups import cluster_tables
from commonground.people.model import LinkResult
from commonground.people.pairs import link_tables
from commonground.people.run import run

__all__ = ["LinkResult", "cluster_tables", "export_links", "link_tables", "run"]
