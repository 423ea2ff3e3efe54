"""The part of SQL that dumps are made of: CREATE TABLE with comments, INSERT, COPY; all else is stepped over.

Statements are read through a window of the file that moves on row by row, so that a dump of any size, even one with a
single INSERT of gigabytes, takes little memory. A row that cannot be read costs that row: reading goes on at the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

LONGEST = 32 * 1024**2
"""Characters that one row may have; what is longer is set aside."""
_NAME = r'(?:`[^`]+`|"(?:[^"]|"")+"|\[[^\]]+\]|[\w$]+)'
_FULL = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_CREATE = re.compile(rf"CREATE\s+(?:UNLOGGED\s+|FOREIGN\s+)?TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?({_FULL})\s*\(", re.I)
_INSERT = re.compile(
    rf"(?:INSERT|REPLACE)\s+(?:LOW_PRIORITY\s+|DELAYED\s+|HIGH_PRIORITY\s+|IGNORE\s+)*INTO\s+({_FULL})\s*"
    rf"(?:\(\s*({_NAME}(?:\s*,\s*{_NAME})*)\s*\)\s*)?(?:OVERRIDING\s+\w+\s+VALUE\s+)?VALUES?\s*(?=\()",
    re.I,
)
_INSERT_ELSE = re.compile(rf"(?:INSERT|REPLACE)\s+(?:\w+\s+)*?INTO\s+({_FULL})", re.I)
_COPY = re.compile(rf"COPY\s+({_FULL})\s*(?:\(\s*([^)]*)\s*\)\s*)?FROM\s+stdin[^;]*;[^\n]*\n", re.I)
_COMMENT_ON = re.compile(rf"COMMENT\s+ON\s+COLUMN\s+({_FULL})\s+IS\s+'((?:[^']|'')*)'\s*;", re.I)
_SKIP = re.compile(r"(?:\s+|--[^\n]*(?:\n|\Z)|#[^\n]*(?:\n|\Z)|\\(?:un)?restrict[^\n]*\n|;)+")
_DELIMITER = re.compile(r"DELIMITER\s+(\S+)[^\n]*\n", re.I)
_PIECE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|/\*.*?\*/|--[^\n]*\n|(\$\w*\$).*?\1|[^'"`/$;()-]+
    |[;()]|/(?!\*)|-(?!-)|\$(?!\w*\$)""",
    re.S | re.X,
)
_END = r"\s*(?P<end>[,)])"
_ATOM = r"(?P<bare>[^\s'\",()][^'\",()]*?)"
_ESCAPED = r"[^'\\]*(?:(?:\\.|'')[^'\\]*)*"
_BITS = r"(?:[xX]'(?P<hex>[0-9A-Fa-f]*)'|0x(?P<hex2>[0-9A-Fa-f]+)|[bB]'(?P<bits>[01]*)')"
_MYSQL = re.compile(
    rf"\s*(?:(?P<null>NULL)|(?P<binary>_binary\s*)?'(?P<text>{_ESCAPED})'|{_BITS}|{_ATOM}){_END}", re.I | re.S
)
_POSTGRES = re.compile(
    rf"\s*(?:(?P<null>NULL)|E'(?P<text>{_ESCAPED})'|{_BITS}|'(?P<plain>[^']*(?:''[^']*)*)'|{_ATOM})(?:::[\w ]+)?{_END}",
    re.I | re.S,
)
_NEXT_ROW = re.compile(r"\)\s*,\s*(?=\()|\)\s*;")
_AFTER_ROW = re.compile(r"\s*([,;])")
_CLAUSE = re.compile(r"\s*(?:ON|AS|RETURNING)\b", re.I)  # what may end an INSERT
_BACKSLASH = re.compile(r"\\(.)|''", re.S)
_MYSQL_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}
_COPY_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9A-Fa-f]{1,2}|.)", re.S)
_COPY_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass
class Table:
    """A table of a dump: its columns in order, with type and comment."""

    name: str
    columns: list[str] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Row:
    """A row as the dump has it; ``columns`` are the statement's own, () for the table's; with a fault, its text."""

    table: str
    columns: tuple[str, ...]
    cells: list[str]
    fault: str = ""
    text: str = ""


class Window:
    """The part of a file's text that is being read; ``more`` gives further text, "" at the end."""

    def __init__(self, more: Callable[[], str]) -> None:
        self._more = more
        self.text, self.at, self.ended = "", 0, False

    def grow(self) -> bool:
        """Let go of what was read, take in the next piece; False at the end of the file."""
        piece = "" if self.ended else self._more()
        self.ended = not piece
        self.text, self.at = self.text[self.at :] + piece, 0
        return not self.ended

    def ensure(self, size: int) -> None:
        """Have ``size`` characters ahead, or all that there are."""
        while len(self.text) - self.at < size and self.grow():
            pass

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        """Match here; what ends at the window's edge might go on, so the window grows until it does not."""
        while True:
            found = pattern.match(self.text, self.at)
            if found and (found.end() < len(self.text) or self.ended):
                self.at = found.end()
                return found
            if self.ended or len(self.text) - self.at > LONGEST or not self.grow():
                found = pattern.match(self.text, self.at) if self.ended else None
                if found:
                    self.at = found.end()
                return found

    def line(self) -> str | None:
        """Give the rest of the line without its end; None at the end of the file, or where the line has no end."""
        begin = self.at
        while (end := self.text.find("\n", begin)) < 0:
            begin = len(self.text) - self.at
            if not self.grow():
                return None
        line, self.at = self.text[self.at : end], end + 1
        return line


class Dump:
    """Reads a dump statement by statement.

    Parameters
    ----------
    window : Window
        The text of the dump.
    postgres : bool
        PostgreSQL's rules for backslashes in quoted texts, else MySQL's.

    Attributes
    ----------
    tables : dict
        Tables met so far, by name without their schema.
    unfinished : bool
        The file ended inside a statement.
    """

    def __init__(self, window: Window, postgres: bool) -> None:
        self.window, self._value = window, _POSTGRES if postgres else _MYSQL
        self.tables: dict[str, Table] = {}
        self.delimiter = ";"
        self.unfinished = False

    def rows(self) -> Iterator[Row]:
        """Give all rows in the order of the dump; a row cut off by the end of the file has the fault ``cut_off``."""
        window = self.window
        while True:
            window.match(_SKIP)
            window.ensure(1 << 16)
            rest, at = window.text, window.at
            if at >= len(rest):
                return
            if rest.startswith("/*", at):
                self._comment()
            elif found := _DELIMITER.match(rest, at):
                self.delimiter, window.at = found[1], found.end()
            elif found := _CREATE.match(rest, at):
                window.at = found.end()
                self._create(_plain(found[1]))
            elif found := _INSERT.match(rest, at):
                window.at = found.end()
                yield from self._insert(_plain(found[1]), _names(found[2]))
            elif found := _COPY.match(rest, at):
                window.at = found.end()
                yield from self._copy(_plain(found[1]), _names(found[2]))
            elif found := _COMMENT_ON.match(rest, at):
                window.at = found.end()
                self._label(found[1], found[2].replace("''", "'"))
            else:
                found = _INSERT_ELSE.match(rest, at)  # INSERT … SELECT, INSERT … SET: no dump writes them
                self._step_over()
                if found and not self.unfinished:
                    yield Row(_plain(found[1]), (), [], "not_sql", rest[at : at + 200])

    def _comment(self) -> None:
        """Step over a comment; MySQL's ``/*!40101 … */`` hold settings, views and triggers, never rows."""
        while (end := self.window.text.find("*/", self.window.at)) < 0:
            if len(self.window.text) - self.window.at > LONGEST or not self.window.grow():
                self.window.at = len(self.window.text)
                return
        self.window.at = end + 2

    def _step_over(self) -> None:
        """Move behind the statement's end, minding quotes; a trigger's body ends with the declared delimiter."""
        if self.delimiter != ";":
            while (end := self.window.text.find(self.delimiter, self.window.at)) < 0:
                if not self.window.grow():
                    self.window.at = len(self.window.text)
                    return
            self.window.at = end + len(self.delimiter)
            return
        while found := self.window.match(_PIECE):
            if found[0] == ";":
                return
        self.unfinished = True
        self.window.at = len(self.window.text)

    def _create(self, name: str) -> None:
        """Take the columns of a CREATE TABLE: pieces up to the closing bracket, parted by commas at its own depth."""
        table = Table(name)
        depth, part = 1, ""
        while found := self.window.match(_PIECE):
            piece = found[0]
            depth += (piece == "(") - (piece == ")")
            if depth == 0:
                _column(part, table)
                self._step_over()
                break
            if piece.startswith(("--", "/*")):
                continue
            if depth == 1 and "," in piece and piece[0] not in "'\"`":
                head, *more = piece.split(",")
                _column(part + head, table)
                for middle in more[:-1]:
                    _column(middle, table)
                part = more[-1]
            else:
                part += piece
        else:
            self.unfinished = True
            self.window.at = len(self.window.text)
        self.tables[name] = table

    def _label(self, target: str, comment: str) -> None:
        parts = [_unquoted(part) for part in re.findall(_NAME, target)]
        table = self.tables.get(parts[-2]) if len(parts) > 1 else None
        if table is not None:
            table.comments[parts[-1]] = comment

    def _insert(self, table: str, columns: tuple[str, ...]) -> Iterator[Row]:
        window = self.window
        while True:
            window.ensure(1)
            if window.at >= len(window.text):
                return
            start_text = window.text[window.at : window.at + 200]
            cells, whole = self._tuple()
            if whole:
                yield Row(table, columns, cells)
                after = window.match(_AFTER_ROW)
                if after is None and (window.at >= len(window.text.rstrip()) or window.match(_CLAUSE)):
                    return
                if after is not None:
                    if after[1] == ";":
                        return
                    window.match(_SKIP)
                    continue
                start_text = window.text[window.at : window.at + 200]  # neither a comma nor an end: a damaged row
            if window.ended and not _NEXT_ROW.search(window.text, window.at):
                window.at = len(window.text)
                yield Row(table, columns, [], "cut_off", start_text)
                return
            found = _NEXT_ROW.search(window.text, window.at)
            yield Row(table, columns, [], "not_sql", start_text)
            if found is None:  # longer than any row may be: the rest of the statement cannot be told from this row
                self._step_over()
                return
            window.at = found.end()
            if found[0].endswith(";"):
                return

    def _tuple(self) -> tuple[list[str], bool]:
        """Read ``(…)``; where it cannot be read the window stays at its beginning."""
        window = self.window
        cells: list[str] = []
        if window.text[window.at] != "(":
            return cells, False
        offset = 1  # from the bracket, as the window moves when it grows
        while True:
            found = self._value.match(window.text, window.at + offset)
            while (
                (found is None or found.end() >= len(window.text))
                and len(window.text) - window.at <= LONGEST
                and window.grow()
            ):
                found = self._value.match(window.text, window.at + offset)
            if found is None:
                return cells, False
            cells.append(_cell(found))
            offset = found.end() - window.at
            if found["end"] == ")":
                window.at += offset
                return cells, True

    def _copy(self, table: str, columns: tuple[str, ...]) -> Iterator[Row]:
        while (line := self.window.line()) is not None:
            if line.rstrip("\r") == "\\.":
                return
            cells = line.rstrip("\r").split("\t")
            if "\\" in line:
                cells = ["" if cell == "\\N" else _COPY_ESCAPE.sub(_copy_escape, cell) for cell in cells]
            yield Row(table, columns, cells)
        rest = self.window.text[self.window.at :]
        self.window.at = len(self.window.text)
        yield Row(table, columns, [], "cut_off", rest)


def _cell(found: re.Match[str]) -> str:
    groups = found.groupdict()
    text: str | None = groups["text"]
    if text is not None:
        if groups.get("binary") and "\\" not in text and text.isascii():
            return text
        return _BACKSLASH.sub(_mysql_escape, text) if "\\" in text or "''" in text else text
    if groups["null"] is not None:
        return ""
    if groups.get("plain") is not None:
        return str(groups["plain"]).replace("''", "'")
    for name in ("hex", "hex2"):
        if groups[name] is not None:
            return str(groups[name]).lower()
    if groups["bits"] is not None:
        return str(int(groups["bits"] or "0", 2))
    bare = str(groups["bare"]).strip()
    return bare.upper() if bare.lower() in ("true", "false") else bare


def _mysql_escape(found: re.Match[str]) -> str:
    return "'" if found[1] is None else _MYSQL_ESCAPES.get(found[1], found[1])


def _copy_escape(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "01234567":
        return chr(int(code, 8))
    if code[0] == "x" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _COPY_ESCAPES.get(code, code)


def _unquoted(name: str) -> str:
    return name[1:-1].replace('""', '"') if name[:1] in '`"[' else name


def _plain(name: str) -> str:
    """Give a table's name without its schema and quotes."""
    return _unquoted(re.findall(_NAME, name)[-1])


def _names(listed: str | None) -> tuple[str, ...]:
    return tuple(_unquoted(name) for name in re.findall(_NAME, listed)) if listed else ()


_NO_COLUMN = re.compile(
    r"(?:PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FOREIGN|CHECK|FULLTEXT|SPATIAL|EXCLUDE|PERIOD|LIKE)\b", re.I
)
_COLUMN = re.compile(rf"\s*({_NAME})\s+([\w ]+?(?:\([^)]*\))?)(?=\s|$|\()", re.S)
_COMMENT = re.compile(r"\bCOMMENT\s+'((?:[^'\\]|\\.|'')*)'", re.I | re.S)


def _column(part: str, table: Table) -> None:
    """Take one part of a CREATE TABLE: a column, or a key or constraint, which is no column."""
    part = part.strip()
    found = _COLUMN.match(part)
    if not part or found is None or _NO_COLUMN.match(part):
        return
    name = _unquoted(found[1])
    table.columns.append(name)
    table.types[name] = (found[2].split("(")[0].split() or [""])[0].lower()
    said = _COMMENT.search(part)
    if said:
        table.comments[name] = _BACKSLASH.sub(_mysql_escape, said[1])
