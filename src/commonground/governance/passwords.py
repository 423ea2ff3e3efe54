"""Passwords and second factors: scrypt, the rules a password must meet, and time-based codes (RFC 6238)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import struct
from urllib.parse import quote

from commonground.errors import AccessError, Said

COST = 15
"""log2 of scrypt's N; with r = 8 and p = 3 a guess takes 32 MiB and about a third of a second."""
SHORTEST = 12
STEP = 30
"""Seconds for which a time-based code holds."""


def hash_password(password: str, *, cost: int = COST) -> str:
    """Hash a password with scrypt and a random salt: ``scrypt$15$8$3$<salt>$<hash>``."""
    salt = secrets.token_bytes(16)
    return f"scrypt${cost}$8$3${salt.hex()}${_scrypt(password, salt, cost, 8, 3).hex()}"


def check_password(password: str, stored: str) -> bool:
    """Tell whether a password is the one that was hashed, in constant time."""
    _, cost, block, parallel, salt, right = stored.split("$")
    made = _scrypt(password, bytes.fromhex(salt), int(cost), int(block), int(parallel))
    return hmac.compare_digest(made, bytes.fromhex(right))


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    memory = 128 * block * (2**cost + parallel + 2)
    return hashlib.scrypt(
        password.encode("utf-8"), salt=salt, n=2**cost, r=block, p=parallel, maxmem=memory + 2**20, dklen=32
    )


def require_strong(password: str, account: str) -> None:
    """Refuse a password that is easily guessed.

    Raises
    ------
    AccessError
        Shorter than 12 characters, fewer than 6 different ones, one kind of character only, or the account in it.
    """
    kinds = {"letter" if c.isalpha() else "digit" if c.isdigit() else "sign" for c in password}
    why: Said | None = None
    if len(password) < SHORTEST:
        why = Said(f"密码至少要有 {SHORTEST} 个字符。", f"A password has at least {SHORTEST} characters.")
    elif len(password) > 200:
        why = Said("密码过长。", "The password is too long.")
    elif len(set(password)) < 6 or len(kinds) < 2:
        why = Said("密码过于简单：请混用字母、数字或符号。", "Too simple: mix letters with digits or signs.")
    elif account.lower() in password.lower():
        why = Said("密码中不能含有账号。", "The password may not contain the account's name.")
    if why is not None:
        raise AccessError(
            Said("这个密码不能用。", "This password cannot be used."),
            why=why,
            todo=Said("请换一个更长的密码。", "Choose a longer one."),
        )


def new_factor() -> str:
    """Make the secret of a second factor: 160 random bits in base 32, as authenticator applications read it."""
    return base64.b32encode(secrets.token_bytes(20)).decode("ascii")


def factor_uri(secret: str, account: str, issuer: str) -> str:
    """Write the secret as the address that authenticator applications take."""
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?secret={secret}&issuer={quote(issuer)}"


def time_code(key: bytes, step: int, *, digits: int = 6, algorithm: str = "sha1") -> str:
    """Compute the code of a time step (RFC 6238 over RFC 4226; SHA-1 is what authenticator applications use)."""
    mac = hmac.digest(key, struct.pack(">Q", step), algorithm)
    offset = mac[-1] & 15
    (number,) = struct.unpack(">I", mac[offset : offset + 4])
    return str((number & 0x7FFFFFFF) % 10**digits).zfill(digits)


def check_factor(secret: str, given: str, now: float, last_step: int) -> int | None:
    """Give the time step whose code was given, one step of clock difference allowed; None when it is wrong or used.

    Parameters
    ----------
    secret : str
        In base 32.
    given : str
        Six digits as typed; spaces do not matter.
    now : float
        Unix time, s.
    last_step : int
        The newest step already used: a code that was seen over a shoulder does not work again.
    """
    typed = "".join(given.split())
    key = base64.b32decode(secret)
    current = int(now // STEP)
    for step in (current, current - 1, current + 1):
        if step > last_step and hmac.compare_digest(time_code(key, step).encode(), typed.encode()):
            return step
    return None
