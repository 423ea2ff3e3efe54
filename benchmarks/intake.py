"""Intake of one large household registry beside the script that a competent analyst would write with pandas.

``python benchmarks/intake.py [--quick|--large] [--seed N]``: both programs read the same GB18030 file in a process of
their own, in turn, three times: decode it, recode the codes, parse dates, check identity numbers, set bad rows and bad
values aside with their reasons, and write what came out. Ours also hashes the file, counts its rows apart and holds the
sums against each other, and encrypts what it writes (AES-256-GCM); the script writes plain Parquet. Records and what
was set aside are then compared value by value. Time is from the file to what is written, imports left out; memory is
the peak of all processes of a program together (proportional set size, sampled, as shared pages count once).

``--large`` writes a file of 5 GB and one with a line of 2 GB, runs ``commonground intake`` on each and tells its peak.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import registry
from _bench import measure, middle, peers

PEERS = ["pandas==3.1.1", "pyarrow"]

OURS = """
import commonground, pyarrow, pyarrow.csv, pyarrow.compute
pyarrow.array([0])  # here pyarrow imports pandas, where that is installed
from pathlib import Path
from commonground.city import City
from commonground.intake import run
def work(city, file, out):
    result = run(City(Path(city)))
    return {"records": result.rows("police.registry")}
"""

PANDAS = """
import csv, numpy as np, pandas as pd, pyarrow.parquet
NAMES = %(names)r
CODES = %(codes)r
WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2], np.int32)
CHECK = np.array([ord(c) for c in "10X98765432"], np.uint8)
LATEST = pd.Timestamp("2025-09-10")

def check_ids(text):
    # 18 characters: digits, a day that exists, the check digit; 15 characters: the same in the short form of old
    text = text.str.upper()
    size = text.str.len()
    reason = pd.Series("", index=text.index, dtype=object)
    digits = text.str.fullmatch(r"\\d+X?")
    reason[~digits] = "id_characters"
    reason[digits & ~size.isin([15, 18])] = "id_length"
    whole = text[digits & (size == 18)]
    short = text[digits & (size == 15) & ~text.str.endswith("X")]
    whole = pd.concat([whole, short.str[:6] + "19" + short.str[6:] + "?"]).sort_index()
    letters = np.frombuffer("".join(whole.tolist()).encode("ascii"), np.uint8).reshape(-1, 18)
    body = letters[:, :17].astype(np.int32) - 48
    check = CHECK[(body @ WEIGHTS) %% 11]
    day = pd.to_datetime(pd.Series(whole.str[6:14].to_numpy()), format="%%Y%%m%%d", errors="coerce").to_numpy()
    years = body[:, 6:10] @ np.array([1000, 100, 10, 1], np.int32)
    dated = ~np.isnat(day) & (years >= 1880) & (years <= 2025)
    right = (letters[:, 17] == check) | (letters[:, 17] == ord("?"))
    good = dated & right & (body[:, 0] > 0)
    value = pd.Series(None, index=text.index, dtype=object)
    full = whole.str[:17] + pd.Series(check.view("S1").astype("U1"), index=whole.index)
    value[whole.index[good]] = full[good]
    reason[whole.index[~dated]] = "id_date"
    reason[whole.index[dated & ~good]] = "id_check_digit"
    soft = text.where(reason != "", None)
    # numbers that end in 000 where a spreadsheet has cut them: more than one in ten of them would fail
    ends = whole.str.endswith("000").to_numpy()
    assert not ends.any() or (ends & ~good).sum() * 10 <= ends.sum()
    return value, soft, reason

def parse_dates(text):
    day = pd.to_datetime(text, format="%%Y-%%m-%%d", errors="coerce")
    left = text[day.isna()]
    day = day.fillna(pd.to_datetime(left, format="%%Y%%m%%d", errors="coerce"))
    left = text[day.isna()]
    return day.fillna(pd.to_datetime(left, format="%%Y.%%m.%%d", errors="coerce"))

def count_cells(file):
    # pandas fills short rows up without a word; in GB18030 no other character has the bytes of comma or line feed
    raw = np.fromfile(file, np.uint8)
    ends = np.flatnonzero(raw == 10)
    return np.diff(np.searchsorted(np.flatnonzero(raw == 44), ends), prepend=0)[1:] + 1

def work(city, file, out):
    cells = count_cells(file)
    # quotation marks in this export enclose nothing, so that a stray one must not swallow the rows after it
    frame = pd.read_csv(file, encoding="gb18030", dtype=str, names=[*NAMES, "extra"], skiprows=1,
                        quoting=csv.QUOTE_NONE, keep_default_na=False, skip_blank_lines=False, engine="c")
    total = frame["户号"] == "合计"
    header = (frame["户号"] == "户号") & (frame["姓名"] == "姓名")
    physical = pd.Series(np.arange(2, len(frame) + 2), index=frame.index)
    quote = frame["姓名"].str.contains('"', regex=False) | frame["户籍地址"].fillna("").str.contains('"', regex=False)
    few = pd.Series(cells < len(NAMES), index=frame.index)
    many = frame["extra"].fillna("") != ""
    reasons = ["total", "quote", "too_few_cells", "too_many_cells", "repeated_header"]
    what = np.select([total, quote, few, many, header], reasons, "")
    what = pd.Series(what, index=frame.index)
    rows = frame.index[(what != "") & (what != "total")]
    number = pd.Series(0, index=frame.index)
    data = what != "total"
    number[data] = np.arange(1, data.sum() + 1)
    lines = [",".join(line[:n]) for n, line in zip(cells[rows], frame.loc[rows].itertuples(index=False))]
    bad = [pd.DataFrame({"row_number": number[rows], "physical_row": physical[rows], "column": "", "reason": what[rows],
                         "text": lines})]
    frame = frame[what == ""].drop(columns="extra")
    number, physical = number[frame.index], physical[frame.index]
    done = {"row_number": number}

    def set_aside(column, reason):
        hit = reason.index[reason != ""]
        bad.append(pd.DataFrame({"row_number": number[hit], "physical_row": physical[hit], "column": column,
                                 "reason": reason[hit], "text": frame.loc[hit, column]}))

    for column in NAMES:
        text = frame[column].str.strip()
        blank = text == ""
        if column == "公民身份号码":
            value, soft, reason = check_ids(text[~blank])
            done[column], done["soft"] = value.reindex(frame.index), soft.reindex(frame.index)
            set_aside(column, reason)
        elif column in ("出生日期", "迁入日期"):
            day = parse_dates(text)
            reason = pd.Series("", index=frame.index)
            reason[day.isna() & ~blank] = "not_a_date"
            if column == "出生日期":
                reason[day > LATEST] = "date_in_future"
                day[day > LATEST] = pd.NaT
            done[column] = day
            set_aside(column, reason)
        elif column in CODES:
            value = text.map(CODES[column])
            outside = text[value.isna() & ~blank]
            short = outside.str.fullmatch("[0-9A-Za-z]{1,3}")
            reason = pd.Series("code_outside_list", index=outside.index).where(~short, "code_outside_list:" + outside)
            done[column] = value
            set_aside(column, reason)
        elif column == "村居代码":
            right = text.str.fullmatch(r"\\d{12}")
            done[column] = text.where(right, None)
            set_aside(column, pd.Series("pattern", index=text.index[~right & ~blank]))
        else:
            done[column] = text.where(~blank, None)
    pd.DataFrame(done).to_parquet(out + "/records.parquet", index=False)
    pd.concat(bad).to_parquet(out + "/bad.parquet", index=False)
    return {"records": len(frame)}
"""


def compare(city: str, out: str) -> dict[str, int]:
    """Hold the records and what was set aside against each other; give the rows that differ."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from commonground.city import City
    from commonground.intake import run

    result = run(City(Path(city)))
    ours, aside = result.tables["police.registry"], result.quarantine
    concepts = dict(zip(registry.NAMES, registry.CONCEPTS, strict=True)) | {"soft": "id_no_soft"}
    theirs, bad = pq.read_table(f"{out}/records.parquet"), pq.read_table(f"{out}/bad.parquet")
    differ = {"records": abs(ours.num_rows - theirs.num_rows), "aside": abs(aside.num_rows - bad.num_rows)}
    if any(differ.values()):
        return differ
    for name in theirs.column_names:
        mine = ours[concepts.get(name, name)]
        same = pc.equal(mine, theirs[name].cast(mine.type))
        both = pc.and_(pc.is_null(mine), pc.is_null(theirs[name]))
        differ[name] = ours.num_rows - pc.sum(pc.or_(pc.fill_null(same, False), both)).as_py()
    keys = ["row_number", "physical_row", "column", "reason", "text"]
    order = [(key, "ascending") for key in keys]
    mine = aside.select(keys).sort_by(order)
    other = pa.table({key: bad[key].cast(mine.schema.field(key).type) for key in keys}).sort_by(order)
    differ["aside"] = sum(a != b for a, b in zip(mine.to_pylist(), other.to_pylist(), strict=True))
    return differ


def make_city(folder: Path) -> tuple[Path, Path]:
    """Make a city's folder with the registry's contract; give it and where the file is to be."""
    city, file = folder / "city", folder / "city" / "deliveries" / "police" / "registry" / "2025-09-10" / "registry.csv"
    (city / "sources" / "police").mkdir(parents=True)
    file.parent.mkdir(parents=True)
    (city / "city.toml").write_text(registry.CITY, encoding="utf-8")
    (city / "sources" / "police" / "registry.toml").write_text(registry.contract(), encoding="utf-8")
    return city, file


def main() -> None:
    """Measure, print a table, and a JSON object as the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="200,000 rows alone, one run")
    parser.add_argument("--large", action="store_true", help="5 GB and a line of 2 GB: the memory of ours alone")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    if options.large:
        large(options.seed)
        return
    python = peers(PEERS)
    sizes = [200_000] if options.quick else [200_000, 2_000_000]
    codes = dict(zip(registry.NAMES, registry.CONCEPTS, strict=True))
    codes = {name: registry.CODES[concept] for name, concept in codes.items() if concept in registry.CODES}
    script = PANDAS % {"names": registry.NAMES, "codes": codes}
    took: dict[tuple[int, str], dict[str, float]] = {}
    agreed = True
    for n in sizes:
        with tempfile.TemporaryDirectory() as folder:
            city, file = make_city(Path(folder))
            registry.write(file, n, options.seed)
            words = (str(city), str(file), folder)
            found: dict[str, list[dict[str, object]]] = {"ours": [], "pandas": []}
            for _ in range(1 if options.quick else options.runs):  # in turn, so that a busy moment hurts both alike
                shutil.rmtree(city / "vault", ignore_errors=True)
                for name, used, worker in (("ours", sys.executable, OURS), ("pandas", python, script)):
                    run = watched(lambda u=used, m=name, w=worker, x=words: measure(u, m, w, *x))
                    found[name].append(run)
            took |= {(n, name): middle(runs) for name, runs in found.items()}
            differ = compare(str(city), folder)
            wrong = {name: count for name, count in differ.items() if count}
            agreed &= not wrong
            print(f"{n:,} rows, {file.stat().st_size / 1e6:.0f} MB:", wrong if wrong else "all values agree")
    print(f"{'rows':>9} {'program':8} {'wall s':>8} {'cpu s':>8} {'MB':>7} {'growth':>7}")
    for (n, name), one in took.items():
        growth = one["wall"] / took[sizes[0], name]["wall"]
        print(f"{n:9,} {name:8} {one['wall']:8.2f} {one['cpu']:8.2f} {one['memory']:7.0f} {growth:7.1f}")
    ours, theirs = took[sizes[-1], "ours"], took[sizes[-1], "pandas"]
    ratio = {k: round(theirs[k] / ours[k], 3) for k in ("wall", "cpu", "memory")}
    result = {"name": "intake", "peer": "pandas", "ratio": ratio["wall"], "cpu_ratio": ratio["cpu"]}
    result |= {"memory_ratio": ratio["memory"], "agree": agreed, "rows": sizes[-1]}
    print(json.dumps(result))
    if not agreed:
        sys.exit(1)


def watched(do: Callable[[], dict[str, object] | None]) -> dict[str, object]:
    """Run something and put the peak memory of all processes that it started, and their CPU time, into its result."""
    peak, done = [0.0], threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            peak[0] = max(peak[0], sum(map(_share, _children(os.getpid()))) / 1024)

    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        found = do()
    finally:
        done.set()
        watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert found is not None, "a program took longer than the limit"
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**found, "memory": peak[0], "cpu": used}


def _children(pid: int) -> list[int]:
    """All processes that a process has started, and those that they have."""
    out = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                out += [child, *_children(child)]
    return out


def _share(pid: int) -> float:
    """Memory of a process in kB, pages that several processes share divided between them."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    return 0.0


def large(seed: int) -> None:
    """Run ``commonground intake`` on a file of 5 GB, and on one with a line of 2 GB."""
    for title, size, line in (("5 GB", 5_000_000_000, 0), ("a line of 2 GB", 0, 2_000_000_000)):
        with tempfile.TemporaryDirectory() as folder:
            city, file = make_city(Path(folder))
            rows = registry.write(file, 200_000, seed, size)
            if line:
                with file.open("ab") as out:
                    for _ in range(line // 10_000_000):
                        out.write("长".encode("gb18030") * 5_000_000)
                    out.write(b"\r\n")
            start = time.perf_counter()
            done = watched(lambda c=city: _command(c))
            wall = time.perf_counter() - start
            print(f"{title}: {file.stat().st_size / 1e9:.2f} GB, {rows:,} people, {wall:.0f} s, "
                  f"{done['cpu']:.0f} s of CPU, peak of all processes together {done['memory']:.0f} MB")  # fmt: skip
            print(json.dumps(done["sums"]))


def _command(city: Path) -> dict[str, object]:
    words = [sys.executable, "-m", "commonground", "intake", str(city), "--json"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stdout[-2000:] + done.stderr[-2000:])
    told = json.loads(done.stdout)
    return {"sums": {name: told["by_dataset"][-1][name] for name in ("rows", "records", "quarantined", "non_data")}}


if __name__ == "__main__":
    main()
