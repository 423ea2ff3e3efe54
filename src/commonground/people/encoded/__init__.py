"""Linkage without names: keyed linkage keys and Bloom-filter encodings, and linking on them.

A department that may not hand over names encodes its rows at its own site with a key that was agreed, and hands over
nothing but encodings and a row number of its own. Public names: ``read_persons``, ``encode``, ``match``, ``STANDARD``.
``docs/explanation/encoded.md`` says what the encodings protect against, and against what they do not.
"""

from commonground.people.encoded.encoding import Encoded, encode
from commonground.people.encoded.matching import Matches, match
from commonground.people.encoded.parameters import STANDARD, Parameters
from commonground.people.encoded.persons import Persons, read_persons

__all__ = ["STANDARD", "Encoded", "Matches", "Parameters", "Persons", "encode", "match", "read_persons"]
