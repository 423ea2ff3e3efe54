"""Files that stay as they are while they are read, and one intake at a time.

A record must belong to the file whose hash is kept beside it. A file that somebody replaces between hashing and reading
would break that without a word.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from commonground import files
from commonground.city import City
from commonground.errors import DeliveryError, Said
from commonground.intake.deliveries import Delivered

Stamp = tuple[int, int, int]


def one_intake(city: City) -> AbstractContextManager[None]:
    """Let other processes that take in the same city wait: each would sweep away what the other just wrote."""
    return files.alone(city.vault / ".intake")


def stamp(found: Delivered) -> Stamp:
    """Give size, time and number of a file or of the archive that it is in.

    Raises
    ------
    DeliveryError
        It is gone, or may not be looked at.
    """
    with opening(found):
        told = (found.archive or found.path).stat()
    return told.st_size, told.st_mtime_ns, told.st_ino


def check_unchanged(stamps: Iterable[tuple[Delivered, Stamp]]) -> None:
    """Refuse when a file changed since its stamp was taken.

    Raises
    ------
    DeliveryError
        One did, or is gone.
    """
    for found, before in stamps:
        if stamp(found) != before:
            raise DeliveryError(
                Said("文件在读取过程中被改动。", "The file changed while it was being read."),
                where=str(found.path),
                why=Said("读到的内容可能一半旧一半新。", "What was read may be half old and half new."),
                todo=Said("请等文件写完再运行一次。", "Wait until it is written, and run again."),
            )


@contextlib.contextmanager
def opening(found: Delivered) -> Iterator[None]:
    """Say by name which delivered file cannot be opened; what other files do is not touched.

    Raises
    ------
    DeliveryError
        The file is gone, may not be read, or the disk fails.
    """
    try:
        yield
    except OSError as fault:
        if str(fault.filename or "") not in (str(found.path), str(found.archive)):
            raise
        gone = isinstance(fault, FileNotFoundError)
        text = Said("文件不在了。", "The file is gone.") if gone else Said("文件打不开。", "The file cannot be opened.")
        raise DeliveryError(
            text,
            where=str(found.path),
            why=Said(f"系统说：{fault.strerror}。", f"The system says: {fault.strerror}."),
            todo=Said(
                "请检查文件是否被移走、有没有读取权限、磁盘是否正常，再运行一次。",
                "See whether it was moved, may be read, and the disk is sound; then run again.",
            ),
        ) from None
