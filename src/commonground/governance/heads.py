"""The signed heads of the ledger: one small file a day, kept with the keys and not with the ledger.

A chain proves that nothing inside it was altered, but not that nothing was cut off its end. The head of a day says
how far the chain reached; whoever cuts the ledger short leaves a head that points beyond its end. A release prints
the head of its day, so that even a return of both to an old backup can be found out by comparing with what was
printed.
"""

from __future__ import annotations

import hmac
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from commonground.files import alone, storage_errors, write_atomically


@dataclass(frozen=True)
class Head:
    """How far the ledger reached at the end of a day.

    Attributes
    ----------
    ledger : str
        Which ledger: the first 16 digits of its first entry's code.
    day : str
        The day, YYYY-MM-DD.
    seq : int
        Number of the last entry.
    mac : str
        The last entry's code.
    signature : str
        HMAC of all of these under the ledger's key.
    """

    ledger: str
    day: str
    seq: int
    mac: str
    signature: str

    @property
    def fingerprint(self) -> str:
        """Twelve digits in three groups, to be printed with a release and compared by eye."""
        digits = self.mac.split(":")[-1][:12]
        return " ".join(digits[i : i + 4] for i in range(0, 12, 4))

    def to_dict(self) -> dict[str, Any]:
        """Give the head as plain values."""
        return asdict(self)


def sign(key: bytes, algorithm: str, ledger: str, day: str, seq: int, mac: str) -> Head:
    """Make the signed head of a day."""
    message = json.dumps(["head", ledger, day, seq, mac]).encode()
    return Head(ledger, day, seq, mac, f"{algorithm}:{hmac.digest(key, message, algorithm).hex()}")


class Heads:
    """The folder of heads.

    Parameters
    ----------
    folder : Path
        Made with mode 0700 when first needed.
    key : bytes
        The ledger's key.
    algorithm : str
        ``sm3`` or ``sha256``.
    """

    def __init__(self, folder: Path, key: bytes, algorithm: str) -> None:
        self.folder, self._key, self._algorithm = folder, key, algorithm

    def genuine(self, head: Head) -> bool:
        """Tell whether a head carries our signature."""
        algorithm = head.signature.split(":")[0]
        if algorithm not in ("sm3", "sha256"):
            return False
        return hmac.compare_digest(
            sign(self._key, algorithm, head.ledger, head.day, head.seq, head.mac).signature, head.signature
        )

    def advance(self, ledger: str, day: str, seq: int, mac: str) -> None:
        """Move the head of a day forward; a later head that another process wrote meanwhile stays."""
        path = self.folder / f"{day}.{ledger}.json"
        with storage_errors(self.folder), alone(self.folder / ".lock"):
            standing = _read(path) if path.is_file() else None
            if standing is not None and self.genuine(standing) and standing.seq >= seq:
                return
            head = sign(self._key, self._algorithm, ledger, day, seq, mac)
            write_atomically(path, (json.dumps(head.to_dict()) + "\n").encode())
            path.chmod(0o600)

    def all(self) -> list[Head | Path]:
        """Every head in order of day; a file that is no head is given as its path."""
        if not self.folder.is_dir():
            return []
        return [_read(path) or path for path in sorted(self.folder.glob("*.json"))]

    def on(self, ledger: str, day: str) -> Head | None:
        """Find the head that held at the end of ``day``: that day's own, or the last one before it."""
        found = [h for h in self.all() if isinstance(h, Head) and h.ledger == ledger and h.day <= day]
        return max(found, key=lambda h: h.seq, default=None)


def _read(path: Path) -> Head | None:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        head = Head(str(raw["ledger"]), str(raw["day"]), int(raw["seq"]), str(raw["mac"]), str(raw["signature"]))
    except (ValueError, KeyError, TypeError):
        return None
    return head if re.fullmatch(r"\d{4}-\d{2}-\d{2}", head.day) else None
