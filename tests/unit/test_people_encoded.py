"""Encodings: what they hold and do not, whom they find again, and which attacks they stand."""

from __future__ import annotations

import json
import re
import stat
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commonground import jobs
from commonground.errors import ContractError, DeliveryError, StorageError
from commonground.people.encoded import STANDARD, Encoded, encode, match, read_persons
from commonground.people.encoded.encoding import COMBINATIONS
from commonground.people.encoded.exchange import COLUMNS, from_table, to_table
from commonground.people.encoded.matching import candidates, dice
from commonground.people.encoded.secret import key_mark, new_key, read_key
from commonground.people.numbers import check_character
from encoded_kit import COLUMNS as CLEAR
from encoded_kit import CONTRACT, make_town, write_csv

KEY, OTHER = bytes(range(7, 263, 8)), bytes(range(3, 259, 8))


@pytest.fixture(scope="module")
def town() -> tuple[pa.Table, pa.Table]:
    return make_town(1500, 3)


@pytest.fixture(scope="module")
def coded(town: tuple[pa.Table, pa.Table]) -> tuple[Encoded, Encoded]:
    first, second = (encode(read_persons(t, CLEAR), KEY) for t in town)
    return first, second


def test_the_same_people_are_found_without_names(
    town: tuple[pa.Table, pa.Table], coded: tuple[Encoded, Encoded]
) -> None:
    found = match(*coded)
    left, right = (t["who"].to_numpy() for t in town)
    right_of = left[found.a[found.chosen]] == right[found.b[found.chosen]]
    assert right_of.mean() >= 0.998
    assert right_of.sum() / len(right) >= 0.97
    assert len(set(found.a[found.chosen])) == len(found.chosen) == len(set(found.b[found.chosen]))


def test_another_key_finds_nobody(town: tuple[pa.Table, pa.Table], coded: tuple[Encoded, Encoded]) -> None:
    foreign = encode(read_persons(town[1], CLEAR), OTHER)
    assert not len(match(coded[0], foreign).chosen)
    assert not np.isin(coded[0].keys[coded[0].keys != 0], foreign.keys).any()


def test_other_parameters_are_refused(coded: tuple[Encoded, Encoded]) -> None:
    with pytest.raises(ContractError, match="different ways"):
        match(coded[0], replace(coded[1], parameters=replace(STANDARD, letters=4)))


def test_a_person_known_by_several_records_is_matched_once(
    town: tuple[pa.Table, pa.Table], coded: tuple[Encoded, Encoded]
) -> None:
    """The right side twice over, as two records a person: the same persons come out."""
    right = town[1]["who"].to_numpy()
    twice = Encoded(*(np.concatenate([x, x]) for x in (coded[1].keys, coded[1].filters)), STANDARD)
    found = match(coded[0], twice, group=np.concatenate([right, right]))
    who = town[0]["who"].to_numpy()[found.a[found.chosen]]
    assert (who == found.b[found.chosen]).mean() >= 0.998
    assert len(found.chosen) >= 0.97 * len(right)


def test_two_valid_numbers_that_differ_are_two_persons_and_told(town: tuple[pa.Table, pa.Table]) -> None:
    rows = [r for r in town[0].to_pylist() if r["id_number"]]
    body = rows[0]["id_number"][:14] + f"{(int(rows[0]['id_number'][14:17]) + 502) % 1000:03d}"
    other = [{**rows[0], "id_number": body + check_character(body)}, *rows[1:]]
    first, second = (encode(read_persons(pa.Table.from_pylist(r), CLEAR), KEY) for r in (rows, other))
    found = match(first, second)
    assert sorted(found.a[found.chosen].tolist()) == list(range(1, len(rows)))
    assert found.conflicts == 1


def test_likeness_is_dices_coefficient() -> None:
    rng = np.random.default_rng(1)
    x, y = (rng.integers(0, 2**63, (40, 8), dtype=np.uint64) for _ in range(2))
    x[3] = 0
    y[3] = 0
    a, b = rng.integers(0, 40, 200), rng.integers(0, 40, 200)
    a[0] = b[0] = 3
    both = np.bitwise_count(x[a] & y[b]).sum(axis=1)
    total = np.bitwise_count(x[a]).sum(axis=1) + np.bitwise_count(y[b]).sum(axis=1)
    expected = np.where(total > 0, 2 * both / np.maximum(total, 1), 0.0)
    assert np.allclose(dice(x, y, a, b), expected)


def test_people_alike_have_filters_alike() -> None:
    names = ["王小明", "王晓明", "王小铭", "李秀英", None]
    table = pa.table({"name": names, "birth": ["2014-03-05"] * 5, "sex": ["1"] * 5})
    for hardening in ("", "fold", "rule90", "balance"):
        made = encode(
            read_persons(table, {c: c for c in table.column_names}), KEY, replace(STANDARD, hardening=hardening)
        )
        assert made.filters.shape == (5, made.parameters.words)
        close = dice(made.filters, made.filters, np.zeros(4, int), np.arange(1, 5))
        assert close[0] > close[2] + 0.1
        assert close[1] > close[2]
    salted = encode(
        read_persons(
            pa.table({"name": ["王小明"] * 2, "birth": ["2014-03-05", "2013-03-05"]}),
            {"name": "name", "birth": "birth"},
        ),
        KEY,
    )
    assert dice(salted.filters, salted.filters, np.array([0]), np.array([1]))[0] < 0.6


def test_no_key_is_of_something_that_many_share(
    town: tuple[pa.Table, pa.Table], coded: tuple[Encoded, Encoded]
) -> None:
    for column in range(len(COMBINATIONS)):
        keys = coded[0].keys[:, column]
        assert max(Counter(keys[keys != 0].tolist()).values()) <= STANDARD.crowd
    twins = pa.table(
        {"name": ["杨明"] * 50, "birth": ["2014-03-05"] * 50, "sex": ["1"] * 50, "phone": ["12000000001"] * 50}
    )
    made = encode(read_persons(twins, {c: c for c in twins.column_names}), KEY)
    assert not made.keys.any()


def test_the_budget_is_checked_before_anything_is_joined(coded: tuple[Encoded, Encoded]) -> None:
    with pytest.raises(ContractError, match="budget"):
        match(*coded, pair_budget=10)
    a, _ = candidates(coded[0], coded[1], 20_000, np.random.default_rng(0))
    assert len(a) <= 20_000


def surnames_by_frequency(values: list[bytes], surnames: list[str], known: list[str], k: int) -> float:
    """Frequency attack: the commonest code is taken for the commonest surname, and so on; share of people exposed.

    Every person whose code is among the ``k`` commonest is assigned the surname of that rank in the public figures.
    """
    codes = [c for c, _ in Counter(values).most_common(k)]
    ranks = [s for s, _ in Counter(known).most_common(k)]
    guess = dict(zip(codes, ranks, strict=False))
    return sum(guess.get(v) == s for v, s in zip(values, surnames, strict=True)) / len(values)


def test_a_frequency_attack_on_surnames_fails_on_our_encodings() -> None:
    """Field-level filters of surnames fall to counting (Niedermeyer and others 2014; Christen and others 2018).

    The attacker knows the surname figures of another town of the same region, and has no key.
    """
    town, _ = make_town(6000, 11)
    public, _ = make_town(6000, 12)
    surname = [n[0] for n in town["name"].to_pylist()]
    known = [n[0] for n in public["name"].to_pylist()]
    plain = replace(STANDARD, salt="", hardening="", birth=0, crowd=10**9)
    field = encode(read_persons(pa.table({"name": surname}), {"name": "name"}), KEY, plain)
    broken = surnames_by_frequency([r.tobytes() for r in field.filters], surname, known, 18)
    ours = encode(read_persons(town, CLEAR), KEY)
    guesses = [surnames_by_frequency([r.tobytes() for r in ours.filters], surname, known, 18)]
    guesses += [
        surnames_by_frequency([k.tobytes() for k in ours.keys[:, c]], surname, known, 18)
        for c in range(len(COMBINATIONS))
    ]
    chance = sum((surname.count(s) / len(surname)) ** 2 for s in set(surname))
    print(f"surnames by frequency: field-level {broken:.3f}, ours at most {max(guesses):.3f}, chance {chance:.3f}")
    assert broken > 0.75
    assert max(guesses) < chance  # not even as good as guessing by the public figures alone


def bits_that_tell(filters: np.ndarray, member: np.ndarray) -> float:
    """Best single bit by which members of a group are told from others: share right beyond the majority's."""
    bits = np.unpackbits(filters.view(np.uint8), axis=1, bitorder="little").astype(bool)
    agree = (bits == member[:, None]).mean(axis=0)
    return float(np.maximum(agree, 1 - agree).max() - max(member.mean(), 1 - member.mean()))


def test_no_bit_tells_the_commonest_surname() -> None:
    """Pattern mining (Christen and others 2018) starts from bits that go with frequent tokens."""
    town, _ = make_town(4000, 13)
    member = np.array([n[0] == "杨" for n in town["name"].to_pylist()])
    found = {
        name: bits_that_tell(encode(read_persons(town, CLEAR), KEY, p).filters, member)
        for name, p in (("unhardened", replace(STANDARD, salt="", hardening="")), ("ours", STANDARD))
    }
    print({k: round(v, 3) for k, v in found.items()})
    assert found["unhardened"] > 0.1
    assert found["ours"] < 0.02


def test_encodings_travel_as_texts(coded: tuple[Encoded, Encoded]) -> None:
    number = np.random.default_rng(0).permutation(len(coded[0])) + 1
    table = to_table(coded[0], number)
    assert tuple(table.column_names) == COLUMNS
    back = from_table(table)
    order = np.argsort(number)
    assert np.array_equal(back.keys, coded[0].keys[order])
    assert np.array_equal(back.filters, coded[0].filters[order])
    for column, wrong in (("encoded_keys", "zz"), ("encoded_filter", "ab"), ("encoded_filter", None)):
        texts = table.column(column).to_pylist()
        texts[5] = wrong if wrong is None else wrong + texts[5][2:] if column == "encoded_keys" else wrong
        damaged = table.set_column(table.column_names.index(column), column, pa.array(texts))
        with pytest.raises(DeliveryError, match="damaged"):
            from_table(damaged)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mima123456",
        "00" * 32,
        "ab" * 32,
        bytes(range(32)).hex(),
        b"correct horse battery staple ok!".hex(),
        "1f" * 8,
        "姓名",
    ],
)
def test_weak_keys_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StorageError, match="cannot be used"):
        read_key(path)


def test_new_keys_are_random_private_and_never_written_over(tmp_path: Path) -> None:
    marks = {new_key(tmp_path / f"{i}.key") for i in range(20)}
    assert len(marks) == 20
    path = tmp_path / "0.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    key = read_key(path)
    assert key_mark(key) in marks
    assert key.hex() not in key_mark(key)
    with pytest.raises(StorageError, match="not written over"):
        new_key(path)
    with pytest.raises(StorageError, match="cannot be used"):
        read_key(tmp_path / "none.key")


@pytest.fixture
def office(tmp_path: Path, town: tuple[pa.Table, pa.Table]) -> Path:
    """A department's folder: a file with names, its contract, a key."""
    write_csv(town[1].slice(0, 300), tmp_path / "dibao.csv")
    (tmp_path / "dibao.toml").write_text(CONTRACT, encoding="utf-8")
    new_key(tmp_path / "key.txt")
    return tmp_path


def test_a_file_leaves_without_names(office: Path, town: tuple[pa.Table, pa.Table]) -> None:
    made = jobs.encode_file(office / "dibao.csv", office / "dibao.toml", office / "key.txt", office / "out")
    table = pq.read_table(made.leaves[0])
    assert tuple(table.column_names) == COLUMNS
    assert table.num_rows == 300
    for column in COLUMNS[1:]:
        assert all(re.fullmatch(r"[0-9a-f]+", t) for t in table.column(column).to_pylist())
    told = json.loads(made.leaves[1].read_text(encoding="utf-8"))
    assert told["rows"] == 300
    assert told["key_mark"] == key_mark(read_key(office / "key.txt"))
    secret = (office / "key.txt").read_text().strip()
    for path in made.leaves:
        content = path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        for row in town[1].slice(0, 300).to_pylist():
            for value in (row["name"], row["id_number"], row["phone"]):
                assert value is None or value.encode() not in content
        assert secret.encode() not in content
    # row numbers say nothing of the order of the file, and only the file that stays knows
    lines = made.stays.read_text().splitlines()[1:]
    order = [int(line.split(",")[-1].strip('"')) for line in lines]
    assert sorted(order) == list(range(1, 301))
    assert sum(a == i + 1 for i, a in enumerate(order)) < 15
    again = jobs.encode_file(office / "dibao.csv", office / "dibao.toml", office / "key.txt", office / "out2")
    assert again.leaves[0].read_bytes() == made.leaves[0].read_bytes()


def test_contracts_that_do_not_fit_are_refused(office: Path) -> None:
    text = (office / "dibao.toml").read_text(encoding="utf-8")
    for change, why in (
        (('concept = "name"', 'concept = "school_name"'), "identity number"),
        (('kind = "dibao"\nsubject = "self"', 'kind = "school_census"'), "whom a row is about"),
    ):
        changed = text.replace(*change)
        if "identity" in why:
            changed = changed.replace('concept = "id_no"', 'concept = "student_no"')
        (office / "dibao.toml").write_text(changed, encoding="utf-8")
        with pytest.raises(ContractError, match=why):
            jobs.encode_file(office / "dibao.csv", office / "dibao.toml", office / "key.txt", office / "out")
    assert not (office / "out").exists()


def test_a_contract_of_encodings_lets_no_name_through(office: Path) -> None:
    from commonground.intake import load_contract

    made = jobs.encode_file(office / "dibao.csv", office / "dibao.toml", office / "key.txt", office / "out")
    contract = made.leaves[2]
    assert load_contract(contract).kind.name == "encoded_people"
    plain = contract.read_text(encoding="utf-8")
    for more, why in (
        ('\n[[column]]\nsource = "姓名"\nconcept = "name"\n', "may not stand"),
        ('\n[[column]]\nsource = "姓名"\nignore = { zh = "不用", en = "not used" }\n', "no other columns"),
    ):
        contract.write_text(plain + more, encoding="utf-8")
        with pytest.raises(ContractError, match=why):
            load_contract(contract)
    contract.write_text(plain, encoding="utf-8")
    with pytest.raises(ContractError, match="encodings already"):
        jobs.encode_file(made.leaves[0], contract, office / "key.txt", office / "out2")
