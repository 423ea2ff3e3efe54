"""What is inside a .zip or .gz: listed with real names, refused where it is unsafe, unpacked one file at a time.

Nothing is written under a name that an archive gives; a member is unpacked into a private folder (mode 0700) under a
name of our own, in bounded memory, and is gone when it has been read.
"""

from __future__ import annotations

import contextlib
import errno
import gzip
import re
import stat
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from commonground.city import City
from commonground.errors import DeliveryError, Said

PREFIX = "commonground-"
SUFFIXES = (".zip", ".gz")
_CHUNK = 1 << 20
_DAMAGE = (zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError)
_HAN = re.compile("[\u4e00-\u9fff]")


@dataclass(frozen=True)
class ArchiveLimits:
    """How much an archive may hold before it counts as a bomb.

    Attributes
    ----------
    ratio : int
        Unpacked size to packed size; tables of a department rarely reach 50, a bomb has thousands.
    free : int
        Bytes under which the ratio is not looked at: small files of blanks are no danger.
    total : int
        Bytes of all members together.
    members : int
        Number of members.
    """

    ratio: int = 300
    free: int = 100 * 1024**2
    total: int = 50 * 1024**3
    members: int = 20_000


LIMITS = ArchiveLimits()


def limits_of(city: City) -> ArchiveLimits:
    """Give the limits that a city has set."""
    settings = city.settings.intake
    return ArchiveLimits(ratio=settings.archive_ratio, total=int(settings.archive_bytes))


@dataclass(frozen=True)
class Member:
    """A file in an archive: name with ``/`` between folders, place (two numbers in a nested archive) and size."""

    name: str
    place: tuple[int, ...]
    size: int


def list_members(path: Path, limits: ArchiveLimits = LIMITS) -> list[Member]:
    """List the files in an archive, those of archives inside it too (one level).

    Raises
    ------
    DeliveryError
        Locked with a password, damaged, too large unpacked, or with names that lead out of the folder.
    """
    if path.suffix.lower() == ".gz":
        return [Member(path.stem, (), -1)]
    out = []
    for member in _list_zip(path, path, limits):
        if member.name.lower().endswith(".zip"):
            with unpacked(path, member.place, limits=limits) as inner:
                shown = path / member.name
                for one in _list_zip(inner, shown, limits):
                    out.append(Member(f"{member.name}/{one.name}", (*member.place, *one.place), one.size))
        else:
            out.append(member)
    return out


@contextlib.contextmanager
def unpacked(path: Path, place: tuple[int, ...], suffix: str = "", limits: ArchiveLimits = LIMITS) -> Iterator[Path]:
    """Unpack one member into a private folder for as long as the block lasts.

    Raises
    ------
    DeliveryError
        The member is damaged, or longer than it may be.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
        found = folder / f"member{suffix}"
        with _damage(path), found.open("wb") as out:
            if not place:
                with gzip.open(path) as source:
                    _copy(source, out, path, limits, path.stat().st_size)
            else:
                inner = path
                for depth, number in enumerate(place):
                    target = out if depth == len(place) - 1 else stack.enter_context((folder / "inner.zip").open("wb"))
                    with zipfile.ZipFile(inner) as archive:
                        info = archive.infolist()[number]
                        with archive.open(info) as source:
                            _copy(source, target, path, limits, info.compress_size)
                    target.flush()
                    inner = folder / "inner.zip"
        yield found


def check_workbook(path: Path, limits: ArchiveLimits = LIMITS) -> None:
    """Refuse a workbook (xlsx, xlsb, ods: zips by nature) that would unpack beyond all measure.

    Raises
    ------
    DeliveryError
        It is a bomb.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(archive.infolist(), path, path, limits)
    except _DAMAGE:
        return  # not a zip: the reader of the format says what it is instead


def _list_zip(path: Path, shown: Path, limits: ArchiveLimits) -> list[Member]:
    with _damage(shown), zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
    _check_size(infos, path, shown, limits)
    names = _names(infos)
    for name, info in zip(names, infos, strict=True):
        _check_safe(name, info, shown)
    files = [(i, name, info) for i, (name, info) in enumerate(zip(names, infos, strict=True)) if name[-1:] != "/"]
    for name, times in Counter(name for _, name, _ in files).items():
        if times > 1:
            raise _refused(
                shown,
                Said(f"压缩包里有 {times} 个文件同名。", f"{times} files in the archive have one name."),
                Said(f"“{name}”不知道以哪一个为准。", f"Nobody knows which “{name}” holds."),
            )
    return [Member(name, (i,), info.file_size) for i, name, info in files]


def _check_size(infos: list[zipfile.ZipInfo], path: Path, shown: Path, limits: ArchiveLimits) -> None:
    total, packed = sum(info.file_size for info in infos), path.stat().st_size
    if total > limits.total or len(infos) > limits.members or (total > limits.free and total > limits.ratio * packed):
        raise _bomb(shown, total, packed, len(infos), limits)


def _check_safe(name: str, info: zipfile.ZipInfo, shown: Path) -> None:
    parts = name.split("/")
    if name.startswith("/") or re.match("[A-Za-z]:", name) or ".." in parts or "\0" in name:
        raise _refused(
            shown,
            Said("压缩包里的文件名指向文件夹之外。", "A name in the archive leads out of its folder."),
            Said(f"“{name[:80]}”会写到别处；这样的压缩包不可信。", f"“{name[:80]}” would be written elsewhere."),
        )
    mode = info.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(
            shown,
            Said("压缩包里有链接或特殊文件。", "The archive holds a link or a special file."),
            Said(f"“{name[:80]}”不是普通文件。", f"“{name[:80]}” is no ordinary file."),
        )
    if info.flag_bits & 0x1:
        raise _refused(
            shown,
            Said("压缩包加了密码。", "The archive is locked with a password."),
            Said("程序不保管别人的密码。", "No password of others is kept here."),
            Said("请在本机解开，把里面的文件放入同一文件夹。", "Unpack it yourself and put its files into the folder."),
        )


def _names(infos: list[zipfile.ZipInfo]) -> list[str]:
    """Give the members' names as they were meant.

    A zip says only whether a name is UTF-8. Chinese Windows writes its own code page without saying so, macOS writes
    UTF-8 without saying so. UTF-8 is certain where all bytes obey its rules; else GB18030 is taken where it gives Han
    characters.
    """
    raw = [None if info.flag_bits & 0x800 else info.orig_filename.encode("cp437", "replace") for info in infos]
    unsaid = [name for name in raw if name is not None and not name.isascii()]
    encoding = next((e for e in ("utf-8", "gb18030") if all(_fits(name, e) for name in unsaid)), "cp437")
    out = []
    for info, name in zip(infos, raw, strict=True):
        text = info.orig_filename if name is None else name.decode(encoding, "replace")
        out.append(re.sub(r"^(?:\./+)+", "", text.replace("\\", "/")))
    return out


def _fits(name: bytes, encoding: str) -> bool:
    try:
        text = name.decode(encoding)
    except UnicodeDecodeError:
        return False
    return encoding == "utf-8" or _HAN.search(text) is not None


def _copy(source: IO[bytes] | gzip.GzipFile, out: IO[bytes], shown: Path, limits: ArchiveLimits, packed: int) -> None:
    """Copy in pieces; stop a stream that grows beyond what its size on disk can honestly hold."""
    done = 0
    while piece := source.read(_CHUNK):
        done += len(piece)
        if done > limits.total or (done > limits.free and done > limits.ratio * max(packed, 1)):
            raise _bomb(shown, done, packed, 1, limits)
        out.write(piece)


@contextlib.contextmanager
def _damage(shown: Path) -> Iterator[None]:
    """Turn what the libraries say about a damaged archive into words; a full disk stays what it is."""
    try:
        yield
    except _DAMAGE as fault:
        if isinstance(fault, OSError) and fault.errno not in (
            None,
            errno.EINVAL,
        ):  # a place before the file's beginning
            raise
        short = f"{type(fault).__name__}: {str(fault)[:120]}"
        raise _refused(
            shown,
            Said("压缩包损坏，或用了不支持的压缩方法。", "The archive is damaged, or packed in a way not known here."),
            Said(f"解压时出错（{short}）。", f"Unpacking failed ({short})."),
            Said("请部门重新打包（普通 zip）再交。", "Ask for it again, as an ordinary zip."),
        ) from None


def _bomb(shown: Path, total: int, packed: int, members: int, limits: ArchiveLimits) -> DeliveryError:
    times = total // max(packed, 1)
    return _refused(
        shown,
        Said("压缩包解开后大得不正常，没有解开。", "The archive would unpack beyond all measure; it was not unpacked."),
        Said(
            f"{packed:,} 字节解开后至少 {total:,} 字节（{times:,} 倍，{members:,} 个文件）；上限是 {limits.ratio} 倍、"
            f"{limits.total:,} 字节、{limits.members:,} 个文件。这是“压缩炸弹”的特征。",
            f"{packed:,} bytes would become at least {total:,} ({times:,} times, {members:,} files); the limits are "
            f"{limits.ratio} times, {limits.total:,} bytes, {limits.members:,} files. A “zip bomb” looks like this.",
        ),
        Said(
            "如确是部门的数据，请在本机解开，把文件放入同一文件夹。",
            "If it truly is the department's data, unpack it yourself and put the files into the folder.",
        ),
    )


def _refused(shown: Path, what: Said, why: Said, todo: Said | None = None) -> DeliveryError:
    again = Said("请部门重新打包再交。", "Ask the department to pack and deliver it again.")
    return DeliveryError(what, where=str(shown), why=why, todo=todo or again)
