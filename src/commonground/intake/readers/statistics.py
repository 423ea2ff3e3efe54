"""SPSS, Stata and SAS files, with their value labels and the titles of their variables."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from commonground.errors import DeliveryError, Said
from commonground.intake.archives import PREFIX
from commonground.intake.model import Layout, Limits, Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text
from commonground.intake.readers.transport import count_rows

_READERS = {"sav": "read_sav", "dta": "read_dta", "sas7bdat": "read_sas7bdat", "xpt": "read_xport"}
_ROWS = 50_000
_COUNT = 80  # where an SPSS file says how many rows it has


def read_statistics(path: Path, layout: Layout, _limits: Limits) -> Iterator[Sheet]:
    """Read a SAV, DTA, SAS7BDAT or XPT file part by part.

    Value labels come along, so that they can be held against the contract's codes. ``encoding`` of the layout holds for
    old files that do not say theirs (Stata before 14, SAS without an encoding).

    Raises
    ------
    DeliveryError
        It is damaged, of another format, or its texts are in another encoding.
    """
    import pyreadstat

    reader: Callable[..., Any] = getattr(pyreadstat, _READERS[layout.format])
    options: dict[str, Any] = {"output_format": "dict"}
    if layout.encoding:
        options["encoding"] = layout.encoding.upper()
    if layout.format == "sav":
        options["user_missing"] = True
    try:
        counted = count_rows(path) if layout.format == "xpt" else None
        done, more = 0, True
        while more:
            data, meta = reader(str(path), row_offset=done, row_limit=_ROWS, **options)
            names = tuple(data) or tuple(meta.column_names)
            rows = len(data[names[0]]) if data else 0
            more = rows == _ROWS
            told = meta.number_rows if counted is None else counted
            if counted is not None and not more and done + rows != counted:
                raise ValueError(
                    f"its length tells {counted:,} rows, {done + rows:,} could be read; or it is two datasets"
                )
            # the number that the file tells is held against what was read; an old Stata file may tell none
            total = rows if told is None else 0 if more else int(told)
            yield _sheet(data, meta, names, done, total, more)
            done += rows
        if layout.format == "sav":
            _refuse_more(path, done, options)
    except UnicodeDecodeError:
        raise _encoding(path, layout) from None
    except (pyreadstat.ReadstatError, ValueError, OSError, OverflowError, TypeError) as fault:
        if "convert" in str(fault) and "encoding" in str(fault):
            raise _encoding(path, layout) from None
        raise unreadable(path, layout.format, fault) from None


def _refuse_more(path: Path, done: int, options: dict[str, Any]) -> None:
    """Refuse an SPSS file with more rows than its header says: the library stops at that number without a word.

    A copy whose header says that the number is not known is asked for one row more.
    """
    import pyreadstat

    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        copy = Path(folder) / "copy.sav"
        shutil.copyfile(path, copy)
        with copy.open("r+b") as file:
            file.seek(_COUNT)
            file.write(b"\xff" * 4)
        try:
            data, _ = pyreadstat.read_sav(str(copy), row_offset=done, row_limit=1, **options)
        except (pyreadstat.ReadstatError, ValueError, OSError, OverflowError):
            return  # what follows the rows is no row
    if any(data.values()):
        raise unreadable(path, "sav", ValueError(f"the header says {done:,} rows, and more follow"))


def _sheet(data: dict[str, list[Any]], meta: Any, names: tuple[str, ...], done: int, total: int, more: bool) -> Sheet:
    import numpy as np
    import pyarrow as pa

    columns, mended, rows = [], 0, 0
    for name in names:
        texts = [cell_text(value) for value in data.get(name, ())]
        held = [i for i, text in enumerate(texts) if CONTROL.search(text)]
        for i in held:
            texts[i] = CONTROL.sub("", texts[i])
        mended += len(held)
        rows = len(texts)
        columns.append(pa.array(texts, pa.string()))
    labels = {
        name: {cell_text(value): str(label) for value, label in values.items()}
        for name, values in meta.variable_value_labels.items()
    }
    titles = {name: str(text) for name, text in meta.column_names_to_labels.items() if text}
    return Sheet(
        "",
        [],
        [],
        total,
        names=names,
        labels=labels,
        notes={"control_characters": mended},
        columns=tuple(columns),
        places=np.arange(done + 1, done + 1 + rows, dtype=np.int64),
        more=more,
        titles=titles,
    )


def _encoding(path: Path, layout: Layout) -> DeliveryError:
    said = layout.encoding or "UTF-8"
    return DeliveryError(
        Said(f"文件里的文字不是 {said} 编码。", f"The texts of the file are not in {said}."),
        where=str(path),
        why=Said("旧版 Stata、SAS 文件不写明编码。", "Old files of Stata and SAS do not say their encoding."),
        todo=Said('请在 [[layout]] 写 encoding，例如 "gb18030"。', 'Write encoding in [[layout]], such as "gb18030".'),
    )
