"""The Python face of a city."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonground.city import City
from commonground.jobs.build import BuildResult, build
from commonground.jobs.follow import compare, publish, study

if TYPE_CHECKING:
    from commonground.publish import Release
    from commonground.study.model import Findings
    from commonground.variables.compare import Comparison


class OpenCity:
    """The Python face of a city: ``commonground.open("qianshan").build()``."""

    def __init__(self, path: str | Path, deliveries: Path | None = None) -> None:
        self.city = City(Path(path), deliveries)

    def build(self, **options: Any) -> BuildResult:
        """Build a new version; see ``commonground.jobs.build``."""
        return build(self.city, **options)

    def study(self, spec: str = "achievement", **options: Any) -> Findings:
        """Run a study; see ``commonground.jobs.study``."""
        return study(self.city, spec, **options)

    def compare(self, definition: str, old: str, new: str, date: Any = None) -> Comparison:
        """Compare two versions of a definition on the same persons."""
        return compare(self.city, definition, old, new, date)

    def publish(self, **options: Any) -> Release:
        """Release the findings; see ``commonground.jobs.publish``."""
        return publish(self.city, **options)
