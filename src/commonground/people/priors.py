"""What the chances of agreement are taken to be before any record is seen.

Rough figures of our own for registers in Chinese; they weigh as much as a few dozen pairs, so that a source with many
records speaks for itself and a small one does not run wild. Level 1 of each field is disagreement; what the others
mean is told in nametable.py, births.py, numbers.py and compare.py.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def _chances(**levels: tuple[float, ...]) -> dict[str, Floats]:
    return {name: np.array([1.0, *values]) for name, values in levels.items()}


SAME_PERSON = _chances(
    name=(0.004, 0.003, 0.004, 0.02, 0.008, 0.04, 0.921),
    birth=(0.005, 0.005, 0.005, 0.02, 0.016, 0.002, 0.007, 0.02, 0.92),
    sex=(0.005, 0.995),
    id=(0.02, 0.003, 0.007, 0.02, 0.95),
    student=(0.02, 0.98),
    school=(0.02, 0.08, 0.03, 0.17, 0.70),
    place=(0.07, 0.08, 0.25, 0.60),
    phone=(0.3, 0.7),
    kin=(0.1, 0.15, 0.25, 0.5),
    ethnicity=(0.02, 0.98),
)
UNRELATED = _chances(
    name=(0.92, 0.07, 0.005, 0.003, 0.0007, 0.0006, 0.0007),
    birth=(0.965, 0.0195, 0.0045, 0.004, 0.0027, 0.0001, 0.0002, 0.002, 0.0001),
    sex=(0.5, 0.5),
    id=(0.99999, 0.000002, 0.000001, 0.000002, 0.000005),
    student=(0.99999, 0.00001),
    school=(0.95, 0.03, 0.01, 0.005, 0.005),
    place=(0.85, 0.14, 0.0099, 0.0001),
    phone=(0.99998, 0.00002),
    kin=(0.99, 0.0099, 0.00005, 0.00001),
    ethnicity=(0.5, 0.5),
)
RELATIVES = _chances(
    name=(0.5, 0.47, 0.003, 0.02, 0.002, 0.002, 0.003),
    birth=(0.9, 0.05, 0.01, 0.01, 0.009, 0.0005, 0.0005, 0.005, 0.015),
    sex=(0.5, 0.5),
    id=(0.998, 0.0007, 0.0005, 0.0003, 0.0005),
    student=(0.999, 0.001),
    school=(0.3, 0.2, 0.2, 0.1, 0.2),
    place=(0.05, 0.05, 0.1, 0.8),
    phone=(0.3, 0.7),
    kin=(0.1, 0.1, 0.3, 0.5),
    ethnicity=(0.1, 0.9),
)
