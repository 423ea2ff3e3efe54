"""Keys and the vault: what is locked stays locked, and nothing can be exchanged unnoticed."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import struct
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonground.city import City
from commonground.errors import AccessError, StorageError
from commonground.governance import KeyRing, Ledger, Roles, Vault
from commonground.governance import vault as vault_module
from commonground.governance.custody import destroy_key, make_key
from commonground.governance.keys import keyed_hash, keyed_hashes
from commonground.governance.vault import MAGIC, seal, unseal
from governance_kit import make_city

KEY, OTHER = b"k" * 32, b"o" * 32


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "city")


def test_sm3_is_the_national_standard() -> None:
    """GB/T 32905-2016, example 1: SM3("abc")."""
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert hashlib.new("sm3", b"abc").hexdigest() == expected


@pytest.mark.parametrize("algorithm", ["sm3", "sha256"])
def test_a_keyed_hash_is_the_textbook_hmac(algorithm: str) -> None:
    """RFC 2104 written out by hand: H(K ^ opad, H(K ^ ipad, text)), block of 64 bytes."""
    padded = KEY.ljust(64, b"\0")
    inner = hashlib.new(algorithm, bytes(b ^ 0x36 for b in padded) + "文本".encode()).digest()
    outer = hashlib.new(algorithm, bytes(b ^ 0x5C for b in padded) + inner).hexdigest()
    assert keyed_hash(KEY, "文本", algorithm) == outer[:24]
    assert keyed_hash(KEY, "文本", algorithm) != keyed_hash(OTHER, "文本", algorithm)
    assert hmac.new(KEY, "文本".encode(), algorithm).hexdigest() == outer


PUBLISHED = [
    (
        "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
        b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq" * 2,
        "ca05e144ed05d1857840d1f318a4a8669e559fc8391f414485bfdf7bb408963a",
    ),
    (
        "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425",
        b"\xcd" * 50,
        "220bf579ded555393f0159f66c99877822a3ecf610d1552154b41d44b94db3ae",
    ),
    ("0b" * 32, b"Hi There", "c0ba18c68b90c88bc07de794bfc7d2c8d19ec31ed8773bc2b390c9604e0be11e"),
    (
        b"Jefe Jeferson Jr".hex(),
        b"what do ya want for nothing?",
        "ce791a34c59adef472997a249600f3f244d59e875be04055ba2ae12fc845e78c",
    ),
]
"""HMAC-SM3 of GM/T 0042-2015, appendix D.3 (as in OpenSSL's evpmac_sm3.txt): key, message, digest."""


@pytest.mark.parametrize(("key", "message", "digest"), PUBLISHED)
def test_hmac_sm3_is_the_national_standard(key: str, message: bytes, digest: str) -> None:
    assert hmac.digest(bytes.fromhex(key), message, "sm3").hex() == digest
    if message.isascii():
        text = message.decode()
        assert keyed_hash(bytes.fromhex(key), text) == digest[:24]
        assert keyed_hashes(bytes.fromhex(key), [text, text]) == [digest[:24]] * 2


@given(
    st.binary(min_size=1, max_size=200), st.lists(st.text(max_size=90), max_size=4), st.sampled_from(["sm3", "sha256"])
)
def test_many_keyed_hashes_are_what_one_by_one_gives(key: bytes, texts: list[str], algorithm: str) -> None:
    texts = [t.encode("utf-8", "replace").decode() for t in texts]
    assert keyed_hashes(key, texts, algorithm) == [keyed_hash(key, t, algorithm) for t in texts]


def test_keys_are_made_once_and_kept_apart(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    first = ring.get("delivery-1")
    assert len(first) == 32
    assert ring.get("delivery-1") == first
    assert ring.get("delivery-2") != first
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "delivery-1.key").stat().st_mode) == 0o600
    assert sorted(p.name for p in (tmp_path / "keys").iterdir()) == ["delivery-1.key", "delivery-2.key"]


def test_a_key_made_by_many_at_once_is_one_key(tmp_path: Path) -> None:
    got: list[bytes] = []
    makers = [threading.Thread(target=lambda: got.append(KeyRing(tmp_path / "keys").get("ledger"))) for _ in range(12)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    assert len(got) == 12
    assert len(set(got)) == 1


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a" * 81, "中"])
def test_a_key_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    ring = KeyRing(tmp_path / "keys")
    for use in (ring.get, ring.destroy, ring.has):
        with pytest.raises(ValueError, match="key name"):
            use(name)


def test_a_destroyed_or_damaged_key_is_a_message(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys")
    ring.get("a")
    ring.destroy("a")
    ring.destroy("a")
    with pytest.raises(StorageError, match="not there"):
        ring.get("a", make=False)
    (tmp_path / "keys" / "a.key").write_bytes(b"short")
    with pytest.raises(StorageError, match="damaged"):
        ring.get("a")


def test_making_and_destroying_keys_stands_in_the_ledger(city: City) -> None:
    with Ledger(city) as ledger:
        roles = Roles(ledger)
        roles.begin("local:chen")
        make_key(ledger, "delivery-1", by="local:chen")
        make_key(ledger, "delivery-1", by="local:chen")
        with pytest.raises(AccessError):
            destroy_key(ledger, "delivery-1", by="local:li", reason="x")
        with pytest.raises(AccessError, match="own key"):
            destroy_key(ledger, "ledger", by="local:chen", reason="x")
        destroy_key(ledger, "delivery-1", by="local:chen", reason="withdrawn by the department")
        assert not ledger.keyring.has("delivery-1")
        kinds = [str(e.kind) for e in ledger.entries(subject="key:delivery-1")]
        assert kinds == ["key_made", "key_destroyed"]
        assert ledger.verify().ok


def test_what_is_sealed_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "CHUNK", 10)
    for size in (0, 1, 9, 10, 11, 20, 35):
        content = os.urandom(size)
        assert unseal(KEY, "a", seal(KEY, "a", content)) == content
    assert seal(KEY, "a", b"x") != seal(KEY, "a", b"x")


def chunks_of(sealed: bytes) -> list[bytes]:
    found, at = [], 16
    while at < len(sealed):
        (size,) = struct.unpack(">I", sealed[at : at + 4])
        found.append(sealed[at : at + 4 + size])
        at += 4 + size
    return found


def test_chunks_cannot_be_moved_dropped_doubled_or_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "CHUNK", 10)
    sealed, other = seal(KEY, "a", b"0123456789" * 3), seal(KEY, "a", b"9876543210" * 3)
    head, (one, two, three) = sealed[:16], chunks_of(sealed)
    foreign = chunks_of(other)[1]
    fewer = head[:12] + struct.pack(">I", 2)
    none = head[:12] + struct.pack(">I", 0)
    for damaged in (
        head + two + one + three,
        head + one + two,
        head + one + two + three + three,
        head + one + foreign + three,
        fewer + one + two,
        none,
        MAGIC,
        b"",
    ):
        with pytest.raises(ValueError, match=r"."):
            unseal(KEY, "a", damaged)


def test_another_key_or_name_does_not_open() -> None:
    sealed = seal(KEY, "records/a", b"x")
    for key, name in ((OTHER, "records/a"), (KEY, "records/b")):
        with pytest.raises(ValueError, match="altered"):
            unseal(key, name, sealed)


def test_the_vault_keeps_and_lists(city: City) -> None:
    vault = Vault(city)
    vault.write("records/a", b"one")
    vault.write("records/b", b"two", key="delivery-2")
    assert vault.read("records/a") == b"one"
    assert vault.read("records/b", key="delivery-2") == b"two"
    assert vault.names("records") == ["records/a", "records/b"]
    assert vault.names("nothing") == []
    assert b"one" not in (city.vault / "records" / "a.sealed").read_bytes()
    assert stat.S_IMODE((city.vault / "records" / "a.sealed").stat().st_mode) == 0o600
    vault.remove("records/a")
    vault.remove("records/a")
    assert not vault.has("records/a")


def test_entries_of_the_vault_cannot_be_swapped(city: City) -> None:
    vault = Vault(city)
    vault.write("records/a", b"one")
    vault.write("records/b", b"two")
    a, b = city.vault / "records" / "a.sealed", city.vault / "records" / "b.sealed"
    first, second = a.read_bytes(), b.read_bytes()
    a.write_bytes(second)
    b.write_bytes(first)
    for name in ("records/a", "records/b"):
        with pytest.raises(StorageError, match="cannot be read"):
            vault.read(name)


def test_missing_entries_wrong_keys_and_destroyed_keys_are_messages(city: City) -> None:
    vault = Vault(city)
    vault.write("a", b"one", key="delivery-1")
    for name, key in (("b", "delivery-1"), ("a", "vault")):
        vault.keys.get(key)
        with pytest.raises(StorageError):
            vault.read(name, key=key)
    vault.keys.destroy("delivery-1")
    with pytest.raises(StorageError, match="delivery-1"):
        vault.read("a", key="delivery-1")
    with pytest.raises(ValueError, match="outside"):
        vault.write("../../x", b"")


def test_tables_come_back_with_types(city: City) -> None:
    import pyarrow as pa

    table = pa.table({"a": pa.array([1, None], pa.int32()), "b": ["王", "李"]})
    vault = Vault(city)
    vault.write_table("quarantine", table)
    assert vault.read_table("quarantine").equals(table)
