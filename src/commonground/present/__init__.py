"""Words and pictures, pure: labels and sentences in Chinese and English, figures, files from plain values.

``labels`` and ``sentence`` give text, ``figures`` the charts, ``render`` their SVG and PNG, ``tokens`` the colours.
"""

from commonground.present.render import Drawn, render
from commonground.present.words import LANGUAGES, both, label, labels, sentence

__all__ = ["LANGUAGES", "Drawn", "both", "label", "labels", "render", "sentence"]
