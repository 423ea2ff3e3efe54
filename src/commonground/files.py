"""Writing files so that a failure leaves what was there, one process at a time, and telling why writing failed."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from commonground.errors import Said, StorageError


def write_atomically(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write ``content`` beside ``path``, flush it to disk where it must be ``durable``, and rename it into place."""
    beside = path.with_name(path.name + ".tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError:
        beside.unlink(missing_ok=True)  # a half file on a full disk would keep it full
        raise


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let other processes that ask for the same ``lock`` wait until this one is through; a killed one leaves it free.

    Not to be held twice by one process.

    Raises
    ------
    StorageError
        The lock's folder cannot be made, or the lock not written.
    """
    with storage_errors(lock):
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def storage_errors(where: Path, *, chosen: bool = False) -> Iterator[None]:
    """Turn a full disk, a read-only folder or a missing permission into a StorageError.

    With ``chosen`` the path is one that the user gave, so that any other failure to write there is theirs to mend.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = Said("磁盘已满，没有写完。", "The disk is full; writing was not finished.")
            todo = Said(
                "清出空间后再运行一次；原来的版本没有改动。",
                "Free some space and run again; the previous version is untouched.",
            )
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            what = Said("没有写入权限。", "There is no permission to write here.")
            todo = Said(
                "请检查文件夹的权限；原来的版本没有改动。",
                "Check the folder's permissions; the previous version is untouched.",
            )
        elif error.errno in (errno.EFBIG, errno.EIO):
            what = Said("文件写不进去。", "The file could not be written.")
            todo = Said(
                "请检查磁盘和文件大小的限制；原来的版本没有改动。",
                "Check the disk and the limits on the size of files; the previous version is untouched.",
            )
        elif chosen:
            what = Said("这个位置不能写入。", "Nothing can be written here.")
            todo = Said("请检查路径，或换一个位置。", "Check the path, or choose another place.")
        else:
            raise
        raise StorageError(
            what, where=str(error.filename or where), why=Said(str(error), str(error)), todo=todo
        ) from error
