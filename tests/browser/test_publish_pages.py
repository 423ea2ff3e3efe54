"""Every page in a real browser: no overflow on a telephone, no errors, text in both languages.

Chromium is driven by its command line. The site's own headers are in force, so that whatever a strict content
security policy would drop shows up here.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from release_city import make_city, release

CHROMIUM = next((p for name in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(name))), None)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.xdist_group("release"),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium absent: apt-get install chromium fonts-wqy-microhei"),
]
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
SLUGS = ("overview", "definitions", "gaps", "schools", "factors", "quality", "links")
PATHS = [f"{lang}/{slug}.html" for lang in ("zh", "en") for slug in SLUGS] + ["report.zh.html", "report.en.html"]

# Frames of 390 and 320 px, each page in turn; what is wider than its frame is named. Served beside the pages, so that
# it may look into them; scripts are allowed to this page alone.
PROBE = """<!doctype html><meta charset="utf-8"><body><pre id="out">waiting</pre><script>
const paths = %s, out = [];
async function look(path, width) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:900px;border:0`;
  frame.src = "/" + path;
  document.body.append(frame);
  await new Promise(done => frame.onload = done);
  const doc = frame.contentDocument, root = doc.documentElement;
  doc.querySelectorAll("details").forEach(d => d.open = true);
  const wide = [...doc.querySelectorAll("body *")].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width && box.right > width + 1 && !e.closest(".scroll, svg, .skip, .vh");
  }).map(e => e.tagName + "." + e.className).slice(0, 3);
  const empty = [...doc.images].filter(i => !i.complete || !i.naturalWidth).length;
  const plain = frame.contentWindow.getComputedStyle(doc.body).fontSize;
  const svgs = [...doc.querySelectorAll(".plot svg")].filter(s => s.getBoundingClientRect().width > 0).length;
  const title = doc.querySelector("h1").textContent;
  out.push([path, width, root.scrollWidth, wide.join(" "), empty, plain, svgs, title].join("\\t"));
  frame.remove();
}
(async () => {
  for (const path of paths) for (const width of [390, 320, 1280]) await look(path, width);
  document.getElementById("out").textContent = out.join("\\n") + "\\ndone";
})();
</script>"""


# The site with two differences: the probe may hold pages in frames, and the probe itself may run its script.
SERVER = """
import pathlib, sys, uvicorn
from commonground.web.site import site

class App:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        async def sent(message):
            if message["type"] == "http.response.start":
                headers = [h for h in message["headers"] if h[0] != b"x-frame-options"]
                if scope["path"] == "/probe.html":
                    headers = [h for h in headers if h[0] != b"content-security-policy"]
                framed = [(k, v.replace(b"frame-ancestors 'none'", b"frame-ancestors 'self'")) for k, v in headers]
                message = {**message, "headers": framed}
            await send(message)
        await self.app(scope, receive, sent)

app = App(site(pathlib.Path(sys.argv[1])))
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning", lifespan="off")
"""


def chromium(folder: Path, *words: str, wait: int = 90) -> subprocess.CompletedProcess[str]:
    profile = folder / "profile"
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "--enable-logging=stderr", "--v=0", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=wait, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("browser")
    city = make_city(folder / "city", schools=60)
    made = release(city)
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (made.path / "public" / "probe.html").write_text(PROBE % PATHS, encoding="utf-8")
    command = [sys.executable, "-c", SERVER, str(city / "releases"), str(port)]
    server = subprocess.Popen(command)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}", folder
    finally:
        server.terminate()
        server.wait(timeout=10)


@pytest.fixture(scope="module")
def looked(site: tuple[str, Path]) -> tuple[list[list[str]], str]:
    """Look at every page at three widths; gives the rows and what the browser complained of."""
    address, folder = site
    done = chromium(
        folder, "--dump-dom", "--virtual-time-budget=60000", "--window-size=1400,1000", f"{address}/probe.html"
    )
    found = re.search(r'<pre id="out">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-2000:]
    lines = found[1].strip().split("\n")
    assert lines[-1] == "done", found[1][-500:]
    return [line.split("\t") for line in lines[:-1]], done.stderr


def test_no_page_is_wider_than_a_telephone(looked: tuple[list[list[str]], str]) -> None:
    rows, _ = looked
    assert len(rows) == 3 * len(PATHS)
    wide = [row for row in rows if int(row[2]) > int(row[1]) or row[3]]
    assert not wide


def test_every_drawing_and_style_arrives(looked: tuple[list[list[str]], str]) -> None:
    rows, _ = looked
    assert all(row[4] == "0" for row in rows), "an image did not load"
    assert {row[5] for row in rows} == {"16px"}
    for row in rows:
        if row[0].endswith(("gaps.html", "factors.html", "overview.html", "links.html")):
            assert int(row[6]) >= 1, row
    assert all(row[7].strip() for row in rows)


def test_the_browser_has_nothing_to_complain_of(looked: tuple[list[list[str]], str]) -> None:
    _, said = looked
    complaints = [line for line in said.splitlines() if "CONSOLE" in line]
    assert not complaints


def test_a_screenshot_is_not_empty(site: tuple[str, Path]) -> None:
    address, folder = site
    target = folder / "gaps.png"
    chromium(folder, "--window-size=390,2400", f"--screenshot={target}", f"{address}/zh/gaps.html")
    assert target.stat().st_size > 40_000
