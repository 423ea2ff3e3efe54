"""Keys with a record: the ledger keeps when a key was made and when and by whom it was destroyed."""

from __future__ import annotations

from commonground.errors import AccessError, Said
from commonground.governance.events import Kind
from commonground.governance.ledger import KEY as LEDGER_KEY
from commonground.governance.ledger import Entry, Ledger
from commonground.governance.roles import Permission, Roles


def make_key(ledger: Ledger, name: str, *, by: str) -> bytes:
    """Give the key called ``name``; when it had to be made, the ledger says so."""
    known = ledger.keyring.has(name)
    key = ledger.keyring.get(name)
    if not known:
        ledger.append_once(Kind.KEY_MADE, by, f"key:{name}")
    return key


def destroy_key(ledger: Ledger, name: str, *, by: str, reason: str) -> Entry:
    """Destroy a key: what it locked can never be read again. Recorded before it is done.

    Raises
    ------
    AccessError
        ``by`` may not destroy keys, or the key is the ledger's own.
    """
    Roles(ledger).require(by, Permission.DESTROY_KEY)
    if name == LEDGER_KEY:
        raise AccessError(
            Said("台账的密钥不能销毁。", "The ledger's own key may not be destroyed."),
            where=name,
            why=Said("销毁后台账再也无法校验。", "Without it the ledger could never be verified again."),
            todo=Said("请核对密钥名称。", "Check the key's name."),
        )
    entry = ledger.append(Kind.KEY_DESTROYED, by, f"key:{name}", {"reason": reason})
    ledger.keyring.destroy(name)
    return entry
