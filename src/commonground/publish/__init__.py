"""Findings become a release: read, pass the gate, draw, write pages and data, swap.

``run`` makes a release and gives a ``Release``. What leaves is recorded through ``governance.transfer``.
"""

from commonground.publish.model import Release
from commonground.publish.run import run

__all__ = ["Release", "run"]
