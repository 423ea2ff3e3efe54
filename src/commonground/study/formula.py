"""lme4's formula grammar: ``math ~ prior * girl + (1 + away | school) + (1 | county)``.

A formula is read into terms, each a set of variables, in R's order: main effects first, then two-way interactions,
and so on; within a term variables stand in the order of their first appearance, so that names equal R's.

Grammar (loosest first)::

    formula := name "~" sum
    sum     := ["-"] product (("+" | "-") product)*
    product := nested ("*" nested)*           a*b = a + b + a:b
    nested  := crossed ("/" crossed)*         a/b = a + a:b
    crossed := power (":" power)*
    power   := atom ["^" integer]             (a+b)^2 = a + b + a:b
    atom    := name | "0" | "1" | "(" sum ")" | "(" sum ("|" | "||") sum ")"

``x || g`` gives ``(1 | g) + (0 + x | g)``. Names of letters, digits, ``_`` and ``.``, any script; others between
backticks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import product

from commonground.errors import Said, StudyError

Term = tuple[str, ...]
INTERCEPT: Term = ()
_TOKEN = re.compile(r"\s*(?:(`[^`]+`)|([^\W\d][\w.]*|\.[^\W\d][\w.]*)|(\d+)|(\|\||[~+\-*/:^()|]))")


@dataclass(frozen=True)
class RandomTerm:
    """Effects that vary by group.

    Attributes
    ----------
    terms : tuple of Term
        What varies; the empty term is the intercept.
    group : tuple of str
        Variables whose combination is the group.
    """

    terms: tuple[Term, ...]
    group: tuple[str, ...]

    @property
    def group_name(self) -> str:
        """The group's name as lme4 writes it."""
        return ":".join(self.group)


@dataclass(frozen=True)
class Formula:
    """A formula, read.

    Attributes
    ----------
    text : str
        As written.
    response : str
        Variable to explain.
    fixed : tuple of Term
        Fixed terms in R's order; the empty term is the intercept.
    random : tuple of RandomTerm
        Random terms in order of appearance; ``||`` already split.
    """

    text: str
    response: str
    fixed: tuple[Term, ...]
    random: tuple[RandomTerm, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """Every variable once, response first, in order of appearance."""
        names = [self.response, *(v for t in self.fixed for v in t)]
        for part in self.random:
            names += [v for t in part.terms for v in t] + list(part.group)
        return tuple(dict.fromkeys(names))


@dataclass
class _Sum:
    """Terms being collected: order of insertion is kept."""

    terms: dict[frozenset[str], None]
    intercept: bool | None = None


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = self._tokens(text)
        self.at = 0
        self.seen: dict[str, int] = {}
        self.random: list[tuple[_Sum, list[list[str]], bool]] = []

    def fault(self, zh: str, en: str) -> StudyError:
        return StudyError(
            Said("模型公式写法有误。", "The model formula cannot be read."),
            where=self.text,
            why=Said(zh, en),
            todo=Said(
                "例：math ~ prior + girl + (1 + away | school)", "Example: math ~ prior + girl + (1 + away | school)"
            ),
        )

    def _tokens(self, text: str) -> list[str]:
        found, at = [], 0
        stripped = text.rstrip()
        while at < len(stripped):
            match = _TOKEN.match(stripped, at)
            if match is None:
                raise self.fault(f"不认识“{stripped[at:].strip()[:12]}”", f"unexpected “{stripped[at:].strip()[:12]}”")
            found.append(match.group().strip())
            at = match.end()
        return found

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if expected and token != expected:
            there = token or "…"
            raise self.fault(f"此处应为“{expected}”，却是“{there}”", f"expected “{expected}” but found “{there}”")
        self.at += 1
        return token

    def name(self) -> str:
        token = self.take()
        if not token or (not token.startswith("`") and not re.match(r"[^\W\d]|\.", token)):
            raise self.fault(f"此处应为变量名，却是“{token or '…'}”", f"expected a name but found “{token or '…'}”")
        token = token.strip("`")
        self.seen.setdefault(token, len(self.seen))
        return token

    def sum(self) -> _Sum:
        result = _Sum({})
        sign = self.take() if self.peek() in ("+", "-") else "+"
        while True:
            part = self.product()
            if sign == "+":
                result.terms.update(part.terms)
                result.intercept = part.intercept if part.intercept is not None else result.intercept
            else:
                for term in part.terms:
                    result.terms.pop(term, None)
                if part.intercept is not None:
                    result.intercept = not part.intercept
            if self.peek() not in ("+", "-"):
                return result
            sign = self.take()

    def product(self) -> _Sum:
        left = self.nested()
        while self.peek() == "*":
            self.take()
            right = self.nested()
            left = _Sum({**left.terms, **right.terms, **_cross(left, right)})
        return left

    def nested(self) -> _Sum:
        left = self.crossed()
        while self.peek() == "/":
            self.take()
            right = self.crossed()
            outer = frozenset().union(*left.terms)
            left = _Sum({**left.terms, **{outer | t: None for t in right.terms}})
        return left

    def crossed(self) -> _Sum:
        left = self.power()
        while self.peek() == ":":
            self.take()
            left = _Sum(_cross(left, self.power()))
        return left

    def power(self) -> _Sum:
        base = self.atom()
        if self.peek() != "^":
            return base
        self.take()
        times = self.take()
        if not times.isdigit() or int(times) < 1:
            raise self.fault("“^”之后应为正整数", "“^” must be followed by a positive integer")
        result = base
        for _ in range(int(times) - 1):
            result = _Sum({**result.terms, **_cross(result, base)})
        return result

    def atom(self) -> _Sum:
        if self.peek() == "(":
            self.take()
            inner = self.sum()
            if self.peek() in ("|", "||"):
                double = self.take() == "||"
                self.random.append((inner, self.group(), double))
                self.take(")")
                return _Sum({})
            self.take(")")
            return inner
        if self.peek() in ("0", "1"):
            return _Sum({}, intercept=self.take() == "1")
        return _Sum({frozenset([self.name()]): None})

    def group(self) -> list[list[str]]:
        """``a/b/c`` gives a, b:a, c:b:a as lme4 names them; ``a:b`` one group; ``a + b`` several."""
        groups = []
        while True:
            chain: list[str] = []
            while True:
                part = [self.name()]
                while self.peek() == ":":
                    self.take()
                    part.append(self.name())
                chain = part + chain
                groups.append(list(chain))
                if self.peek() != "/":
                    break
                self.take()
            if self.peek() != "+":
                return groups
            self.take()

    def ordered(self, part: _Sum) -> tuple[Term, ...]:
        terms = [tuple(sorted(t, key=self.seen.__getitem__)) for t in part.terms]
        terms.sort(key=len)
        return ((INTERCEPT,) if part.intercept is not False else ()) + tuple(terms)


def _cross(left: _Sum, right: _Sum) -> dict[frozenset[str], None]:
    return {a | b: None for a, b in product(left.terms, right.terms)}


def _split(terms: tuple[Term, ...], group: tuple[str, ...], double: bool) -> list[RandomTerm]:
    if double:
        return [RandomTerm((t,), group) for t in terms]
    return [RandomTerm(terms, group)]


def parse(text: str) -> Formula:
    """Read a formula in lme4's grammar.

    Parameters
    ----------
    text : str
        Such as ``"score ~ prior + (1 + away | school)"``.

    Returns
    -------
    Formula

    Raises
    ------
    StudyError
        The text is not in the grammar, or a term is written twice for the same group.
    """
    parser = _Parser(text)
    response = parser.name()
    parser.take("~")
    parser.seen.clear()
    fixed = parser.sum()
    if parser.at < len(parser.tokens):
        token = parser.peek()
        raise parser.fault(f"多出了“{token}”", f"“{token}” does not belong here")
    random: list[RandomTerm] = []
    for inner, groups, double in parser.random:
        terms = parser.ordered(inner)
        if not terms:
            raise parser.fault("“|”之前没有内容", "nothing stands before “|”")
        for group in reversed(groups):
            random += _split(terms, tuple(group), double)
    pairs = [(t, r.group) for r in random for t in r.terms]
    if len(set(pairs)) < len(pairs):
        raise parser.fault("同一分组的随机项写了两次", "a random term is written twice for one group")
    terms = tuple(t for t in parser.ordered(fixed) if response not in t)
    return Formula(text, response, terms, tuple(random))
