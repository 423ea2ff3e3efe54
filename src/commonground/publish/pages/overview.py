"""Overview: the headline sentences with their intervals, how to read a figure, strengths beside what is open."""

from __future__ import annotations

from commonground.present.figures import Row, reading_example, strip
from commonground.present.words import both, label, people, percent, sentence
from commonground.publish.examine import Safe
from commonground.publish.model import Headline, Heads, Page, Pair, Reading, Section, Text
from commonground.publish.pages.factors import clear, of_term
from commonground.publish.pages.gaps import gap, gap_sentence, main_subject, strengths, subjects
from commonground.publish.pages.schools import between_schools, verdicts
from commonground.publish.parts import share


def interval_name(safe: Safe) -> str:
    """Write the policy's coverage of intervals: 95%."""
    return percent(safe.inputs.city.policy.interval)


def _heads(safe: Safe, lang: str) -> list[Headline]:
    heads = []
    best = between_schools(safe)
    if best:
        value, span = share(best["share"], best["low"], best["high"], lang)
        row = Row("", best["share"], best["low"], best["high"])
        said = sentence("overview.variance", lang, value=value, range=span)
        link = label("overview.see_schools", lang)
        heads.append(Headline("h-var", said, "schools.html", link, lambda w: strip(row, unit="%", percent=True)))
    subject = main_subject(safe)
    raw = gap(safe, subject, "raw") if subject else None
    if subject and raw:
        mark = Row("", raw["estimate"], raw["low"], raw["high"], "parents_away")
        said = gap_sentence(safe, subject, lang, bold=True)
        link = label("overview.see_gaps", lang)
        heads.append(Headline("h-gap", said, "gaps.html", link, lambda w: strip(mark)))
    if safe.schools:
        counts = verdicts(safe)
        said = sentence(
            "overview.verdicts", lang, total=len(safe.schools), **{k: counts[k] for k in ("above", "unclear", "below")}
        )
        heads.append(Headline("h-schools", said, "schools.html", label("overview.see_schools", lang), None))
    rows = of_term(safe, "all_children")
    if rows:
        n = sum(1 for r in rows if clear(safe, r))
        if n:
            said = sentence("overview.factors_some", lang, n=n, total=len(rows))
        else:
            said = sentence("overview.factors_none", lang, total=len(rows))
        heads.append(Headline("h-factors", said, "factors.html", label("overview.see_factors", lang), None))
    return heads


def _title(safe: Safe, lang: str) -> str:
    best, subject = between_schools(safe), main_subject(safe)
    raw = gap(safe, subject, "raw") if subject else None
    if best is None or raw is None:
        return sentence("overview.title_none", lang, city=both(safe.inputs.city.settings.name, lang))
    # share of all differences that lies between two groups so far apart, at most (both halves of the children)
    between_groups = (raw["estimate"] / 2) ** 2
    return label("overview.title_schools" if best["low"] > 2 * between_groups else "overview.title_groups", lang)


def overview(safe: Safe, lang: str) -> Page:
    """Make the overview."""
    city = both(safe.inputs.city.settings.name, lang)
    n = safe.facts("gaps").get("n")
    base = max(safe.inputs.city.policy.rounding, 1)
    if n:
        rounded = (2 * int(n) + base) // (2 * base) * base
        lede = sentence("overview.lede", lang, city=city, n=people(rounded))
    else:
        lede = label("overview.lede_plain", lang)
    interval = interval_name(safe)
    read = Section(
        "read",
        label("overview.read", lang),
        (
            Text(sentence("overview.read_text", lang, interval=interval)),
            Reading(lambda width: reading_example(lang, width, interval)),
        ),
    )
    sections = [Section("heads", "", (Heads(tuple(_heads(safe, lang))),)), read]
    left = strengths(safe, lang)
    right = []
    for subject in subjects(safe)[1:]:
        if gap(safe, subject, "raw"):
            right.append(gap_sentence(safe, subject, lang, bold=True))
    if left and right:
        pair = Pair((label("overview.strengths", lang), tuple(left)), (label("overview.todo", lang), tuple(right)))
        sections.append(Section("both", label("overview.both", lang), (pair,)))
    nav = tuple((s.id, label(f"overview.nav_{s.id}", lang)) for s in sections if s.id in ("read", "both"))
    return Page("overview", _title(safe, lang), lede, tuple(sections), nav)
