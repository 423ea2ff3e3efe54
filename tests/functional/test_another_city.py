"""The proof against a toy: another city runs from its files to the site after editing TOML alone.

The other city is a copy of the sample city whose columns were renamed, two of whose encodings were changed, in one
of whose counties a test is marked out of another full mark, and in which two departments deliver nothing.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cities import Ran, copy_sample

pytestmark = pytest.mark.xdist_group("sample")

MISSING = ("civil_affairs", "health")
RENAMED = {
    "education/student_registry": {
        "学籍号": "全国学籍编号",
        "姓名": "学生姓名",
        "性别": "学生性别",
        "出生日期": "生日",
        "身份证件号": "证件号码",
        "户口所在地": "户籍区划码",
        "户口性质": "户籍类别",
        "学校标识码": "校码",
        "学校名称": "就读学校",
        "年级": "所在年级",
        "班级": "班次",
        "班号": "班次",
        "是否留守儿童": "留守情况",
        "监护人1姓名": "第一监护人",
        "监护人1证件号": "第一监护人证件",
    },
    "human_resources/labour_out_registry": {
        "姓名": "务工人员",
        "身份证号": "公民身份号码",
        "外出时间": "离乡日期",
        "外出类型": "去向类别",
    },
    "public_security/residence_permits": {
        "姓名": "持证人",
        "公民身份号码": "证号",
        "户口性质": "户别性质",
        "来本地日期": "到达日期",
    },
    "ngo/service_records": {"name": "child", "birth_date": "born", "guardian_phone": "contact"},
    "planning/villages": {"代码": "村码", "村居": "村名", "常住人口": "人口"},
}
REENCODED = {
    "education/student_registry": ("gb18030", "utf-8"),
    "human_resources/labour_out_registry": ("utf-16", "gb18030"),
}
RESCALED = ("education/exam_scores", "2025-07-15", "三年级", "白鹭县", 1.2)


def edit_contract(path: Path, renamed: dict[str, str], encodings: tuple[str, str] | None) -> None:
    """Edit a contract as a clerk would: names of columns, and the encoding."""
    text = path.read_text(encoding="utf-8")
    sources = re.compile(r"^(source = )(.+)$", re.MULTILINE)

    def rename(found: re.Match[str]) -> str:
        names = json.loads(found[2]) if found[2].startswith("[") else [json.loads(found[2])]
        new = list(dict.fromkeys(renamed.get(n, n) for n in names))
        return found[1] + json.dumps(new if len(new) > 1 else new[0], ensure_ascii=False)

    text = sources.sub(rename, text)
    if encodings:
        text = text.replace(f'encoding = "{encodings[0]}"', f'encoding = "{encodings[1]}"')
    path.write_text(text, encoding="utf-8")


def rename_in_files(folder: Path, renamed: dict[str, str], encodings: tuple[str, str] | None) -> None:
    """Write the files of a dataset as another city's department would."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.stat().st_size):
        old, new = encodings or ("utf-8-sig", "utf-8-sig")
        raw = path.read_bytes()
        if not encodings and not raw.startswith(b"\xef\xbb\xbf"):
            old = new = "utf-8"
        # The sample holds one row whose bytes were cut: those bytes go through unchanged in meaning.
        text = raw.decode(old, errors="replace")
        if path.suffix == ".jsonl":
            for name, other in renamed.items():
                text = text.replace(f'"{name}":', f'"{other}":')
        else:
            head, rest = text.split("\n", 1)
            separator = "\t" if "\t" in head else ","
            names = [renamed.get(n, n) for n in head.rstrip("\r").split(separator)]
            text = separator.join(names) + "\r\n" + rest
        path.write_bytes(text.encode(new, errors="replace"))


def rescale(deliveries: Path, city: Path) -> None:
    """Mark one county's test of one grade out of 120 in place of 100, and say so in the contract."""
    from openpyxl import load_workbook

    dataset, delivery, grade, county, factor = RESCALED
    (path,) = (deliveries / dataset / delivery).glob(f"*{grade}*.xlsx")
    book = load_workbook(path)
    for row in book[county].iter_rows(min_row=5, min_col=7, max_col=9):
        for cell in row:
            if isinstance(cell.value, int | float) and cell.value > 0:
                cell.value = cell.value * factor
    book.save(path)
    contract = city / "sources" / f"{dataset}.toml"
    text = contract.read_text(encoding="utf-8")
    when = f'{{ "@delivery" = "{delivery}", "@sheet" = "{county}", "@grade" = "三" }}'
    new = f'where = [\n  {{ when = {when}, unit = "mark/120" }},'
    contract.write_text(text.replace("where = [", new), encoding="utf-8")


@pytest.fixture(scope="module")
def other_city(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the other city's folder: other files, and contracts edited in TOML alone."""
    folder = tmp_path_factory.mktemp("other")
    city = copy_sample(shared, folder)
    deliveries = folder / "deliveries"
    shutil.copytree(shared / "sample-city" / "deliveries", deliveries, copy_function=shutil.copyfile)
    for path in [deliveries, *deliveries.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    settings = (city / "city.toml").read_text(encoding="utf-8")
    settings = re.sub(r"^deliveries = .*$", f'deliveries = "{deliveries}"', settings, flags=re.MULTILINE)
    (city / "city.toml").write_text(settings, encoding="utf-8")
    for department in MISSING:
        shutil.rmtree(deliveries / department)
        shutil.rmtree(city / "sources" / department)
    for dataset, renamed in RENAMED.items():
        rename_in_files(deliveries / dataset, renamed, REENCODED.get(dataset))
        edit_contract(city / "sources" / f"{dataset}.toml", renamed, REENCODED.get(dataset))
    rescale(deliveries, city)
    return city


def test_before_the_contract_is_edited_the_renamed_column_is_named(
    shared: Path, other_city: Path, tmp_path: Path, command: Callable[..., Ran]
) -> None:
    city = tmp_path / "unedited"
    shutil.copytree(other_city, city)
    contract = "sources/planning/villages.toml"
    shutil.copyfile(copy_sample(shared, tmp_path) / contract, city / contract)
    done = command("build", city)
    assert done.code == 12
    assert "村码" in done.err
    assert "Traceback" not in done.err
    assert not (city / "warehouse" / "current").exists()


@pytest.fixture(scope="module")
def built_city(other_city: Path, command: Callable[..., Ran]) -> Path:
    """Build the other city."""
    built = command("build", other_city, "--json")
    assert built.code == 0, built.err
    conservation = json.loads(built.out)["conservation"]
    assert conservation
    assert all(r["rows"] == r["records"] + r["quarantined"] + r["non_data"] for r in conservation)
    assert not {r["department"] for r in conservation} & set(MISSING)
    return other_city


def test_the_other_city_runs_from_its_files_to_the_site(built_city: Path, command: Callable[..., Ran]) -> None:
    studied = command("study", built_city, "achievement", "--json")
    assert studied.code == 0, studied.err
    assert json.loads(studied.out)["tables"]["gaps"]["rows"]
    published = command("publish", built_city, "--json")
    assert published.code == 0, published.err
    for lang in ("zh", "en"):
        assert (built_city / "releases" / "current" / "public" / lang / "gaps.html").is_file()


def test_the_rescaled_county_is_read_on_its_own_scale(built_city: Path, sample_city: Path) -> None:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    means = []
    for city in (built_city, sample_city):
        number = (city / "warehouse" / "current").read_text(encoding="ascii")
        table = pq.read_table(city / "warehouse" / "versions" / number / "records" / "education.exam_scores.parquet")
        keep = pc.and_(pc.equal(table["delivery"], RESCALED[1]), pc.equal(table["sheet"], RESCALED[3]))
        keep = pc.and_(keep, pc.equal(table["grade"], 3))
        means.append(pc.mean(table.filter(keep)["math"]).as_py())
    assert means[0] == pytest.approx(means[1], abs=1e-9)
