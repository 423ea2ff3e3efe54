"""A household registry as a department delivers it: GB18030, CRLF, and the dirt that such files have.

Rows are invented block by block from a seed, so that a file of any size is written in little memory. Identity numbers
use area codes that were never assigned, telephone numbers begin with 12.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NAMES = ["户号", "姓名", "公民身份号码", "性别", "出生日期", "民族", "与户主关系", "户口性质"]
NAMES += ["户籍地址", "村居代码", "联系电话", "迁入日期"]
CONCEPTS = ["household_no", "name", "id_no", "sex", "birth", "ethnicity", "relation", "hukou_nature"]
CONCEPTS += ["hukou_address", "village_code", "phone", "moved_in"]
BLOCK = 200_000
WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
RELATIONS = {
    "户主": "02",
    "妻": "12",
    "儿子": "20",
    "女儿": "30",
    "儿媳": "38",
    "孙子": "41",
    "孙女": "42",
    "母亲": "52",
}
PEOPLES = {"汉族": "01", "回族": "03", "苗族": "06", "土家族": "15"}
HUKOU = {"农业": "rural", "非农业": "non_rural"}
CODES = {"ethnicity": PEOPLES, "relation": RELATIONS, "hukou_nature": HUKOU, "sex": {"男": "1", "女": "2"}}

CITY = """
[city]
name = { zh = "试验市", en = "Trial City" }
area_code = "529900"
reference_date = 2025-09-01
keys = "../keys"

[[area]]
code = "529901"
zh = "东区"
en = "East District"
urban = true
"""

CONTRACT = """
[dataset]
kind = "household_register"
title = { zh = "户籍登记", en = "Household register" }

[[layout]]
files = "*.csv"
format = "csv"
encoding = "gb18030"
non_data = [{ column = "户号", matches = "合计", reason = "total" }]
"""


def contract() -> str:
    """The contract for the registry."""
    out = [CONTRACT]
    for name, concept in zip(NAMES, CONCEPTS, strict=True):
        out.append(f'\n[[column]]\nsource = "{name}"\nconcept = "{concept}"\n')
        if concept in CODES:
            out.append("codes = { " + ", ".join(f'"{k}" = "{v}"' for k, v in CODES[concept].items()) + " }\n")
    return "".join(out)


def write(path: Path, rows: int, seed: int, size: int = 0) -> int:
    """Write a registry of ``rows`` people, or of at least ``size`` bytes; give the number of data rows.

    Beyond two million people those of the first blocks come again.
    """
    done = 0
    made: list[bytes] = []
    with path.open("wb") as file:
        file.write((",".join(NAMES) + "\r\n").encode("gb18030"))
        while done < rows or file.tell() < size:
            n = min(BLOCK, rows - done) if not size else BLOCK
            if done < 10 * BLOCK:
                made.append(_block(n, done, np.random.default_rng([seed, done])))
            file.write(made[done // BLOCK % 10])
            done += n
        file.write(f"合计,,,,,,,,,,,{done}\r\n".encode("gb18030"))
    return done


def _block(n: int, start: int, rng: np.random.Generator) -> bytes:
    birth = np.datetime64("1935-01-01") + rng.integers(0, 33_000, n)
    days = birth.astype("M8[D]").astype(object)
    ymd = np.array([d.year * 10_000 + d.month * 100 + d.day for d in days])
    serial = rng.integers(1, 1000, n)
    sex = serial % 2
    columns: list[Any] = [
        _padded(529901_000000 + (start + np.arange(n)) // 3, 12),
        _names(n, rng),
        _numbers(rng.integers(1, 9, n), ymd, serial, rng),
        np.array(["女", "男"], object)[sex],
        _dates(ymd, rng),
        rng.choice(list(PEOPLES), n, p=[0.9, 0.04, 0.03, 0.03]),
        rng.choice(list(RELATIONS), n),
        rng.choice(list(HUKOU), n, p=[0.6, 0.4]),
        _addresses(n, rng),
        _padded(529901_000000 + rng.integers(1, 600, n) * 1000 + rng.integers(1, 30, n), 12),
        _padded(12_000_000_000 + rng.integers(0, 999_999_999, n), 11),
        _dates(_moves(n, rng), rng),
    ]
    columns[3] = _some(columns[3], ["不详", "3"], 0.002, rng)
    columns[6] = _some(columns[6], ["寄住人员", "同乡"], 0.002, rng)
    columns[10] = _some(columns[10], ["", "无"], 0.05, rng)
    columns[11] = _some(columns[11], [""], 0.6, rng)
    lines = pc.binary_join_element_wise(*(pa.array(c, pa.string()) for c in columns), ",").to_pylist()
    for i in np.flatnonzero(rng.random(n) < 1 / 20_000):  # a quotation mark that never closes
        at = lines[i].index(",") + 1
        lines[i] = lines[i][:at] + '"' + lines[i][at:]
    for i in np.flatnonzero(rng.random(n) < 1 / 20_000):  # a row cut short
        lines[i] = lines[i].rsplit(",", 3)[0]
    for i in np.flatnonzero(rng.random(n) < 1 / 50_000):  # an address with a separator in it
        lines[i] = lines[i].replace("村", "村,", 1)
    return ("\r\n".join(lines) + "\r\n").encode("gb18030")


def _moves(n: int, rng: np.random.Generator) -> np.ndarray:
    days = rng.integers(0, 12, n) * 100 + rng.integers(0, 28, n)
    return np.asarray(20_000_101 + rng.integers(0, 24, n) * 10_000 + days)


def _padded(numbers: np.ndarray, width: int) -> np.ndarray:
    return np.char.zfill(numbers.astype(f"U{width}"), width).astype(object)


def _some(values: np.ndarray, others: list[str], share: float, rng: np.random.Generator) -> np.ndarray:
    values = np.asarray(values, object).copy()
    hit = rng.random(len(values)) < share
    values[hit] = rng.choice(others, int(hit.sum()))
    return values


def _names(n: int, rng: np.random.Generator) -> np.ndarray:
    han = np.array([chr(0x4E00 + 7 * i) for i in range(2900)], object)
    short = np.where(rng.random(n) < 0.15, "", han[rng.zipf(1.3, n) % 2900])
    return han[rng.zipf(1.5, n) % 400] + han[rng.zipf(1.2, n) % 2900] + short


def _addresses(n: int, rng: np.random.Generator) -> np.ndarray:
    town = np.array([f"东区{chr(0x4E00 + 11 * i)}{chr(0x5E00 + 13 * i)}镇" for i in range(60)], object)
    village = np.array([f"{chr(0x6E00 + 5 * i)}{chr(0x5200 + 3 * i)}村" for i in range(600)], object)
    house = np.array([f"{i}号" for i in range(1, 400)], object)
    return town[rng.integers(0, 60, n)] + village[rng.integers(0, 600, n)] + house[rng.integers(0, 399, n)]


def _dates(ymd: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    text = np.char.zfill(ymd.astype("U8"), 8)
    year, month, day = (np.array([t[a:b] for t in text.tolist()], object) for a, b in ((0, 4), (4, 6), (6, 8)))
    out = year + "-" + month + "-" + day
    kind = rng.random(len(out))
    out = np.where(kind < 0.03, text.astype(object), out)
    dotted = [f"{int(y)}.{int(m)}.{int(d)}" for y, m, d in zip(year, month, day, strict=True)]
    out = np.where((kind >= 0.03) & (kind < 0.05), np.array(dotted, object), out)
    out = np.where((kind >= 0.05) & (kind < 0.052), year + "-02-30", out)
    return np.where((kind >= 0.052) & (kind < 0.053), "不详", out)


def _numbers(place: np.ndarray, ymd: np.ndarray, serial: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    body = np.char.add(
        np.char.add(np.char.add("52990", place.astype("U1")), ymd.astype("U8")), _padded(serial, 3).astype("U3")
    )
    digits = body.view(np.uint32).reshape(len(body), 17).astype(np.int64) - 48
    check = np.array(list("10X98765432"))[(digits @ WEIGHTS) % 11]
    out = np.char.add(body, check).astype(object)
    kind = rng.random(len(out))
    wrong = kind < 0.01
    out[wrong] = [t[:16] + str((int(t[16]) + 1) % 10) + t[17] for t in out[wrong]]
    old = (kind >= 0.01) & (kind < 0.013) & (ymd >= 19_350_101) & (ymd < 20_000_000)
    out[old] = [t[:6] + t[8:17] for t in out[old]]
    lower = (kind >= 0.013) & (kind < 0.05)
    out[lower] = [t.lower() for t in out[lower]]
    out[(kind >= 0.05) & (kind < 0.053)] = ""
    cut = (kind >= 0.053) & (kind < 0.0535)
    out[cut] = [t[:12] for t in out[cut]]
    return out
