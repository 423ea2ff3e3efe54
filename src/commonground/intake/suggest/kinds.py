"""Which format a file has, by its content and not by its name; what cannot be read is said with what to do."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from commonground.errors import DeliveryError, Said
from commonground.intake.readers.spreadsheet import LOCKED, locked, web_page
from commonground.intake.suggest.sample import size_of

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAS = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_PLAIN = (
    (b"PAR1", "parquet"),
    (b"$FL2", "sav"),
    (b"$FL3", "sav"),
    (b"<stata_dta>", "dta"),
    (b"HEADER RECORD*******LIB", "xpt"),
    (b"\x1f\x8b", "gz"),
)
_REFUSED: tuple[tuple[bytes, Said], ...] = (
    (b"%PDF", Said("PDF 文件", "a PDF document")),
    (b"Rar!", Said("RAR 压缩包", "a RAR archive")),
    (b"7z\xbc\xaf", Said("7z 压缩包", "a 7z archive")),
    (b"\x89PNG", Said("图片", "a picture")),
    (b"\xff\xd8\xff", Said("图片", "a picture")),
    (b"SQLite format 3\0", Said("SQLite 数据库", "an SQLite database")),
    (b"{\\rtf", Said("RTF 文档", "an RTF document")),
)


def format_of(path: Path) -> str:
    """Give the format as a contract names it ("text" for text of any kind, which is looked at further).

    Raises
    ------
    DeliveryError
        The file is empty, of a kind that holds no table, protected by a password, or damaged.
    """
    size_of(path)
    with path.open("rb") as file:
        head = file.read(64 * 1024)
    suffix = path.suffix.lower()
    for magic, said in _REFUSED:
        if head.startswith(magic):
            raise refused(path, said)
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _in_zip(path)
    if head.startswith(_OLE):
        return _in_ole(path)
    for magic, kind in _PLAIN:
        if head.startswith(magic):
            return kind
    if suffix == ".dta" and head[:1] in (b"\x71", b"\x72", b"\x73"):
        return "dta"
    if _SAS in head[:64]:
        return "sas7bdat"
    if re.match(rb"\x00\x01\x00\x00Standard (Jet|ACE) DB", head):
        return "access"
    if suffix == ".dbf" and _is_dbf(head):
        return "dbf"
    return "text"


def _in_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "xl/workbook.xml" in names:
                return "xlsx"
            if "xl/workbook.bin" in names:
                return "xlsb"
            if "mimetype" in names and b"spreadsheet" in archive.read("mimetype")[:100]:
                return "ods"
            if "word/document.xml" in names:
                raise refused(path, Said("Word 文档", "a Word document"))
    except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError):
        raise DeliveryError(
            Said("文件不完整。", "The file is not whole."),
            where=str(path),
            why=Said(
                "开头是工作簿或压缩包，但结尾的目录缺失，多半是复制或下载中断。",
                "It begins like a workbook or archive, but the directory at its end is missing: a copy that broke off.",
            ),
            todo=Said("请重新复制，或请部门重新交付。", "Copy it again, or ask the department for it."),
        ) from None
    return "zip"


def _in_ole(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(16 * 1024 * 1024)
    if LOCKED in content:
        raise locked(path)
    if any(name.encode("utf-16-le") in content for name in ("Workbook", "Book")):
        return "xls"
    raise refused(path, Said("Word 等旧式 Office 文档", "an old Office document that is no workbook"))


def _is_dbf(head: bytes) -> bool:
    """A dBase header: a known version, a date that exists, a header length that holds whole fields."""
    if len(head) < 33 or head[0] not in (0x02, 0x03, 0x30, 0x31, 0x32, 0x43, 0x63, 0x83, 0x8B, 0xCB, 0xF5, 0xFB):
        return False
    return 1 <= head[2] <= 12 and 1 <= head[3] <= 31 and int.from_bytes(head[8:10], "little") >= 33


def check_text(path: Path, text: str) -> None:
    """Refuse text that is a page or a workbook in disguise.

    Raises
    ------
    DeliveryError
        A web page saved as .xls, or an XML workbook of 2003.
    """
    start = text[:4000].lstrip("\ufeff \r\n\t").lower()
    if start.startswith("<?xml") and "urn:schemas-microsoft-com:office:spreadsheet" in start:
        raise refused(path, Said("2003 版 XML 表格", "an XML workbook of 2003"), resave=True)
    if re.match(r"<!doctype html|<html|<table|<meta|<head", start) or ("<table" in start and "<tr" in start):
        raise web_page(path)
    if start.startswith("<?xml"):
        raise refused(path, Said("XML 文件", "an XML file"))
    if start.startswith("mime-version:"):
        raise refused(path, Said("单个文件网页（MHT）", "a web archive (MHT)"), resave=True)


def text_format(text: str) -> str:
    """Tell JSON, GeoJSON and SQL dumps from separated text ("csv")."""
    start = text[:20_000].lstrip("\ufeff \r\n\t")
    if start.startswith("{"):
        if re.search(r'"type"\s*:\s*"FeatureCollection"', start[:2000]):
            return "geojson"
        lines = [line for line in start.splitlines()[:20] if line.strip()]
        if all(line.lstrip().startswith("{") for line in lines[:-1] or lines):
            return "jsonl"
    if re.match(r"\[\s*\{", start):
        return "json"
    if re.match(r"(--|/\*|SET |DROP |CREATE |INSERT |BEGIN|USE |LOCK )", start) and re.search(
        r"\b(CREATE TABLE|INSERT INTO|COPY )", start + text[20_000:200_000], re.IGNORECASE
    ):
        return "sql"
    return "csv"


def refused(path: Path, said: Said, *, resave: bool = False) -> DeliveryError:
    """Make the error for a file that holds no table that can be read."""
    todo = (
        Said(
            "请用 Excel 或 WPS 打开，另存为“Excel 工作簿 (.xlsx)”后再试。",
            "Open it in Excel or WPS and save it as an Excel workbook (.xlsx).",
        )
        if resave
        else Said(
            "请部门以表格交付：xlsx、csv、dbf 等。", "Ask the department for a table: xlsx, csv, dbf or the like."
        )
    )
    return DeliveryError(
        Said(f"这是{said.zh}，不是可以读取的表格。", f"This is {said.en}, no table that can be read."),
        where=str(path),
        todo=todo,
    )


def binary(path: Path) -> DeliveryError:
    """Make the error for content that is neither text nor a format that is known."""
    return DeliveryError(
        Said("文件不是文本，也不是认识的表格格式。", "The file is neither text nor a known kind of table."),
        where=str(path),
        why=Said(
            "内容里有大量控制字符，或任何常见编码都解不开。",
            "It is full of control characters, or no usual encoding decodes it.",
        ),
        todo=Said(
            "请用原来的软件打开检查，或请部门重新交付。", "Open it with the program that made it, or ask for it again."
        ),
    )
