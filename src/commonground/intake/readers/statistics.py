"""SPSS and Stata files, with their value labels."""

from __future__ import annotations

from pathlib import Path

from commonground.intake.model import Sheet
from commonground.intake.readers import unreadable
from commonground.intake.readers.cells import CONTROL, cell_text


def read_statistics(path: Path, kind: str) -> Sheet:
    """Read a SAV or DTA file; value labels come along, so that they can be held against the contract's codes."""
    import pyreadstat

    try:
        if kind == "sav":
            data, meta = pyreadstat.read_sav(str(path), output_format="dict", user_missing=True)
        else:
            data, meta = pyreadstat.read_dta(str(path), output_format="dict")
    except (pyreadstat.ReadstatError, ValueError, OSError) as fault:
        raise unreadable(path, kind, fault) from None
    names = tuple(data)
    columns, mended = [], 0
    for name in names:
        texts = [cell_text(value) for value in data[name]]
        held = [i for i, text in enumerate(texts) if CONTROL.search(text)]
        for i in held:
            texts[i] = CONTROL.sub("", texts[i])
        mended += len(held)
        columns.append(texts)
    rows = [list(row) for row in zip(*columns, strict=True)]
    labels = {
        name: {cell_text(value): str(label) for value, label in values.items()}
        for name, values in meta.variable_value_labels.items()
    }
    total = len(rows) if meta.number_rows is None else int(meta.number_rows)
    notes = {"control_characters": mended}
    return Sheet("", rows, list(range(1, len(rows) + 1)), total, names=names, labels=labels, notes=notes)
