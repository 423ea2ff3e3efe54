"""The few quantiles and tail areas that the study needs, without loading all of scipy.stats (about a second)."""

from __future__ import annotations


def normal_width(level: float) -> float:
    """Half-width of a two-sided normal interval, in standard errors."""
    from scipy.special import ndtri

    return float(ndtri(0.5 + level / 2))


def normal_above(x: float) -> float:
    """Give the chance that a standard normal exceeds ``x``."""
    from scipy.special import ndtr

    return float(ndtr(-x))


def t_width(level: float, df: float) -> float:
    """Half-width of a two-sided Student interval, in standard errors."""
    from scipy.special import stdtrit

    return float(stdtrit(df, 0.5 + level / 2))


def t_two_sided(t: float, df: float) -> float:
    """Two-sided tail area of Student's t."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(t)))


def chi2_quantile(level: float, df: int) -> float:
    """Quantile of chi-square."""
    from scipy.special import chdtri

    return float(chdtri(df, 1 - level))
