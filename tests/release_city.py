"""A city with invented findings and quality reports, for the tests of publish and of the site.

Every number is drawn from a seeded generator; nothing here is about a person.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from commonground.variables.pack import load_folder, pack_definitions

CITY = """
[city]
name = { zh = "试验市", en = "Testville" }
area_code = "529900"
reference_date = 2025-09-01
deliveries = "deliveries"

[policy]
consent = ["529902S001", "529901S002"]

[[area]]
code = "529901"
zh = "东湖区"
en = "East Lake District"
urban = true

[[area]]
code = "529902"
zh = "西山县"
en = "West Hill County"
urban = false
"""

SUBJECTS = ("chinese", "math", "english")
Rows = list[dict[str, Any]]


def _interval(value: float, half: float) -> dict[str, float]:
    return {"estimate": round(value, 4), "low": round(value - half, 4), "high": round(value + half, 4)}


def _gaps(rng: np.random.Generator) -> Rows:
    rows: Rows = []
    for k, subject in enumerate(SUBJECTS):
        raw = -0.10 - 0.04 * k
        away = {"raw": raw, "adjusted": raw * 0.7, "within": raw * 0.35, "between": raw * 0.65}
        for comparison, value in away.items():
            half = 0.035 if comparison != "within" else 0.05
            base = {"subject": subject, "group": "parents_away", "comparison": comparison}
            rows.append({**base, **_interval(value, half), "n": 6123, "n_group": 1204, "schools": 97})
        base = {"subject": subject, "group": "migrant", "comparison": "raw"}
        rows.append({**base, **_interval(-0.02 + 0.01 * k, 0.06), "n": 5312, "n_group": 393, "schools": 97})
    rows.append(
        {"subject": "math", "group": "migrant", "comparison": "within", **_interval(0.01, 0.1), "n": 5312, "n_group": 7}
        | {"schools": 20}
    )
    return rows


def _schools(rng: np.random.Generator, count: int) -> Rows:
    rows: Rows = []
    for k in range(count):
        effect = float(rng.normal(0, 0.22))
        n = int(rng.integers(4, 300))
        away = int(n * rng.uniform(0.05, 0.5))
        half = 1.9 / np.sqrt(max(n, 1)) * 1.2
        gap = float(rng.normal(-0.04, 0.08))
        verdict = "above" if effect - half > 0 else "below" if effect + half < 0 else "unclear"
        rows.append(
            {
                "school_code": f"52990{1 + k % 2}S{k:03d}", "county": f"52990{1 + k % 2}",
                "level": "primary" if k % 3 else "junior", "n": n, "n_away": away,
                "effect": effect, "low": effect - half, "high": effect + half, "verdict": verdict,
                "gap": gap, "gap_low": gap - 0.1, "gap_high": gap + 0.1,
                "p_gap_nonneg": float(rng.uniform()), "shown": n >= 30 and away >= 10,
            }
        )  # fmt: skip
    rows[1] |= {"n": 120, "n_away": 40, "shown": True}
    rows[2] |= {"n": 25, "n_away": 12}
    return rows


FACTORS = ("school.interaction", "school.reading_room", "school.class_size", "school.computers")


def _factors() -> Rows:
    rows: Rows = []
    for k, factor in enumerate(FACTORS):
        for subject in (*SUBJECTS, "pooled"):
            for term in ("all_children", "parents_away"):
                value = 0.09 - 0.04 * k if term == "all_children" else 0.01 * (k - 1)
                q = 0.002 if abs(value) > 0.05 else 0.4
                base = {"factor": factor, "subject": subject, "term": term, "p": q / 4, "q": q}
                rows.append({**base, **_interval(value, 0.03), "schools": 97, "n": 6123})
    return rows


def findings(seed: int = 0, schools: int = 97) -> dict[str, Any]:
    """Invent findings in the form that the study writes."""
    rng = np.random.default_rng(seed)
    facts = {
        "unit": {"zh": "标准差（全市同年级）", "en": "standard deviations (city, same grade)"},
        "population": {"zh": "四、六、八年级，有成绩者", "en": "grades 4, 6 and 8 with a mark"},
        "period": {"zh": "2025 年 6 月", "en": "June 2025"},
        "n": 6123,
        "interval": {"zh": "95%，按学校聚类", "en": "95%, clustered by school"},
        "definitions": [
            {"id": "child.left_behind", "version": "LBC_SC_2016_13", "hash": "ab12cd34ef56ab78",
             "title": {"zh": "父母外出的孩子", "en": "Children whose parents are away"}},
            {"id": "school.interaction", "version": "INT_1", "hash": "0011223344556677",
             "title": {"zh": "师生互动", "en": "Teachers talk with pupils"}},
        ],
        "sources": ["exam_scores", "student_registry"],
        "linkage_rate": 0.946,
        "warehouse_version": 1,
    }  # fmt: skip
    variance = [
        {"subject": s, "model": m, "level": level, "variance": v, "share": v, "low": v * 0.8, "high": v * 1.2}
        for s in SUBJECTS
        for m, level, v in (("null", "school", 0.2), ("null", "pupil", 0.8), ("adjusted", "school", 0.14))
    ]
    strengths = [{"statement": "away_above_local_median.math", "value": 0.44, "low": 0.42, "high": 0.46, "n": 1204}]
    counts = [
        {"group": g, "subject": s, "n": n} for s in SUBJECTS for g, n in (("parents_away", 1204), ("local", 4526))
    ]
    tables = {
        "gaps": _gaps(rng), "variance": variance, "schools": _schools(rng, schools), "factors": _factors(),
        "strengths": strengths, "counts": counts,
    }  # fmt: skip
    return {
        "study": "achievement",
        "title": {"zh": "成绩", "en": "Achievement"},
        "tables": {
            name: {"name": name, "title": {"zh": name, "en": name}, "rows": rows, "facts": facts, "says_not": None}
            for name, rows in tables.items()
        },
        "told": [],
        "notes": [],
        "provenance": {},
    }


def quality() -> dict[str, dict[str, Any]]:
    """Invent the quality reports of a version."""
    files = [("education", "student_registry", "student_registry", 18000, 150, 12),
             ("education", "exam_scores", "exam_scores", 12500, 90, 40),
             ("labour", "workers", "migrant_worker_registry", 9100, 400, 3)]  # fmt: skip
    conservation = [
        {"department": d, "dataset": s, "kind": k, "delivery": "2025-09", "file": "a.csv", "sheet": "",
         "status": "read", "rows": n, "records": n - q - x, "quarantined": q, "non_data": x}
        for d, s, k, n, q, x in files
    ]  # fmt: skip
    reasons = [("id_check_digit", "身份证号校验码不符", "check digit of an identity number fails", 520),
               ("out_of_range", "超出范围", "out of range", 113),
               ("not_a_date", "不是日期", "not a date", 7)]  # fmt: skip
    quarantine = [
        {"department": "education", "dataset": "exam_scores", "column": "c", "concept": "x", "reason": r,
         "count": n, "label": {"zh": zh, "en": en}}
        for r, zh, en, n in reasons
    ]  # fmt: skip
    pupils = {"zh": "学籍（2025-09）", "en": "Student registry (2025-09)"}
    workers = {"zh": "外出务工（2025-03）", "en": "Workers away (2025-03)"}
    urban, rural = {"zh": "市辖区", "en": "Urban districts"}, {"zh": "县", "en": "Rural counties"}
    links = {
        "by_source": [
            {"dataset": "education.student_registry", "label": pupils, "records": 17838, "linked": 17650},
            {"dataset": "labour.workers", "label": workers, "records": 8697, "linked": 7620},
        ],
        "by_county_type": [
            {"county_type": "urban", "label": urban, "records": 9000, "linked": 8800},
            {"county_type": "rural", "label": rural, "records": 8000, "linked": 7400},
        ],
    }
    pack = load_folder(pack_definitions())["child.left_behind"]
    versions = {
        v: {
            "hash": pack.version(v).hash,
            "status": "published",
            "counts": {"2025-09-01": {"true": t, "false": 20000 - t - u, "unknown": u}},
        }
        for v, t, u in (("LBC_ACWF_2013", 4712, 260), ("LBC_SC_2016_13", 1387, 310), ("LBC_MOE", 3905, 4))
    }
    counts = {"child.left_behind": {"entity": "person", "type": "boolean", "versions": versions}}
    return {"intake": {"conservation": conservation, "quarantine": quarantine}, "links": links,
            "variables": {"definitions": counts}}  # fmt: skip


def make_city(folder: Path, *, seed: int = 0, schools: int = 97) -> Path:
    """Write a city that looks built and studied."""
    version = folder / "warehouse" / "versions" / "1"
    (version / "quality").mkdir(parents=True)
    (folder / "deliveries").mkdir()
    (folder / "results").mkdir()
    (folder / "city.toml").write_text(CITY, encoding="utf-8")
    (folder / "warehouse" / "current").write_text("1", encoding="ascii")
    (version / "manifest.json").write_text(json.dumps({"number": 1, "inputs": "f00"}), encoding="utf-8")
    for name, content in quality().items():
        (version / "quality" / f"{name}.json").write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    text = json.dumps(findings(seed, schools), ensure_ascii=False)
    (folder / "results" / "achievement.json").write_text(text, encoding="utf-8")
    return folder


def release(folder: Path) -> Any:
    """Release the city as the person who built it."""
    from commonground import publish
    from commonground.city import City
    from commonground.governance import Ledger, Roles, current_actor

    city = City(folder)
    with Ledger(city) as ledger:
        Roles(ledger).begin(current_actor())
    return publish.run(city, actor=current_actor())
