"""A department hands over encodings; the city links them to its persons and hands back pseudonyms by row number."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from cities import Ran
from commonground.city import City
from commonground.governance import Vault
from encoded_kit import CONTRACT, make_town, write_csv
from governance_kit import make_city

pytestmark = pytest.mark.xdist_group("encoded city")
PEOPLE = 900


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Ran]) -> Path:
    """A built city with a household register in the clear and a delivery of encodings; the department beside it."""
    folder = tmp_path_factory.mktemp("encoded")
    first, second = make_town(PEOPLE, 21)
    office = folder / "office"
    office.mkdir()
    write_csv(second, office / "dibao.csv")
    (office / "dibao.toml").write_text(CONTRACT, encoding="utf-8")
    assert command("people", "encode", "--new-key", office / "key.txt").code == 0
    words = ("--contract", office / "dibao.toml", "--key", office / "key.txt", "--out", office / "out")
    done = command("people", "encode", office / "dibao.csv", *words, lang="zh")
    assert done.code == 0, done.err
    assert "可以交出" in done.out
    city = folder / "city"
    make_city(city)
    delivered = city / "deliveries" / "police" / "register" / "2025-09-01"
    delivered.mkdir(parents=True)
    write_csv(first, delivered / "register.csv")
    register = CONTRACT.replace('kind = "dibao"', 'kind = "household_register"')
    encoded = city / "deliveries" / "civil" / "dibao_encoded" / "2025-09-01"
    encoded.mkdir(parents=True)
    for path in sorted((office / "out").glob("*.encoded.*")):
        shutil.copy(path, encoded)
    for name, text in (
        ("police/register.toml", register),
        ("civil/dibao_encoded.toml", (office / "out" / "dibao_encoded.toml").read_text(encoding="utf-8")),
    ):
        (city / "sources" / name).parent.mkdir(parents=True, exist_ok=True)
        (city / "sources" / name).write_text(text, encoding="utf-8")
    done = command("build", city)
    assert done.code == 0, done.err
    return folder


def test_encodings_are_a_delivery_and_stay_in_the_vault(place: Path) -> None:
    version = City(place / "city").require_current()
    table = pq.read_table(version.table("records/civil.dibao_encoded"))
    assert table.num_rows > 0.6 * PEOPLE
    assert not [c for c in table.column_names if c.startswith("encoded_")]


def test_rows_find_their_persons(place: Path, command: Callable[..., Ran], tmp_path: Path) -> None:
    first, second = make_town(PEOPLE, 21)
    export, links = tmp_path / "rows.parquet", tmp_path / "links.parquet"
    words = ("people", "match", place / "city", "--key", place / "office" / "key.txt")
    done = command(*words, "--export", export, "--json")
    assert done.code == 0, done.err
    told = json.loads(done.out)
    assert command("link", place / "city", "--export", links).code == 0
    table = pq.read_table(links)
    number = table["row_number"].to_pylist()
    who = [
        first["who"][n - 1].as_py() if d == "register" else None
        for n, d in zip(number, table["dataset"].to_pylist(), strict=True)
    ]
    person = {p: w for p, w in zip(table["person_id"].to_pylist(), who, strict=True) if p and w is not None}
    rows = pc.read_csv(place / "office" / "out" / "dibao.rows.csv")
    true = {r["encoded_row"]: second["who"][r["row_number"] - 1].as_py() for r in rows.to_pylist()}
    found = {int(r["encoded_row"]): r["person_id"] for r in pq.read_table(export).to_pylist() if r["person_id"]}
    right = sum(person.get(p) == true[row] for row, p in found.items())
    print(f"encoded rows to the spine: precision {right / len(found):.4f}, recall {right / len(true):.4f}")
    assert told["linked"] == len(found)
    assert right / len(found) >= 0.99
    assert right / len(true) >= 0.95
    vault = Vault(City(place / "city"))
    assert vault.read_table("encoded/civil.dibao_encoded", ["encoded_row"], version="1").num_rows == len(true)
    dry = command(*words, "--dry-run", "--export", place / "city" / "x.parquet")
    assert dry.code == 18


def test_another_key_is_told_before_anything_is_compared(
    place: Path, command: Callable[..., Ran], tmp_path: Path
) -> None:
    assert command("people", "encode", "--new-key", tmp_path / "other.txt").code == 0
    done = command("people", "match", place / "city", "--key", tmp_path / "other.txt", lang="zh")
    assert done.code == 12
    assert "密钥不同" in done.err


def test_nothing_is_encoded_without_a_key(place: Path, command: Callable[..., Ran], tmp_path: Path) -> None:
    office = place / "office"
    assert command("people", "encode", office / "dibao.csv", "--contract", office / "dibao.toml").code == 2
    (tmp_path / "weak.txt").write_text("12345678")
    words = ("--contract", office / "dibao.toml", "--key", tmp_path / "weak.txt", "--out", tmp_path / "out")
    done = command("people", "encode", office / "dibao.csv", *words)
    assert done.code == 18
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_encodings_that_are_not_those_of_their_manifest_are_refused(
    place: Path, command: Callable[..., Ran], tmp_path: Path
) -> None:
    city = tmp_path / "city"
    shutil.copytree(place / "city", city)
    keys = place / "city.keys"
    if keys.is_dir():
        shutil.copytree(keys, tmp_path / "city.keys")
    folder = city / "deliveries" / "civil" / "dibao_encoded" / "2025-09-01"
    manifest = next(folder.glob("*.encoded.json"))
    words = ("people", "match", city, "--key", place / "office" / "key.txt")
    told = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps({**told, "sha256": "0" * 64}), encoding="utf-8")
    done = command(*words)
    assert done.code == 12, done.err
    assert "manifest" in done.err
    manifest.unlink()
    done = command(*words, lang="zh")
    assert done.code == 12, done.err
    assert "编码说明" in done.err
    assert "Traceback" not in done.err
