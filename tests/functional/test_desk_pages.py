"""The desk as its visitors meet it: signing in, roles, the officials' pages, forgery, both languages."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from commonground.city import City
from commonground.governance import Accounts, Ledger, Roles
from commonground.governance.accounts import FROM_ONE_PLACE
from commonground.governance.passwords import time_code
from commonground.governance.sessions import IDLE_SECONDS
from commonground.web.desk import desk
from commonground.web.desk_guard import same_origin
from commonground.web.desk_request import current_release
from commonground.web.desk_view import TEMPLATES, words
from governance_kit import Browser, Clock, make_city

pytestmark = pytest.mark.xdist_group("desk")  # what one test writes into the ledger another reads

FOUNDER, PASSWORD = "local:chen", "three blue gates 7"
STAFF = {"li.wei": "official", "wang": "audit_administrator", "wu": "researcher", "zhao": "security_administrator"}
PAGES = ("", "ledger", "people", "account")


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A city with a release and four accounts."""
    made = make_city(tmp_path_factory.mktemp("desk") / "city")
    for lang in ("zh", "en"):
        for side, page in (("official", "schools"), ("public", "schools"), ("public", "index")):
            folder = made.releases / "2025-09-30-1" / side / lang
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{page}.html").write_text(f"<h1>{side} {page} {lang}</h1>", encoding="utf-8")
    (made.releases / "2025-09-30-1" / "official" / "secret.sqlite").write_text("not a page")
    (made.releases / "2025-09-30-1" / "official" / "schools.json").write_text("{}")
    made.results.mkdir()
    (made.results / "findings.json").write_text('{"not": "released"}')
    (made.releases / "current").symlink_to("2025-09-30-1", target_is_directory=True)
    with Ledger(made) as ledger:
        Roles(ledger).begin(FOUNDER)
        ledger.append("build", FOUNDER, "version 1", {"inputs": "ab" * 32})
        ledger.append("release", FOUNDER, "public", {"recipient": "公众", "authority": "x", "files": []})
        accounts = Accounts(made, ledger, cost=4)
        for account, role in STAFF.items():
            accounts.open(accounts.invite(account, role, actor=FOUNDER), account, PASSWORD)
    return made


@pytest.fixture(scope="module")
def app(city: City) -> object:
    return desk(city, cost=4)


@pytest.fixture
def browser(app: object) -> Browser:
    return Browser(app)


def signed_in(app: object, account: str) -> Browser:
    browser = Browser(app)
    answer = browser.post("/zh/sign-in", {"account": account, "password": PASSWORD, "code": ""})
    assert (answer.status, answer.headers["location"]) == (303, "/zh/")
    return browser


class Page(HTMLParser):
    """What a page holds: its words, headings, links, fields."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.mark.parametrize(
    "path", ["/zh/", "/en/", "/zh/ledger", "/zh/people", "/en/account", "/official/zh/schools.html"]
)
def test_a_stranger_is_asked_to_sign_in(browser: Browser, path: str) -> None:
    answer = browser.get(path)
    lang = "en" if "en" in path.split("/") else "zh"
    assert (answer.status, answer.headers["location"]) == (303, f"/{lang}/sign-in")
    assert browser.get(f"/{lang}/sign-in").status == 200


def test_the_first_page_follows_the_browsers_language(browser: Browser) -> None:
    assert browser.get("/", accept_language="en-GB,en;q=0.8").headers["location"] == "/en/"
    assert browser.get("/", accept_language="zh-CN,zh;q=0.8").headers["location"] == "/zh/"


def test_signing_in_and_out(app: object, city: City) -> None:
    browser = signed_in(app, "li.wei")
    home = browser.get("/zh/")
    assert home.status == 200
    assert "li.wei" in home.text
    assert "主管部门工作人员" in home.text
    cookie = dict(browser.jar)
    answer = browser.post("/zh/sign-out")
    assert (answer.status, answer.headers["location"]) == (303, "/zh/sign-in")
    assert browser.jar == {}
    browser.jar = cookie  # a copied cookie is of no use any more
    assert browser.get("/zh/").status == 303
    with Ledger(city) as ledger:
        kinds = [str(e.kind) for e in ledger.entries(actor="desk:li.wei")]
    assert kinds[-2:] == ["sign_in", "sign_out"]


def test_wrong_passwords_then_a_closed_door(app: object) -> None:
    browser = Browser(app, client="127.0.0.7")
    for _ in range(FROM_ONE_PLACE):
        answer = browser.post("/en/sign-in", {"account": "wu", "password": "wrong"})
        assert answer.status == 403
        assert "The account, password or code is wrong." in answer.text
    answer = browser.post("/en/sign-in", {"account": "wu", "password": PASSWORD})
    assert answer.status == 403
    assert "Too many failures" in answer.text
    assert browser.jar == {}
    assert "失败次数过多" in browser.post("/zh/sign-in", {"account": "wu", "password": PASSWORD}).text
    signed_in(app, "wu")  # from another place


def test_what_was_typed_is_written_back_as_text_only(browser: Browser) -> None:
    answer = browser.post("/zh/sign-in", {"account": '"><script>x</script>', "password": "secret words 1"})
    assert "<script>" not in answer.text
    assert "secret words 1" not in answer.text


@pytest.mark.parametrize(
    ("site", "headers", "passes"),
    [
        ("same-origin", {}, True),
        ("none", {}, True),
        ("cross-site", {}, False),
        ("same-site", {}, False),
        ("cross-site", {"origin": "http://desk.test"}, False),
        (None, {"origin": "http://desk.test"}, True),
        (None, {"origin": "http://evil.test"}, False),
        (None, {"origin": "https://desk.test"}, False),
        (None, {"origin": "null"}, False),
        (None, {}, False),
    ],
)
def test_forged_requests_are_refused(app: object, site: str | None, headers: dict[str, str], passes: bool) -> None:
    browser = signed_in(app, "li.wei")
    answer = browser.post("/zh/sign-out", {}, site=site, **headers)
    assert answer.status == (303 if passes else 403)
    assert (browser.get("/zh/").status == 200) is not passes


def test_the_origin_rule_by_itself() -> None:
    assert same_origin("https", {"origin": "https://a:8443", "host": "a:8443"})
    assert not same_origin("https", {"origin": "https://a", "host": "a:8443"})
    assert not same_origin("http", {})


def test_other_methods_and_long_forms_are_refused(browser: Browser) -> None:
    assert browser._ask("PUT", "/zh/sign-in", {}, {"sec-fetch-site": "same-origin"}).status == 405
    assert browser.post("/zh/sign-in", {"account": "x" * 20_000}).status == 413


@pytest.mark.parametrize("account", STAFF)
def test_each_role_sees_its_pages_and_no_others(app: object, account: str) -> None:
    allowed = {
        "li.wei": {"/zh/", "/zh/account", "/official/zh/schools.html"},
        "wang": {"/zh/", "/zh/account", "/zh/ledger", "/zh/people"},
        "wu": {"/zh/", "/zh/account"},
        "zhao": {"/zh/", "/zh/account", "/zh/people"},
    }[account]
    browser = signed_in(app, account)
    linked = {str(a["href"]) for a in Page(browser.get("/zh/").text).all("a")}
    for path in ("/zh/", "/zh/account", "/zh/ledger", "/zh/people", "/official/zh/schools.html"):
        answer = browser.get(path)
        assert answer.status == (200 if path in allowed else 403), path
        assert (path in linked) == (path in allowed), path
        if path not in allowed:
            assert "您没有权限" in answer.text
            assert "台账" in answer.text


def test_officials_see_named_schools_and_each_reading_is_recorded(app: object, city: City) -> None:
    browser = signed_in(app, "li.wei")
    for lang in ("zh", "en"):
        answer = browser.get(f"/official/{lang}/schools.html")
        assert answer.text == f"<h1>official schools {lang}</h1>"
        assert answer.headers["content-type"].startswith("text/html")
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"
    assert browser.get("/official/en/index.html").text == "<h1>public index en</h1>"
    assert browser.get("/official/schools.json").headers["content-type"] == "application/json"
    with Ledger(city) as ledger:
        read = [e.subject for e in ledger.entries("official_page_read", actor="desk:li.wei")]
        refused = {e.actor for e in ledger.entries("access_refused", subject="read_official")}
    assert read[-3:] == [f"2025-09-30-1/{p}" for p in ("zh/schools.html", "en/schools.html", "schools.json")]
    assert "desk:wu" in refused


OUTSIDE = ["..%2f..%2f..%2fresults%2ffindings.json", "%2e%2e/%2e%2e/%2e%2e/results/findings.json"]


@pytest.mark.parametrize("path", [*OUTSIDE, "../../../city.toml", "/etc/passwd", "secret.sqlite", "zh", "zh/no"])
def test_only_pages_of_the_release_are_served(app: object, path: str) -> None:
    answer = signed_in(app, "li.wei").get(f"/official/{path}")
    assert answer.status in (303, 404)
    assert "area_code" not in answer.text
    assert "released" not in answer.text
    assert "not a page" not in answer.text


def test_the_ledger_page_filters_pages_and_verifies(app: object, city: City) -> None:
    with Ledger(city) as ledger, ledger.writing() as writer:
        for number in range(120):
            writer.append("study", FOUNDER, f"study {number}", {"version": number})
    browser = signed_in(app, "wang")
    seen: list[str] = []
    path: str | None = "/en/ledger?kind=study"
    while path:
        text = browser.get(path).text
        seen += re.findall(r"study \d+", text)
        older = re.search(r'href="(/en/ledger\?kind=study&amp;before=\d+)"', text)
        path = older.group(1).replace("&amp;", "&") if older else None
    assert seen == [f"study {n}" for n in range(119, -1, -1)]
    verified = browser.get("/zh/ledger?verify=1").text
    assert "台账完整" in verified
    for strange in ("kind=nonsense", "before=x", "before=" + "9" * 40, "kind=%00"):
        assert browser.get(f"/zh/ledger?{strange}").status == 200


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("account", ["li.wei", "wang"])
def test_pages_hold_together_in_both_languages(app: object, account: str, lang: str) -> None:
    browser = signed_in(app, account)
    for path in (*PAGES, "nothing-here"):
        answer = browser.get(f"/{lang}/{path}")
        page = Page(answer.text)
        assert page.all("html")[0]["lang"] == ("zh-Hans-CN" if lang == "zh" else "en")
        assert len(page.all("h1")) == 1
        assert {"header", "main", "footer"} <= {tag for tag, _ in page.tags}
        assert not page.all("script")
        assert not [attrs for _, attrs in page.tags if "style" in attrs or any(k.startswith("on") for k in attrs)]
        labelled = {str(label["for"]) for label in page.all("label")}
        fields = [f for f in page.all("input") + page.all("select") if f.get("type") != "hidden"]
        assert {str(f["id"]) for f in fields if not f.get("aria-hidden")} <= labelled
        ids = [str(attrs["id"]) for _, attrs in page.tags if "id" in attrs]
        assert len(ids) == len(set(ids))
        other = "en" if lang == "zh" else "zh"
        switch = next(a for a in page.all("a") if a.get("class") == "lang")
        assert str(switch["href"]).startswith(f"/{other}/")
        if lang == "en":
            assert not re.search(r"[\u4e00-\u9fff]", page.text.replace("中文", "").replace("公众", ""))
        assert browser.get(str(switch["href"])).status in (200, 403, 404)


def test_every_word_is_said_in_both_languages_and_used() -> None:
    used = set()
    for template in (TEMPLATES / "desk").glob("*.html"):
        used |= set(re.findall(r"(?:\bt|title)\('([a-z_]+)'[,)]", template.read_text(encoding="utf-8")))
    account_states = {"account_invited", "account_open", "account_closed"}
    assert used | account_states == set(words())
    for key, said in words().items():
        assert said.zh, key
        assert said.en, key
        assert re.search(r"[\u4e00-\u9fff、。]", said.zh), key
        assert not re.search(r"[\u4e00-\u9fff]", said.en), key
        assert re.findall(r"{\w+}", said.zh) == re.findall(r"{\w+}", said.en), key
        assert "digit" not in key


def test_answers_carry_careful_headers(browser: Browser) -> None:
    for path in ("/zh/sign-in", "/", "/zh/nothing", "/desk.css"):
        headers = browser.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "strict-transport-security" not in headers
    assert "default-src 'none'" in browser.get("/zh/sign-in").headers["content-security-policy"]


def test_the_cookie_is_strict_and_secure_over_https(app: object) -> None:
    form = {"account": "li.wei", "password": PASSWORD}
    plain, secure = Browser(app), Browser(app, scheme="https", client="10.1.1.1")
    (cookie,) = plain.post("/zh/sign-in", form).cookies
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    answer = secure.post("/zh/sign-in", form)
    assert answer.headers["strict-transport-security"]
    (cookie,) = answer.cookies
    assert cookie.startswith("__Host-commonground=")
    assert "Secure" in cookie
    assert "Path=/" in cookie
    assert secure.get("/zh/").status == 200


def test_no_password_crosses_a_network_in_the_clear(app: object) -> None:
    far = Browser(app, client="10.1.1.1")
    answer = far.post("/en/sign-in", {"account": "li.wei", "password": PASSWORD})
    assert answer.status == 403
    assert "https" in answer.text
    assert far.jar == {}


def test_an_invitation_is_used_in_the_browser(app: object, city: City) -> None:
    with Ledger(city) as ledger:
        code = Accounts(city, ledger, cost=4).invite("sun", actor="local:chen")
    browser = Browser(app)
    form = {"account": "sun", "invitation": code, "password": PASSWORD, "again": "something else 9"}
    assert "两次输入的密码不一样" in browser.post("/zh/invitation", form).text
    assert "A password has at least" in browser.post("/en/invitation", form | {"password": "x", "again": "x"}).text
    form["again"] = PASSWORD
    done = browser.post("/zh/invitation", form)
    assert done.status == 200
    assert "已经启用" in Page(done.text).text
    assert browser.post("/zh/invitation", form).status == 403
    assert "公众" in signed_in(app, "sun").get("/zh/").text


def test_password_and_second_factor_are_changed_on_ones_own_page(app: object, city: City) -> None:
    with Ledger(city) as ledger:
        accounts = Accounts(city, ledger, cost=4)
        accounts.open(accounts.invite("qian", actor=FOUNDER), "qian", PASSWORD)
    browser, elsewhere = signed_in(app, "qian"), signed_in(app, "qian")
    newer = "another long one 8"
    wrong = browser.post("/en/account", {"old": "wrong", "password": newer, "again": newer})
    assert (wrong.status, "The old password is wrong" in wrong.text) == (403, True)
    done = browser.post("/en/account", {"old": PASSWORD, "password": newer, "again": newer})
    assert (done.status, "Your password is changed" in done.text) == (200, True)
    assert browser.get("/en/account").status == 200
    assert elsewhere.get("/en/account").status == 303
    key = str(next(f["value"] for f in Page(browser.get("/en/account").text).all("input") if f["name"] == "key"))
    assert browser.post("/en/account/factor", {"key": key, "code": "1"}).status == 403
    assert browser.post("/en/account/factor", {"key": "not base 32 !" * 4, "code": "123456"}).status == 403
    step = int(Clock()().timestamp() // 30)
    code = time_code(base64.b32decode(key.replace(" ", "")), step)
    assert browser.post("/en/account/factor", {"key": key, "code": code}).status == 200
    assert "It is set" in browser.get("/en/account").text
    without = Browser(app).post("/en/sign-in", {"account": "qian", "password": newer})
    assert without.status == 403


@pytest.fixture
def strict(city: City) -> object:
    return desk(city, cost=4, second_factor=True)


def test_where_a_second_factor_is_demanded_nothing_else_is_shown_before(strict: object) -> None:
    browser = signed_in(strict, "li.wei")
    for path in ("/zh/", "/official/zh/schools.html", "/zh/people"):
        answer = browser.get(path)
        assert (answer.status, answer.headers["location"]) == (303, "/zh/account")
    page = browser.get("/zh/account")
    assert page.status == 200
    assert "请先启用动态验证码" in page.text
    assert "原密码" not in page.text
    assert browser.post("/zh/sign-out").status == 303


def test_an_unused_session_ends(app: object, city: City) -> None:
    browser = signed_in(app, "li.wei")
    pages = Ledger(city)
    with pages.state.write() as connection:
        connection.exec_driver_sql(f"UPDATE sessions SET seen = seen - {IDLE_SECONDS + 1}")
    assert browser.get("/zh/").status == 303


def test_a_role_taken_away_works_at_once(app: object, city: City) -> None:
    with Ledger(city) as ledger:
        accounts = Accounts(city, ledger, cost=4)
        accounts.open(accounts.invite("zhou", actor=FOUNDER), "zhou", PASSWORD)
        roles = Roles(ledger)
        roles.grant("desk:zhou", "official", by="desk:zhao")
        browser = signed_in(app, "zhou")
        assert browser.get("/official/zh/schools.html").status == 200
        roles.revoke("desk:zhou", "official", by="desk:zhao")
        assert browser.get("/official/zh/schools.html").status == 403


def test_a_city_without_a_release_says_so(tmp_path: Path) -> None:
    empty = make_city(tmp_path / "city")
    with Ledger(empty) as ledger:
        Roles(ledger).begin(FOUNDER)
        accounts = Accounts(empty, ledger, cost=4)
        accounts.open(accounts.invite("li.wei", "official", actor=FOUNDER), "li.wei", PASSWORD)
    browser = signed_in(desk(empty, cost=4), "li.wei")
    assert "还没有发布" in browser.get("/zh/").text
    assert browser.get("/official/zh/schools.html").status == 404


def test_the_current_release_is_inside_the_releases_or_none(tmp_path: Path) -> None:
    city = make_city(tmp_path / "city")
    assert current_release(city) is None
    (city.releases / "1").mkdir(parents=True)
    pointer = city.releases / "current"
    for content, expected in (
        ("1\n", city.releases / "1"),
        ("2", None),
        ("..", None),
        ("", None),
        ("../deliveries", None),
    ):
        pointer.write_text(content)
        assert current_release(city) == expected, content
    pointer.unlink()
    for target, expected in (("1", city.releases / "1"), ("..", None), (str(tmp_path), None)):
        pointer.symlink_to(target, target_is_directory=True)
        assert current_release(city) == expected, target
        pointer.unlink()


def test_a_damaged_ledger_is_a_page_not_a_traceback(tmp_path: Path) -> None:
    broken = make_city(tmp_path / "city")
    app = desk(broken, cost=4)
    for name in ("ledger.db", "ledger.db-wal", "ledger.db-shm"):
        (broken.path / name).unlink(missing_ok=True)
    (broken.path / "ledger.db").write_bytes(b"this is not a database" * 100)
    answer = Browser(app).post("/en/sign-in", {"account": "li.wei", "password": PASSWORD})
    assert answer.status == 500
    assert "cannot be used" in answer.text
    assert "Traceback" not in answer.text
