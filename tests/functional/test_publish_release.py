"""A release, from findings to files: complete, safe, the same twice, and swapped whole."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import importlib
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from commonground.city import City
from commonground.disclosure import Shown
from commonground.errors import AccessError, DisclosureError, StudyError
from commonground.publish.examine import examine
from commonground.publish.inputs import Inputs, load_inputs
from commonground.publish.pages import definitions, gaps, schools
from commonground.publish.run import TOKEN, fingerprint
from commonground.publish.site import SLUGS
from release_city import make_city, release

pytestmark = pytest.mark.xdist_group("release")
factors = importlib.import_module("commonground.publish.pages.factors")  # the package names its functions alike
page_of_definitions = importlib.import_module("commonground.publish.pages.definitions")
LANGS = ("zh", "en")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_city(tmp_path_factory.mktemp("release") / "city", schools=40)


@pytest.fixture(scope="module")
def made(folder: Path) -> Any:
    return release(folder)


@pytest.fixture(scope="module")
def pages(made: Any) -> dict[tuple[str, str], str]:
    public = made.path / "public"
    return {(x, s): (public / x / f"{s}.html").read_text(encoding="utf-8") for x in LANGS for s in SLUGS}


@pytest.fixture(scope="module")
def inputs(folder: Path) -> Inputs:
    return load_inputs(City(folder))


class Visitor:
    """Asks the site, in process."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://site.test") as client:
                return await client.request(method, path, headers=headers)

        return asyncio.run(asked())

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.ask("GET", path, headers)


class Links(HTMLParser):
    """Collects addresses, ids and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset") and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.append(value)


def test_the_release_is_current_and_named_after_its_date(folder: Path, made: Any) -> None:
    assert made.id == "2025-09-01-1"
    assert (folder / "releases" / "current").resolve() == made.path.resolve()
    assert not list((folder / "releases").glob("*.building"))


def test_every_link_leads_somewhere(made: Any, pages: dict[tuple[str, str], str]) -> None:
    public = (made.path / "public").resolve()
    texts = {public / x / f"{s}.html": t for (x, s), t in pages.items()}
    texts |= {public / f"report.{x}.html": (public / f"report.{x}.html").read_text(encoding="utf-8") for x in LANGS}
    for path, text in texts.items():
        found = Links()
        found.feed(text)
        assert len(found.ids) == len(set(found.ids)), f"{path.name}: an id stands twice"
        for link in found.links:
            target, _, anchor = link.partition("#")
            assert "://" not in link
            if not target:
                assert anchor in found.ids, f"{path.name}: #{anchor}"
            else:
                assert (path.parent / target).resolve().is_file(), f"{path.name}: {target}"


def test_the_grammar_of_a_page(pages: dict[tuple[str, str], str]) -> None:
    for (lang, slug), text in pages.items():
        found = Links()
        found.feed(text)
        assert found.tags.count("h1") == 1
        assert {"header", "nav", "main", "footer"} <= set(found.tags)
        assert "script" not in found.tags
        assert " style=" not in text
        assert f'href="../{"en" if lang == "zh" else "zh"}/{slug}.html"' in text
        for figure in re.findall(r"<figure.*?</figure>", text, re.S):
            assert figure.count("<dt>") == 7
            assert "<dd></dd>" not in figure
            order = [
                figure.index(x)
                for x in ("fig-no", "finding", "fig-sub", 'class="facts"', "notsaid", "<details>", "tools")
            ]
            assert order == sorted(order)
        assert TOKEN not in text


def test_no_english_sentence_stands_in_a_chinese_page(pages: dict[tuple[str, str], str]) -> None:
    for (lang, slug), text in pages.items():
        if lang == "zh":
            words = re.sub(r"<[^>]*>", " ", text)
            runs = re.findall(r"(?:\b[a-z]{3,}\b ){3,}", words)
            assert not runs, f"{slug}: {runs}"
        else:
            words = re.sub(r"<[^>]*>", " ", text.replace(">中文<", "><"))
            han = set(re.findall(r"[\u4e00-\u9fff]{2,}", words))
            assert not han or slug == "definitions", f"{slug}: {han}"  # titles of documents stay as they are


def test_the_public_part_names_no_school_without_consent_and_no_code(made: Any, inputs: Inputs) -> None:
    codes = {r["school_code"] for r in inputs.findings["schools"]["rows"]}
    named = "529902S001"
    for path in sorted((made.path / "public").rglob("*")):
        if path.suffix in (".html", ".svg", ".csv", ".json"):
            text = path.read_text(encoding="utf-8")
            assert not {c for c in codes if c in text} - {named}, path.name
    official = (made.path / "official" / "zh" / "schools.html").read_text(encoding="utf-8")
    assert "529901S000" in official


def test_a_school_with_consent_but_few_children_is_not_named(inputs: Inputs) -> None:
    safe = examine(inputs)
    assert [r["school_code"] for r in safe.named] == ["529902S001"]


def test_estimates_on_few_children_are_not_in_the_data(made: Any) -> None:
    text = (made.path / "public" / "data" / "gaps-three.csv").read_bytes().decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert {"estimate", "low", "high", "unit", "population", "definition", "release"} <= set(rows[0])
    assert all(int(r["n"]) % 5 == 0 for r in rows)
    twin = json.loads((made.path / "public" / "data" / "gaps-three.json").read_text(encoding="utf-8"))
    assert twin["rows"][0]["low"] < twin["rows"][0]["estimate"] < twin["rows"][0]["high"]
    assert set(twin["finding"]) == {"zh", "en"}


def test_sentences_and_figures_come_from_the_same_rows(inputs: Inputs) -> None:
    safe = examine(inputs)
    page = gaps(safe, "en")
    row = next(r for r in safe.gaps if (r["subject"], r["comparison"], r["group"]) == ("math", "raw", "parents_away"))
    assert f"{abs(row['estimate']):.2f}" in page.lede
    assert "below local children" in page.lede
    turned = tuple(
        {**r, "estimate": -r["estimate"], "low": -r["high"], "high": -r["low"]} for r in safe.gaps if not r["small"]
    )
    assert "above local children" in gaps(dataclasses.replace(safe, gaps=turned), "en").lede
    level = tuple({**r, "low": -0.5, "high": 0.5} for r in safe.gaps)
    assert "no clear difference" in gaps(dataclasses.replace(safe, gaps=level), "en").lede
    assert "看不出差别" in gaps(dataclasses.replace(safe, gaps=level), "zh").title


def test_counts_of_schools_in_words_are_those_of_the_figure(inputs: Inputs) -> None:
    safe = examine(inputs)
    figure = next(
        p.figure for s in schools(safe, "en").sections for p in s.parts if p.kind == "figure" and "all" in p.figure.id
    )
    unclear = sum(1 for r in safe.schools if r["verdict"] == "unclear")
    assert f"Of {len(safe.schools)} schools, {unclear} show" in figure.finding
    assert sum(row["schools"] for row in figure.data) == len(safe.schools)


def test_two_definitions_on_the_same_children(inputs: Inputs) -> None:
    from commonground.errors import Said
    from commonground.variables.compare import Clause, Comparison

    comparison = Comparison(
        definition="child.left_behind",
        title=Said("甲", "A"),
        old="LBC_ACWF_2013",
        new="LBC_SC_2016_13",
        hashes=("a", "b"),
        reference_date=inputs.city.settings.reference_date,
        values=("true", "false", "unknown", "not_applicable"),
        counts=((1381, 3271, 60, 0), (6, 15022, 0, 0), (0, 10, 250, 0), (0, 0, 0, 0)),
        clauses=(
            Clause("parents", Said("哪方父母外出", "which parents"), "one", "both_or_unable", -3000.4),
            Clause("age", Said("年龄上限", "age limit"), "18", "16", -320.6),
            Clause("months", Said("最短时间", "least months"), "6", "0", -4.0),
        ),
    )
    other = dataclasses.replace(comparison, counts=((1, 2, 3, 0), *comparison.counts[1:]))
    with pytest.raises(StudyError, match="contradict"):
        examine(dataclasses.replace(inputs, comparison=other))
    safe = examine(dataclasses.replace(inputs, comparison=comparison))
    assert safe.transition is not None
    assert safe.transition.table.axes[0].categories == ("true", "false", "unknown")
    assert safe.transition.table.shown[1, 0] == Shown.SMALL
    # the same children are counted once: the version's own counts are the margins of the table
    under = {r["version"]: r["counts"] for r in safe.definition_counts}
    assert under["LBC_ACWF_2013"]["true"] == int(safe.transition.table.values[0, -1])
    for lang in LANGS:
        page = definitions(safe, lang)
        assert "LBC_ACWF_2013" in page.lede
        figures = {p.figure.id: p.figure for s in page.sections for p in s.parts if p.kind == "figure"}
        assert set(figures) == {"definitions-same", "definitions-clauses", "definitions-counts"}
        cells = [c for row in figures["definitions-same"].table.rows for c in row]
        assert any(c.state == "small" and c.text == "<10" for c in cells)
        steps = [row["children"] for row in figures["definitions-clauses"].data]
        assert steps[0] + sum(steps[1:-1]) == steps[-1]


def test_what_is_withheld_for_its_neighbour_is_not_called_small(inputs: Inputs) -> None:
    row = next(r for r in examine(inputs).definition_counts if r["version"] == "LBC_MOE")
    assert row["counts"]["true"] == 3905
    assert row["counts"]["unknown"] is None
    assert row["counts"]["false"] is None
    assert row["hidden"] == ("false",)
    page = definitions(examine(inputs), "en")
    figure = next(p.figure for s in page.sections for p in s.parts if p.kind == "figure")
    states = {c.state for line in figure.table.rows for c in line}
    assert states == {"shown", "small", "hidden"}


def test_release_json_says_what_was_decided(made: Any) -> None:
    record = json.loads((made.path / "release.json").read_text(encoding="utf-8"))
    assert record["policy"]["cell_threshold"] == 10
    assert {d["output"] for d in record["decisions"]} >= {"gaps", "schools_public", "schools_official", "conservation"}
    assert all("0 recovered" in d["attack"] for d in record["decisions"] if d["attack"])
    assert record["fingerprint"] == made.fingerprint
    shown = " ".join(made.fingerprint[k : k + 4] for k in range(0, 12, 4)).encode()
    drafts = {n: (made.path / n).read_bytes().replace(shown, TOKEN.encode()) for n in record["files"]}
    assert fingerprint(drafts) == made.fingerprint


def test_the_same_inputs_give_the_same_bytes(folder: Path, made: Any, tmp_path: Path) -> None:
    other = make_city(tmp_path / "other", schools=40)
    again = release(other)
    assert again.fingerprint == made.fingerprint
    assert again.files == made.files
    for name in made.files:
        assert (again.path / name).read_bytes() == (made.path / name).read_bytes(), name


def test_an_unchanged_release_is_not_made_again(folder: Path, made: Any) -> None:
    before = (made.path / "release.json").stat().st_mtime_ns
    again = release(folder)
    assert not again.changed
    assert again.id == made.id
    assert (made.path / "release.json").stat().st_mtime_ns == before


def test_the_ledger_has_the_release_with_its_files(folder: Path, made: Any) -> None:
    from commonground.governance import Ledger

    with Ledger(City(folder)) as ledger:
        entries = [e for e in ledger.entries() if str(e.kind) == "release"]
    assert len(entries) == 1
    assert len(entries[0].detail["files"]) == sum(1 for n in made.files if n.startswith("public/"))


def test_whoever_may_not_release_leaves_nothing_behind(tmp_path: Path) -> None:
    from commonground import publish

    city = City(make_city(tmp_path / "city", schools=4))
    with pytest.raises(AccessError):
        publish.run(city, actor="nobody")
    assert not city.releases.exists() or not list(city.releases.iterdir())


def test_a_person_in_the_findings_stops_the_release(folder: Path, tmp_path: Path) -> None:
    city = make_city(tmp_path / "city", schools=4)
    path = city / "results" / "achievement.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    found["tables"]["gaps"]["rows"][0]["person_id"] = "abc"
    path.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(DisclosureError, match="person_id"):
        release(city)
    assert not (city / "releases" / "current").exists()


def test_findings_of_another_version_are_refused(tmp_path: Path) -> None:
    city = make_city(tmp_path / "city", schools=4)
    shutil.copytree(city / "warehouse" / "versions" / "1", city / "warehouse" / "versions" / "2")
    (city / "warehouse" / "current").write_text("2", encoding="ascii")
    with pytest.raises(StudyError, match="another version"):
        load_inputs(City(city))
    (city / "results" / "achievement.json").unlink()
    with pytest.raises(StudyError, match="no findings"):
        load_inputs(City(city))


def test_the_site_serves_the_public_part_alone(folder: Path, made: Any) -> None:
    from commonground.web.site import site

    (made.path / "public" / ".hidden").write_text("x", encoding="utf-8")
    client = Visitor(site(folder / "releases"))
    assert client.get("/").headers["location"] == "/zh/overview.html"
    assert client.get("/", headers={"accept-language": "en-GB,zh;q=0.5"}).headers["location"] == "/en/overview.html"
    assert client.get("/en/").headers["location"] == "/en/overview.html"
    page = client.get("/zh/gaps.html")
    assert page.status_code == 200
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert client.get("/zh/gaps").status_code == 200
    assert client.get("/data/gaps-three.json").headers["content-type"] == "application/json"
    assert client.get("/figures/gaps-three.zh.wide.svg").headers["content-type"].startswith("image/svg")
    for path in (
        "/../official/zh/schools.html", "/%2e%2e/official/zh/schools.html", "/..%2f..%2frelease.json",
        "/zh/..%2f..%2f..%2fcity.toml", "/.hidden", "/official/zh/schools.html", "/release.json", "/%00", "/etc/passwd",
    ):  # fmt: skip
        found = client.get(path)
        assert found.status_code == 404, path
    (made.path / "public" / ".hidden").unlink()
    link = made.path / "public" / "leak.json"
    link.symlink_to(folder / "city.toml")
    try:
        assert client.get("/leak.json").status_code == 404
    finally:
        link.unlink()
    assert "没有这一页" in client.get("/zh/nothing.html").text
    assert "There is no such page" in client.get("/en/nothing.html").text
    assert client.ask("POST", "/zh/gaps.html").status_code == 405


def test_a_city_without_a_release_says_so(tmp_path: Path) -> None:
    from commonground.errors import CityError
    from commonground.web.site import serve_site

    with pytest.raises(CityError, match="not released anything"):
        serve_site(tmp_path / "releases")


def test_versions_with_the_same_counts_are_rounded_once(inputs: Inputs) -> None:
    definitions = json.loads(json.dumps(inputs.variables))
    versions = definitions["definitions"]["child.left_behind"]["versions"]
    versions["LBC_TWIN"] = versions["LBC_SC_2016_13"]
    safe = examine(dataclasses.replace(inputs, variables=definitions))
    counts = {r["version"]: (r["counts"], r["hidden"]) for r in safe.definition_counts}
    assert counts["LBC_TWIN"] == counts["LBC_SC_2016_13"]


def test_a_few_unlinked_records_are_not_given_back_by_their_share(inputs: Inputs) -> None:
    links = json.loads(json.dumps(inputs.links))
    few = {"county_type": "outside", "label": {"zh": "市外", "en": "Outside"}, "records": 14119, "linked": 14116}
    links["by_county_type"].append(few)
    safe = examine(dataclasses.replace(inputs, links=links))
    row = next(r for r in safe.links if r["label"]["en"] == "Outside")
    assert row["estimate"] == 1.0
    for row in safe.links:
        given = (*links["by_source"], *links["by_county_type"])
        records = next(r["records"] for r in given if r["label"]["zh"].startswith(row["label"]["zh"]))
        assert round((1 - row["estimate"]) * records) % 10 == 0


def test_the_page_on_links_shows_groups_and_deliveries_that_are_large_enough(made: Any, inputs: Inputs) -> None:
    data = {
        name: json.loads((made.path / "public" / "data" / f"links-{name}.json").read_text(encoding="utf-8"))["rows"]
        for name in ("missed", "deliveries", "unlike", "thresholds")
    }
    assert [(r["axis"], r["group"]) for r in data["missed"]] == [
        ("migrant", "no"), ("migrant", "yes"), ("sex", "male"), ("sex", "female")
    ]  # fmt: skip
    assert [r["delivery"] for r in data["deliveries"]] == ["2024-09", "2025-09"], "forty records say nothing"
    assert all(r["links"] % 5 == 0 and r["persons"] % 5 == 0 for r in data["thresholds"])
    assert not {"n", "n_joined", "n_others", "joined", "others"} & set(data["unlike"][0]), "counts stay inside"
    few = next(r for r in examine(inputs).link_differences if r["group"] == "female")
    assert few["estimate"] is None, "six of twenty records is a small count"
    for lang, words in (("zh", "“户口在别处”漏连最多"), ("en", "most links are missed for “registered elsewhere”")):
        page = (made.path / "public" / lang / "links.html").read_text(encoding="utf-8")
        assert words in re.sub("<[^>]*>", "", page)


def test_downloads_hold_no_more_digits_than_they_need(made: Any) -> None:
    for path in sorted((made.path / "public" / "data").glob("*.json")):
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            assert all(v == round(v, 4) for v in row.values() if isinstance(v, float)), path.name


def test_the_factors_use_the_rate_of_the_study(inputs: Inputs) -> None:
    strict = examine(dataclasses.replace(inputs, provenance={"discovery_rate": 0.001}))
    loose = examine(dataclasses.replace(inputs, provenance={"discovery_rate": 0.5}))
    assert not any(factors.clear(strict, r) for r in factors.of_term(strict, "all_children"))
    assert any(factors.clear(loose, r) for r in factors.of_term(loose, "all_children"))


def test_a_limit_that_nobody_reaches_is_none() -> None:
    assert page_of_definitions._said_value(100, "year", "en") == "any"
    assert page_of_definitions._said_value(0, "month", "zh") == "不限"
    assert page_of_definitions._said_value(6, "month", "zh") == "6 个月"
    assert page_of_definitions._said_value("worker_in_town", "", "zh") == "在城镇务工的父母"


def test_the_official_page_leads_back_to_the_desk(made: Any) -> None:
    for lang in LANGS:
        text = (made.path / "official" / lang / "schools.html").read_text(encoding="utf-8")
        assert f'href="../../{lang}/"' in text
        assert 'href="../../' not in (made.path / "public" / lang / "schools.html").read_text(encoding="utf-8")


def test_a_part_is_called_the_larger_only_where_it_is_seen(inputs: Inputs) -> None:
    safe = examine(inputs)
    assert gaps(safe, "en").title == "Most of the gap lies between schools"
    rows = tuple(r | {"low": -0.3, "high": 0.1} if r["comparison"] == "between" else r for r in safe.gaps)
    assert "depends on the subject" in gaps(dataclasses.replace(safe, gaps=rows), "en").title


def test_earlier_scores_are_spoken_of_only_where_there_are_any(inputs: Inputs) -> None:
    safe = examine(inputs)
    parts = next(s.parts[0].figure for s in gaps(safe, "zh").sections if s.id == "parts")
    assert "上一学年" not in parts.made
    more = next(r for r in safe.gaps if r["comparison"] == "adjusted") | {"comparison": "progress"}
    told = gaps(dataclasses.replace(safe, gaps=(*safe.gaps, more)), "zh")
    parts = next(s.parts[0].figure for s in told.sections if s.id == "parts")
    assert "上一学年" in parts.made
    assert any("上一学年成绩也相同的孩子" in str(row) for row in parts.table.rows)


def test_nearly_all_is_not_called_all() -> None:
    linkage = importlib.import_module("commonground.publish.pages.links")
    assert linkage._least(0.99996) == "99.99%"
    assert linkage._least(1.0) == "100.00%"
