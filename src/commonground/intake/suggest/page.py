"""The shareable profile as one page that needs nothing beside it, in Chinese and English side by side."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TEMPLATE = Path(__file__).with_name("profile.html")
_WHY = {
    "codebook": {"zh": "字段说明", "en": "describes columns"},
    "notes": {"zh": "说明页", "en": "notes"},
    "blank": {"zh": "空表", "en": "blank sheet"},
    "empty": {"zh": "空文件", "en": "empty file"},
    "elsewhere": {"zh": "属于另一数据集", "en": "of another dataset"},
    "fault": {"zh": "读不了", "en": "not readable"},
}


def page(profile: Mapping[str, Any]) -> str:
    """Give the page of a shareable profile."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    name = "/".join(part for part in (profile["department"], profile["dataset"]) if part) or "数据集 dataset"
    columns = [{"quantiles": None, **column} for column in profile["columns"]]
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(p={**profile, "columns": columns}, name=name, why=_WHY, n=_number)


def _number(value: Any) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"
