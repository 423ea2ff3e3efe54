"""Files inside .zip and .gz count as files of the delivery; what is unsafe is refused with the reason."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest

from commonground.errors import DeliveryError
from commonground.intake import IntakeResult, run
from commonground.intake.archives import ArchiveLimits, list_members, unpacked
from formats_kit import packed, xlsb
from intake_kit import HEAD, Town, column

NAME = column("姓名", "name")
GB = '\n[[layout]]\nfiles = "*.csv"\nformat = "csv"\nencoding = "gb18030"\n'
A, B = "姓名\n甲\n乙\n".encode("gb18030"), "姓名\n丙\n".encode("gb18030")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    made = Town(tmp_path)
    made.contract(NAME, layout=GB)
    return made


def files(result: IntakeResult) -> list[tuple[str, str, int]]:
    return [(row["file"], row["status"], row["records"]) for row in result.conservation.to_pylist()]


def refused(town: Town, *words: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        run(town.city())
    said = caught.value.message("zh") + caught.value.message("en")
    for word in words:
        assert word in said, f"{word} not in\n{said}"
    assert caught.value.todo is not None
    assert not list(Path(tempfile.gettempdir()).iterdir())


def test_members_are_files_with_their_own_rows(town: Town) -> None:
    inner = packed({"深/层.csv": B})
    town.deliver(packed({"./学校/a.csv": A, "b.zip": inner, "空.csv": b"", "folder/": b""}), "x.zip")
    town.deliver(gzip.compress(A + "丁\n".encode("gb18030")), "c.csv.gz")
    result = run(town.city())
    assert files(result) == [
        ("c.csv.gz/c.csv", "read", 3),
        ("x.zip/b.zip/深/层.csv", "read", 1),
        ("x.zip/学校/a.csv", "read", 2),
        ("x.zip/空.csv", "empty", 0),
    ]
    assert result.tables["edu.pupils"]["name"].to_pylist() == ["甲", "乙", "丁", "丙", "甲", "乙"]
    assert run(town.city()).tables["edu.pupils"].num_rows == 6


def test_a_zip_of_workbooks_and_its_contract_globs(town: Town) -> None:
    layout = '\n[[layout]]\nfiles = "*.zip/七年级*.xlsb"\nformat = "xlsb"\nfile_pattern = "(?P<grade>.)年级"\n'
    town.contract(NAME, column("@grade", "class"), layout=layout)
    town.deliver(packed({"七年级.xlsb": xlsb({"S": [["姓名"], ["甲"]]})}), "x.zip")
    table = run(town.city()).tables["edu.pupils"]
    assert table.select(["name", "class", "file"]).to_pylist() == [
        {"name": "甲", "class": "七", "file": "x.zip/七年级.xlsb"}
    ]


@pytest.mark.parametrize(("encoding", "flag"), [("gbk", 0), ("utf-8", 0), ("utf-8", 0x800)])
def test_names_as_they_were_meant(town: Town, encoding: str, flag: int) -> None:
    name = "学籍表（东区）.csv"
    content = packed({"x" * len(name.encode(encoding)): A})
    content = content.replace(b"x" * len(name.encode(encoding)), name.encode(encoding))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(mark) + at
        content = content[:place] + struct.pack("<H", flag) + content[place + 2 :]
    town.deliver(content, "x.zip")
    assert files(run(town.city())) == [(f"x.zip/{name}", "read", 2)]


def test_litter_is_listed_and_not_read(town: Town) -> None:
    town.deliver(packed({"a.csv": A, "__MACOSX/._a.csv": b"\0\1", "Thumbs.db": b"x"}), "x.zip")
    town.deliver(b"junk", ".DS_Store")
    town.deliver(b"junk", "~$a.xlsx")
    town.deliver(b"junk", "../../../.DS_Store")
    found = run(town.city()).conservation.select(["file", "status", "rows", "sha256"]).to_pylist()
    assert [(row["file"], row["status"]) for row in found] == [
        (".DS_Store", "ignored"),
        (".DS_Store", "ignored"),
        ("x.zip/Thumbs.db", "ignored"),
        ("x.zip/__MACOSX/._a.csv", "ignored"),
        ("x.zip/a.csv", "read"),
        ("~$a.xlsx", "ignored"),
    ]
    assert [bool(row["sha256"]) for row in found] == [False, False, False, False, True, False]


def test_an_ignored_archive_is_not_opened(town: Town) -> None:
    town.contract(
        NAME, layout=GB, head=HEAD + 'ignore = [{ files = "*.zip", reason = { zh = "照片", en = "photos" } }]\n'
    )
    town.deliver(b"no zip at all", "x.zip")
    town.deliver(A, "a.csv")
    assert files(run(town.city())) == [("a.csv", "read", 2), ("x.zip", "ignored", 0)]


@pytest.mark.parametrize(
    "name", ["../a.csv", "x/../../a.csv", "/etc/a.csv", "C:\\a.csv", "..\\a.csv", "x/..\\..\\a.csv"]
)
def test_names_that_lead_elsewhere(town: Town, name: str) -> None:
    town.deliver(packed({"ok.csv": A, name: A}), "x.zip")
    refused(town, "x.zip", "a.csv", "文件夹之外")


def test_links_in_an_archive(town: Town) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    town.deliver(out.getvalue(), "x.zip")
    refused(town, "x.zip", "a.csv", "link")


def test_a_locked_archive(town: Town) -> None:
    content = packed({"a.csv": A})
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = content.index(mark) + at
        content = content[:place] + b"\x01" + content[place + 1 :]
    town.deliver(content, "x.zip")
    refused(town, "x.zip", "密码", "password")


def test_two_members_of_one_name(town: Town) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", A)
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("a.csv", B)
    town.deliver(out.getvalue(), "x.zip")
    refused(town, "x.zip", "a.csv", "同名")


def test_damage(town: Town) -> None:
    content = packed({"a.csv": A * 400})
    spoilt = bytearray(content)
    spoilt[45] ^= 0xFF
    town.deliver(bytes(spoilt), "x.zip")
    refused(town, "x.zip", "damaged")
    town.deliver(content[: len(content) // 2], "x.zip")
    refused(town, "x.zip", "damaged")
    town.deliver(b"no zip at all", "x.zip")
    refused(town, "x.zip", "damaged")
    (town.deliveries / "edu/pupils/2025-09-10/x.zip").unlink()
    town.deliver(gzip.compress(A * 400)[:-10], "a.csv.gz")
    refused(town, "a.csv.gz", "damaged")
    town.deliver(gzip.compress(A * 400)[:-8] + b"12345678", "a.csv.gz")
    refused(town, "a.csv.gz", "damaged")


def test_a_crc_that_does_not_fit(town: Town) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", A)
    content = out.getvalue().replace("甲".encode("gb18030"), "丁".encode("gb18030"))
    town.deliver(content, "x.zip")
    refused(town, "x.zip", "CRC")


def test_a_bomb_is_refused_before_it_is_unpacked(town: Town) -> None:
    town.deliver(packed({"a.csv": b"0" * (110 * 1024**2)}), "x.zip")
    refused(town, "x.zip", "300", "zip bomb")
    (town.deliveries / "edu/pupils/2025-09-10/x.zip").unlink()
    town.deliver(gzip.compress(b"0" * (110 * 1024**2), 9), "a.csv.gz")
    refused(town, "a.csv.gz", "300", "zip bomb")


def test_a_city_may_set_its_own_limits(town: Town) -> None:
    town.deliver(packed({"a.csv": A * 300}), "x.zip")
    settings = town.folder / "city.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '\n[intake]\narchive = "1KB"\n', encoding="utf-8")
    refused(town, "x.zip", "1,024")


def test_limits(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(packed({f"{i}.csv": A for i in range(5)}))
    with pytest.raises(DeliveryError, match="5 files"):
        list_members(path, ArchiveLimits(members=4))
    with pytest.raises(DeliveryError, match="limits are"):
        list_members(path, ArchiveLimits(total=20))
    lying = path.read_bytes().replace(struct.pack("<I", len(A)), struct.pack("<I", 3))
    path.write_bytes(lying)
    with pytest.raises(DeliveryError), unpacked(path, (0,)):
        pytest.fail("a member longer than it says was unpacked")


def test_unpacked_files_are_private_and_short_lived(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(packed({"a.csv": A}))
    (member,) = list_members(path)
    with unpacked(path, member.place, ".csv") as found:
        assert stat.S_IMODE(found.parent.stat().st_mode) == 0o700
        assert found.read_bytes() == A
        assert found.suffix == ".csv"
    assert not found.parent.exists()


def test_a_bad_file_in_an_archive_is_named_as_it_was_delivered(town: Town) -> None:
    town.deliver(packed({"b/a.csv": "姓名\n王小明王小明王小明\n".encode()}), "x.zip")
    refused(town, "x.zip/b/a.csv", "utf-8")
    town.contract(NAME, layout='\n[[layout]]\nformat = "xlsx"\n')
    town.deliver(packed({"b/a.xlsx": b"rubbish"}), "x.zip")
    refused(town, "x.zip/b/a.xlsx")


def test_a_layout_file_beside_the_member_or_beside_the_archive(town: Town) -> None:
    layout = GB.replace("*.csv", "*.txt") + 'separator = "|"\nlayout_file = "说明.txt"\n'
    town.contract(NAME, column("班级", "class"), layout=layout)
    rows, told = "甲|1\n".encode("gb18030"), "01 姓名\n02 班级\n".encode("gb18030")
    town.deliver(packed({"a.txt": rows, "说明.txt": told}), "x.zip")
    result = run(town.city())
    assert result.tables["edu.pupils"].select(["name", "class"]).to_pylist() == [{"name": "甲", "class": "1"}]
    assert files(result) == [("x.zip/a.txt", "read", 1), ("x.zip/说明.txt", "ignored", 0)]
    town.deliver(packed({"a.txt": rows}), "x.zip")
    town.deliver("01 班级\n02 姓名\n".encode("gb18030"), "说明.txt")
    result = run(town.city())
    assert result.tables["edu.pupils"].select(["name", "class"]).to_pylist() == [{"name": "1", "class": "甲"}]
