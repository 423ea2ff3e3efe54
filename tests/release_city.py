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
            "linkage": linkage_report(), "variables": {"definitions": counts}}  # fmt: skip


def linkage_report() -> dict[str, Any]:
    """Make up a linkage report: two groupings, two deliveries, three thresholds."""
    axes = (
        ("migrant", {"zh": "流动", "en": "Migration"}, (("no", "户口在现居县区", "registered here", 12000, 0.004),
                                                      ("yes", "户口在别处", "registered elsewhere", 3000, 0.021))),
        ("sex", {"zh": "性别", "en": "Sex"}, (("male", "男", "male", 8000, 0.006),
                                            ("female", "女", "female", 7000, 0.006),
                                            ("unknown", "不详", "not known", 6, 0.5))),
    )  # fmt: skip

    def around(value: float, half: float) -> dict[str, float]:
        return {"value": value, "low": max(value - half, 0.0), "high": min(value + half, 1.0)}

    def rates(records: int, missed: float) -> dict[str, Any]:
        return {
            "records": records, "linked": round(0.95 * records), "link_rate": around(0.95, 0.01),
            "missed_rate": around(missed, missed / 3), "false_rate": around(0.0004, 0.0003),
            "precision": around(0.9996, 0.0003), "recall": around(1 - missed, missed / 3),
        }  # fmt: skip

    groups = [
        {"axis": axis, "axis_label": said, "group": key, "label": {"zh": zh, "en": en}, **rates(n, missed)}
        for axis, said, categories in axes
        for key, zh, en, n, missed in categories
    ]
    pupils = {"zh": "学籍", "en": "Student registry"}
    deliveries = [
        {"dataset": "education.student_registry", "delivery": d, "title": pupils, **rates(n, 0.005)}
        for d, n in (("2024-09", 7000), ("2025-09", 8000), ("2025-10", 40))
    ]
    differences = [
        {"axis": g["axis"], "axis_label": g["axis_label"], "group": g["group"], "label": g["label"], "joined": 0.6,
         "others": 0.3, "n_joined": 14000, "n_others": n, "difference": around(0.63, 0.05), "unlike": True}
        for g, n in zip(groups[:4], (900, 900, 900, 20), strict=True)
    ]  # fmt: skip
    sweep = [
        {"threshold": t, "links": 14251 - 37 * k, "persons": 9003 + 37 * k, "precision": 0.9996 + 0.0001 * k,
         "recall": 0.994 - 0.01 * k, "gap": {"migrant": 0.017 + 0.01 * k, "sex": None},
         "missed_rate": {}, "link_rate": {}}
        for k, t in enumerate((0.5, 0.9, 0.99))
    ]  # fmt: skip
    gap = {"axis": "migrant", "worst": "yes", "axis_label": axes[0][1], "worst_label": groups[1]["label"],
           "gap": {"value": 0.017, "low": 0.009, "high": 0.026}}  # fmt: skip
    whole = {**rates(15000, 0.006), "spine": 9003, "by_number": 13000, "by_weight": 1250}
    hidden = [{"dataset": "education.student_registry", "delivery": "2025-09", "tried": 500, "right": 493, "wrong": 0,
               "missed": 7, "never_compared": 1}]  # fmt: skip
    analysis = {"whole": whole, "by_group": groups, "by_delivery": deliveries, "differences": differences, "line": 0.1,
                "sweep": sweep, "gaps": [gap]}  # fmt: skip
    return {"analysis": analysis, "hidden": hidden, "linkage": {"two_numbers": 12}}


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
