"""The pages of link review in a real browser: no wider than a telephone, fields with names, targets large enough."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from commonground.city import City
from commonground.governance import Ledger
from commonground.people.review import looking
from review_kit import opened, small_town

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("link_review"),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium absent: apt-get install chromium fonts-wqy-microhei"),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip

# Every page in frames of 320, 390 and 1280 px; what is wider than its frame, fields without a label, and choices and
# buttons lower than 44 px are told.
PROBE = """<!doctype html><meta charset="utf-8"><body><pre id="out">waiting</pre><script>
const paths = %s, out = [];
async function look(path, width) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:900px;border:0`;
  frame.src = path;
  document.body.append(frame);
  await new Promise(done => frame.onload = done);
  const doc = frame.contentDocument, root = doc.documentElement;
  const wide = [...doc.querySelectorAll("body *")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right > width + 1 && !e.closest(".scroll, svg, .skip, .vh");
  }).map(e => e.tagName + "." + e.className).slice(0, 3);
  const bare = [...doc.querySelectorAll("input:not([type=hidden])")].filter(e => !e.labels.length).length;
  const low = [...doc.querySelectorAll(".choices label, main button")]
    .filter(e => e.getBoundingClientRect().height < 43).length;
  const marks = [...doc.querySelectorAll("mark")];
  const plain = marks.filter(e => frame.contentWindow.getComputedStyle(e).outlineStyle === "none").length;
  const title = doc.querySelectorAll("h1").length === 1 ? doc.querySelector("h1").textContent : "";
  out.push([path, width, root.scrollWidth, wide.join(" "), bare, low, marks.length, plain, title].join("\\t"));
  frame.remove();
}
(async () => {
  for (const path of paths) for (const width of [320, 390, 1280]) await look(path, width);
  document.getElementById("out").textContent = out.join("\\n") + "\\ndone";
})();
</script>"""

# The desk with three differences: whoever asks is signed in, the probe may hold its pages in frames, and run a script.
SERVER = """
import pathlib, sys, uvicorn
from commonground.city import City
from commonground.governance import Ledger
from commonground.governance.sessions import Sessions
from commonground.web.desk import desk

city = City(pathlib.Path(sys.argv[1]))
probe = pathlib.Path(sys.argv[3]).read_bytes()
with Ledger(city) as ledger:
    cookie = Sessions(ledger).begin("li.wei").cookie

class App:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["path"] == "/probe.html":
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
            await send({"type": "http.response.body", "body": probe})
            return
        async def sent(message):
            if message["type"] == "http.response.start":
                headers = [h for h in message["headers"] if h[0] not in (b"x-frame-options", b"set-cookie")]
                framed = [(k, v.replace(b"frame-ancestors 'none'", b"frame-ancestors 'self'")) for k, v in headers]
                message = {**message, "headers": framed}
            await send(message)
        headers = [*scope["headers"], (b"cookie", f"commonground={cookie}".encode())]
        await self.app({**scope, "headers": headers}, receive, sent)

uvicorn.run(App(desk(city, cost=4)), port=int(sys.argv[2]), log_level="warning", lifespan="off")
"""


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Path, str]:
    """Open a round, and a second one that is decided whole."""
    folder = tmp_path_factory.mktemp("review")
    city = small_town(folder)
    made = opened(city, pairs=5000)
    done = opened(city, pairs=6, seed=2)
    with Ledger(city) as ledger:
        for number in range(1, len(done.pairs) + 1):
            looking.view(city, ledger, done.id, number, "desk:li.wei", "zh")
            looking.decide(city, ledger, done.id, number, "desk:li.wei", "same")
    pages = ["/review", f"/review/{made.id}", *(f"/review/{made.id}/{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8))]
    pages += [f"/review/{done.id}", f"/review/{done.id}/1", f"/review/{done.id}/1/why"]
    return [f"/{lang}{page}" for lang in ("zh", "en") for page in pages], city.path, done.id


@pytest.fixture(scope="module")
def seen(paths: tuple[list[str], Path, str], tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """What the browser saw of every page at every width."""
    pages, city, _ = paths
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.html").write_text(PROBE % str(pages).replace("'", '"'), encoding="utf-8")
    (folder / "server.py").write_text(SERVER, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = [sys.executable, str(folder / "server.py"), str(city), str(port), str(folder / "probe.html")]
    with subprocess.Popen(served) as server:
        try:
            _wait(port)
            url = f"http://127.0.0.1:{port}/probe.html"
            profile = f"--user-data-dir={folder / 'profile'}"
            command = [str(CHROMIUM), *FLAGS, profile, "--virtual-time-budget=180000", "--dump-dom", url]
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
        finally:
            server.terminate()
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-2000:]
    lines = found[1].strip().splitlines()
    assert lines[-1] == "done", lines[-3:]
    return [line.split("\t") for line in lines[:-1]]


def _wait(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the desk did not start")


def test_no_page_is_wider_than_a_telephone(seen: list[list[str]]) -> None:
    for path, width, scroll, wide, *_ in seen:
        assert int(scroll) <= int(width), (path, width, wide)
        assert not wide, (path, width, wide)


def test_fields_are_named_and_large_enough_to_touch(seen: list[list[str]]) -> None:
    assert len({path for path, *_ in seen}) == 26
    for path, width, _, _, bare, low, *_ in seen:
        assert (bare, low) == ("0", "0"), (path, width)


def test_differences_are_framed_not_only_coloured(seen: list[list[str]]) -> None:
    assert sum(int(line[6]) for line in seen) > 0
    assert all(line[7] == "0" for line in seen)


def test_every_page_has_one_heading_in_its_language(seen: list[list[str]]) -> None:
    for path, *_, title in seen:
        assert title, path
        assert bool(re.search("[\u4e00-\u9fff]", title)) == path.startswith("/zh/"), title


def test_the_city_was_not_harmed(paths: tuple[list[str], Path, str]) -> None:
    with Ledger(City(paths[1])) as ledger:
        assert ledger.verify().require()
