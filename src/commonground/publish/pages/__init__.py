"""The pages of the site, each a pure function of what passed the gate and a language."""

from commonground.publish.pages.definitions import definitions
from commonground.publish.pages.factors import factors
from commonground.publish.pages.gaps import gaps
from commonground.publish.pages.links import links
from commonground.publish.pages.overview import overview
from commonground.publish.pages.quality import quality
from commonground.publish.pages.schools import official, schools

PAGES = (overview, definitions, gaps, schools, factors, quality, links)

__all__ = ["PAGES", "definitions", "factors", "gaps", "links", "official", "overview", "quality", "schools"]
