"""What may stand in a delivery's folder: plain files of that folder, with names that can be shown and kept.

A link may lead to a file that is nobody's delivery, and reading a pipe waits for ever. Either is refused by name,
neither read nor passed over in silence.
"""

from __future__ import annotations

import re
from pathlib import Path

from commonground.errors import DeliveryError, Said

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def check_place(path: Path, folder: Path) -> None:
    """Refuse what is no plain file of a dataset's folder.

    Raises
    ------
    DeliveryError
        A link that leads out of the folder or nowhere; a pipe, device or socket; a name with control characters or one
        that is not UTF-8.
    """
    if _CONTROL.search(str(path.relative_to(folder))):
        raise _refused(
            path,
            Said(
                "文件名里有看不见的控制字符，或不是 UTF-8。", "A file's name holds control characters, or is not UTF-8."
            ),
            Said("这样的文件名无法准确显示和记账。", "Such a name can be neither shown nor kept."),
            Said("请改名后再交。", "Rename the file."),
        )
    if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
        raise _refused(
            path,
            Said("交付文件夹里有通向别处的链接。", "A link in the delivery's folder leads out of it."),
            Said("链接的目标不是交付的文件，程序不读。", "What it leads to was not delivered and is not read."),
            Said("请把文件本身放入文件夹，删去链接。", "Put the file itself there and remove the link."),
        )
    if not path.is_file() and not path.is_dir():
        raise _refused(
            path,
            Said("交付文件夹里有一项不是普通文件。", "Something in the delivery's folder is no ordinary file."),
            Said("可能是断开的链接、管道、设备或套接字。", "It may be a broken link, a pipe, a device or a socket."),
            Said("请把它删去或移走。", "Remove it."),
        )


def _refused(path: Path, what: Said, why: Said, todo: Said) -> DeliveryError:
    shown = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(path))
    return DeliveryError(what, where=shown, why=why, todo=todo)
