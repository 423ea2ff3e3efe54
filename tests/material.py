"""Where the shared material is."""

from __future__ import annotations

import os
from pathlib import Path


def shared_folder() -> Path | None:
    """Where the shared material is, or None on a bare machine."""
    given = os.environ.get("COMMONGROUND_SHARED")
    folder = Path(given) if given else Path(__file__).resolve().parents[2] / "shared"
    return folder if (folder / "DESIGN.md").is_file() else None
