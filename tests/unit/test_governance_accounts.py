"""Accounts and sessions of the desk: invitations, passwords, second factors, limits, expiry."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from commonground.city import City
from commonground.errors import AccessError
from commonground.governance import Accounts, Ledger, Roles, Sessions
from commonground.governance.accounts import BY_ONE_PLACE, FROM_ALL_PLACES, FROM_ONE_PLACE, WINDOW_SECONDS
from commonground.governance.passwords import (
    check_factor,
    check_password,
    factor_uri,
    hash_password,
    new_factor,
    require_strong,
    time_code,
)
from commonground.governance.sessions import GRACE_SECONDS, IDLE_SECONDS, LONGEST_SECONDS, RENEW_SECONDS
from governance_kit import Clock, make_city, open_ledger

ADMIN, PASSWORD = "local:chen", "three blue gates 7"


@pytest.fixture
def city(tmp_path: Path) -> City:
    return make_city(tmp_path / "city")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(city: City, clock: Clock) -> Iterator[Ledger]:
    with open_ledger(city, clock) as ledger:
        Roles(ledger).begin(ADMIN)
        yield ledger


@pytest.fixture
def accounts(city: City, ledger: Ledger) -> Accounts:
    return Accounts(city, ledger, cost=4)


@pytest.fixture
def opened(accounts: Accounts) -> Accounts:
    accounts.open(accounts.invite("li.wei", "official", actor=ADMIN), "li.wei", PASSWORD)
    return accounts


RFC_6238 = [
    (59, "94287082", "46119246", "90693936"),
    (1111111109, "07081804", "68084774", "25091201"),
    (1111111111, "14050471", "67062674", "99943326"),
    (1234567890, "89005924", "91819424", "93441116"),
    (2000000000, "69279037", "90698825", "38618901"),
    (20000000000, "65353130", "77737706", "47863826"),
]


@pytest.mark.parametrize(("at", "sha1", "sha256", "sha512"), RFC_6238)
def test_time_codes_are_those_of_rfc_6238(at: int, sha1: str, sha256: str, sha512: str) -> None:
    """Appendix B; the seed is as long as the hash, as the erratum says."""
    seed = b"1234567890" * 7
    for algorithm, length, expected in (("sha1", 20, sha1), ("sha256", 32, sha256), ("sha512", 64, sha512)):
        assert time_code(seed[:length], at // 30, digits=8, algorithm=algorithm) == expected


RFC_4226 = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"


def test_codes_are_those_of_rfc_4226() -> None:
    assert [time_code(b"12345678901234567890", n) for n in range(10)] == RFC_4226.split()


def test_a_code_holds_for_a_step_either_way_and_once() -> None:
    secret, now = new_factor(), 1_900_000_000.0
    key, step = base64.b32decode(secret), 1_900_000_000 // 30
    for shift in (-1, 0, 1):
        assert check_factor(secret, time_code(key, step + shift), now, 0) == step + shift
    for shift in (-2, 2):
        assert check_factor(secret, time_code(key, step + shift), now, 0) is None
    assert check_factor(secret, time_code(key, step), now, step) is None
    assert check_factor(secret, f" {time_code(key, step)[:3]} {time_code(key, step)[3:]}", now, 0) == step
    for wrong in ("", "abcdef", "１２３４５６"):
        assert check_factor(secret, wrong, now, 0) is None
    assert factor_uri(secret, "li.wei", "CommonGround 市").startswith("otpauth://totp/CommonGround%20%E5%B8%82:li.wei?")


def test_scrypt_is_the_one_of_rfc_7914() -> None:
    """RFC 7914, section 12, third vector: password "pleaseletmein", N = 16384, r = 8, p = 1."""
    salt = b"SodiumChloride".hex()
    right = (
        "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
    )
    # The first 32 bytes of a longer key of scrypt are those of a shorter one (PBKDF2 gives block after block).
    assert check_password("pleaseletmein", f"scrypt$14$8$1${salt}${right[:64]}")
    assert not check_password("pleaseletmeout", f"scrypt$14$8$1${salt}${right[:64]}")


def test_passwords_are_salted_and_as_costly_as_said() -> None:
    stored = hash_password(PASSWORD)
    assert stored.startswith("scrypt$15$8$3$")
    assert PASSWORD not in stored
    assert check_password(PASSWORD, stored)
    assert not check_password(PASSWORD + " ", stored)
    assert hash_password(PASSWORD, cost=4) != hash_password(PASSWORD, cost=4)


@pytest.mark.parametrize(
    "weak", ["", "short 1", "aaaaaaaaaaaaaaa1", "abcdefghijklmnop", "123456789012", "LI.WEI is my 1", "x1 " * 90]
)
def test_weak_passwords_are_refused(weak: str) -> None:
    with pytest.raises(AccessError) as caught:
        require_strong(weak, "li.wei")
    assert caught.value.why is not None


@pytest.mark.parametrize("strong", [PASSWORD, "三扇蓝色的门都朝着大海开！", "correct-horse-battery"])
def test_sentences_are_good_passwords(strong: str) -> None:
    require_strong(strong, "li.wei")
    assert check_password(strong, hash_password(strong, cost=4))


def test_an_invitation_opens_an_account_once(accounts: Accounts, ledger: Ledger) -> None:
    with pytest.raises(AccessError):
        accounts.check("li.wei", "")
    code = accounts.invite("li.wei", "official", actor=ADMIN)
    assert [(a.account, a.status) for a in accounts.all()] == [("li.wei", "invited")]
    accounts.open(code.lower().replace("-", " "), " Li.Wei ", PASSWORD)
    assert [(a.account, a.status) for a in accounts.all()] == [("li.wei", "open")]
    assert accounts.check("li.wei", PASSWORD).actor == "desk:li.wei"
    with pytest.raises(AccessError):
        accounts.open(code, "li.wei", PASSWORD)
    assert "official" in Roles(ledger).of("desk:li.wei")
    assert [str(e.kind) for e in ledger.entries(subject="desk:li.wei")] == [
        "role_granted",
        "account_invited",
        "account_opened",
        "sign_in_refused",
    ]


def test_a_code_is_for_its_account_and_its_week(accounts: Accounts, clock: Clock) -> None:
    code = accounts.invite("li.wei", actor=ADMIN)
    with pytest.raises(AccessError):
        accounts.open(code, "wang", PASSWORD)
    with pytest.raises(AccessError, match="cannot be used"):
        accounts.open(code, "li.wei", "weak")
    clock.forward(days=7, seconds=1)
    with pytest.raises(AccessError):
        accounts.open(code, "li.wei", PASSWORD)
    newer = accounts.invite("li.wei", actor=ADMIN)
    newest = accounts.invite("li.wei", actor=ADMIN)
    with pytest.raises(AccessError):
        accounts.open(newer, "li.wei", PASSWORD)
    accounts.open(newest, "li.wei", PASSWORD)


def test_only_administrators_invite_and_names_are_plain(accounts: Accounts) -> None:
    with pytest.raises(AccessError):
        accounts.invite("li.wei", actor="local:li")
    for name in ("", "L", "李伟", "a b", "-x", "x" * 40):
        with pytest.raises(AccessError):
            accounts.invite(name, actor=ADMIN)
    assert accounts.all() == []


def test_a_new_invitation_replaces_password_and_second_factor(opened: Accounts, ledger: Ledger, clock: Clock) -> None:
    secret = opened.begin_factor()
    assert opened.set_factor("li.wei", secret, code_of(secret, clock))
    session = Sessions(ledger).begin("li.wei")
    opened.open(opened.invite("li.wei", "official", actor=ADMIN), "li.wei", "another long one 8")
    assert Sessions(ledger).read(session.cookie) is None
    assert not opened.has_factor("li.wei")
    opened.check("li.wei", "another long one 8")
    with pytest.raises(AccessError):
        opened.check("li.wei", PASSWORD)


def code_of(secret: str, clock: Clock) -> str:
    return time_code(base64.b32decode(secret), int(clock().timestamp() // 30))


def test_the_second_factor_is_needed_once_set(opened: Accounts, clock: Clock) -> None:
    secret = opened.begin_factor()
    assert not opened.set_factor("li.wei", secret, "000000" if code_of(secret, clock) != "000000" else "111111")
    assert not opened.set_factor("li.wei", "JBSWY3DP", time_code(base64.b32decode("JBSWY3DP"), 1))
    assert opened.set_factor("li.wei", secret, code_of(secret, clock))
    assert not opened.set_factor("li.wei", new_factor(), "000000")
    clock.forward(seconds=60)
    for wrong in ("", "12"):
        with pytest.raises(AccessError):
            opened.check("li.wei", PASSWORD, wrong)
    code = code_of(secret, clock)
    opened.check("li.wei", PASSWORD, code)
    with pytest.raises(AccessError):
        opened.check("li.wei", PASSWORD, code)  # seen over a shoulder


def test_no_secret_stands_readable_in_the_database(opened: Accounts, city: City, clock: Clock) -> None:
    secret = opened.begin_factor()
    opened.set_factor("li.wei", secret, code_of(secret, clock))
    code = opened.invite("wang", actor=ADMIN)
    session = Sessions(opened.ledger).begin("li.wei")
    with pytest.raises(AccessError):
        opened.check("my password by mistake", "x")
    with sqlite3.connect(city.path / "ledger.db") as connection:
        dump = "\n".join(connection.iterdump())
    connection.close()
    name = session.cookie.split(".")[0]
    for hidden in (PASSWORD, secret, code, code.replace("-", ""), session.cookie, name, "my password by mistake"):
        assert hidden not in dump


def fail(accounts: Accounts, account: str, place: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(AccessError, match="wrong"):
            accounts.check(account, "not the password", place=place)


def test_too_many_failures_close_sign_in_for_a_while(opened: Accounts, ledger: Ledger, clock: Clock) -> None:
    fail(opened, "li.wei", "10.0.0.1", FROM_ONE_PLACE)
    before = len(ledger.entries())
    for _ in range(3):
        with pytest.raises(AccessError, match="Too many"):
            opened.check("li.wei", PASSWORD, place="10.0.0.1")
    assert len(ledger.entries()) == before  # guessing cannot fill the ledger
    opened.check("li.wei", PASSWORD, place="10.0.0.2")  # whoever guesses elsewhere does not shut out the owner
    clock.forward(seconds=WINDOW_SECONDS + 1)
    opened.check("li.wei", PASSWORD, place="10.0.0.1")


def test_guessing_from_many_places_or_on_many_accounts_is_stopped(opened: Accounts) -> None:
    for place in range(FROM_ALL_PLACES // 4):
        fail(opened, "li.wei", f"10.0.1.{place}", 4)
    with pytest.raises(AccessError, match="Too many"):
        opened.check("li.wei", PASSWORD, place="10.0.9.9")
    for number in range(BY_ONE_PLACE):
        fail(opened, f"nobody{number}", "10.0.2.1", 1)
    with pytest.raises(AccessError, match="Too many"):
        opened.check("wang", PASSWORD, place="10.0.2.1")


def test_invitation_codes_cannot_be_guessed_without_limit(opened: Accounts) -> None:
    for _ in range(FROM_ONE_PLACE):
        with pytest.raises(AccessError, match="code or the account"):
            opened.open("AAAAA-AAAAA-AAAAA-AAAAA", "li.wei", PASSWORD, place="10.0.0.1")
    with pytest.raises(AccessError, match="Too many"):
        opened.open("AAAAA-AAAAA-AAAAA-AAAAA", "li.wei", PASSWORD, place="10.0.0.1")


def test_unknown_accounts_and_wrong_passwords_are_told_alike(opened: Accounts, ledger: Ledger) -> None:
    said = set()
    for account in ("li.wei", "nobody", "李伟"):
        with pytest.raises(AccessError) as caught:
            opened.check(account, "not the password")
        said.add(caught.value.message("zh"))
    assert len(said) == 1
    subjects = [e.subject for e in ledger.entries("sign_in_refused")]
    assert subjects[0] == "desk:li.wei"
    assert all(s.startswith("unknown:") and "nobody" not in s and "李伟" not in s for s in subjects[1:])


def test_changing_the_password_ends_sessions(opened: Accounts, ledger: Ledger) -> None:
    session = Sessions(ledger).begin("li.wei")
    with pytest.raises(AccessError):
        opened.change_password("li.wei", "wrong", "another long one 8")
    opened.change_password("li.wei", PASSWORD, "another long one 8")
    assert Sessions(ledger).read(session.cookie) is None
    opened.check("li.wei", "another long one 8")


def test_a_closed_account_is_out_at_once(opened: Accounts, ledger: Ledger) -> None:
    session = Sessions(ledger).begin("li.wei")
    with pytest.raises(AccessError):
        opened.close("li.wei", actor="desk:li.wei")
    opened.close("li.wei", actor=ADMIN)
    assert Sessions(ledger).read(session.cookie) is None
    with pytest.raises(AccessError):
        opened.check("li.wei", PASSWORD)
    assert [(a.account, a.status) for a in opened.all()] == [("li.wei", "closed")]


def test_a_session_is_read_until_it_ends(ledger: Ledger) -> None:
    sessions = Sessions(ledger)
    session = sessions.begin("li.wei")
    read = sessions.read(session.cookie)
    assert read is not None
    assert (read.account, read.cookie) == ("li.wei", "")
    sessions.end(session.cookie)
    assert sessions.read(session.cookie) is None
    sessions.end(session.cookie)
    assert [str(e.kind) for e in ledger.entries()][-2:] == ["sign_in", "sign_out"]


def test_a_forged_or_altered_cookie_is_nothing(ledger: Ledger) -> None:
    sessions = Sessions(ledger)
    cookie = sessions.begin("li.wei").cookie
    name, time, mac = cookie.split(".")
    for forged in ("", "x", name, f"{name}.{time}.{mac[:-2]}AA", f"x{name}.{time}.{mac}", f"{name}..{mac}", "…"):
        assert sessions.read(forged) is None
    ledger.keyring.destroy(f"desk-cookies-{ledger.clock():%Y-%m}")
    assert sessions.read(cookie) is None


def test_an_unused_session_ends(ledger: Ledger, clock: Clock) -> None:
    sessions = Sessions(ledger)
    cookie = sessions.begin("li.wei").cookie
    clock.forward(seconds=IDLE_SECONDS + 1)
    assert sessions.read(cookie) is None
    clock.forward(seconds=-IDLE_SECONDS)
    assert sessions.read(cookie) is None


def test_a_session_is_renewed_and_ends_after_the_longest_time(ledger: Ledger, clock: Clock) -> None:
    sessions = Sessions(ledger)
    first = cookie = sessions.begin("li.wei").cookie
    seen = {cookie}
    for _ in range(LONGEST_SECONDS // RENEW_SECONDS - 1):
        clock.forward(seconds=RENEW_SECONDS + 1)
        session = sessions.read(cookie)
        assert session is not None
        cookie = session.cookie
        assert cookie not in seen
        seen.add(cookie)
    assert sessions.read(first) is None
    clock.forward(seconds=RENEW_SECONDS)
    assert sessions.read(cookie) is None


def test_pages_asked_for_while_a_session_is_renewed_are_answered(ledger: Ledger, clock: Clock) -> None:
    sessions = Sessions(ledger)
    old = sessions.begin("li.wei").cookie
    clock.forward(seconds=RENEW_SECONDS + 1)
    renewed = sessions.read(old)
    assert renewed is not None
    assert renewed.cookie
    second = sessions.read(old)
    assert second is not None
    assert second.cookie == ""
    clock.forward(seconds=GRACE_SECONDS + 1)
    assert sessions.read(old) is None
    assert sessions.read(renewed.cookie) is not None


def test_cookies_of_the_last_month_still_work_and_older_ones_do_not(ledger: Ledger, clock: Clock) -> None:
    sessions = Sessions(ledger)
    start = clock.now
    clock.now = start.replace(day=28, hour=23)
    cookie = sessions.begin("li.wei").cookie
    clock.forward(days=5)
    assert sessions._unsign(cookie) is not None
    clock.forward(days=31)
    assert sessions._unsign(cookie) is None
