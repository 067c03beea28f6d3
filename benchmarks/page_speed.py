"""How large the report's page is, and how fast a browser shows, filters and sorts it.

In a built workspace: python benchmarks/page_speed.py 300.  The page of the benchmark as it is, and one with as many
runs as asked for: copies of the benchmark's under new names.  Chromium opens each a few times from the disk, in real
time; medians are printed.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import count, islice
from json import loads
from pathlib import Path
from typing import Any

from genbench.params.schema import load
from genbench.report import DatasetResult, RunResult, render
from genbench.stages import report

TIMES = 3
SECONDS = 120  # for which one opening may take
# Two frames after a change it is on the screen.
DRIVER = """<script>
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const timed = async (act) => {
  const start = performance.now();
  act();
  await painted();
  return performance.now() - start;
};
const type = (text) => { asked.find.value = text; asked.find.dispatchEvent(new Event("input")); };
addEventListener("load", () => setTimeout(async () => {
  const found = { "first view": performance.getEntriesByName("first-contentful-paint")[0]?.startTime };
  found.loaded = performance.timing.loadEventEnd - performance.timing.navigationStart;
  found.filter = await timed(() => type("vae"));
  found["filter off"] = await timed(() => type(""));
  const tables = [...document.querySelectorAll("table.sortable")];
  const largest = tables.reduce((a, b) => (b.rows.length > a.rows.length ? b : a));
  largest.scrollIntoView();
  await painted();
  found.sort = await timed(() => largest.querySelector("thead tr:last-child th:nth-child(4) button").click());
  const gallery = largest.closest("section").querySelector(".gallery");
  found.gallery = await timed(() => { gallery.open = true; });
  found["end of the page"] = await timed(() => scrollTo(0, document.body.scrollHeight));
  fetch("http://127.0.0.1:PORT/", { method: "POST", mode: "no-cors", body: JSON.stringify(found) });
}, 500));
</script>
</body>"""


def main(wanted: int) -> None:
    settings = load(Path("params.yaml"))
    runs, _ = report.results(settings)
    datasets = [found for name in settings.datasets if (found := report.dataset(name))]
    for each in (runs, planted(runs, wanted)):
        measure(each, datasets)


def planted(runs: Sequence[RunResult], wanted: int) -> list[RunResult]:
    """The runs and copies of them, round after round; each copy is a row of its own."""
    copies = (
        replace(run, name=f"{run.name}-copy{i}", entry=run.entry | {"copy": i})
        for i in count(1)
        for run in runs
    )
    return [*runs, *islice(copies, max(0, wanted - len(runs)))]


def measure(runs: Sequence[RunResult], datasets: Sequence[DatasetResult]) -> None:
    content = render(runs, datasets)["index.html"]
    print(f"{len(runs)} runs: {len(content) / 1e6:.2f} MB")
    with tempfile.TemporaryDirectory() as folder, HTTPServer(("127.0.0.1", 0), Inbox) as server:
        server.timeout = SECONDS
        page = Path(folder) / "index.html"
        driver = DRIVER.replace("PORT", str(server.server_port))
        text = content.decode().replace(
            "default-src 'none'", "connect-src http://127.0.0.1:*; default-src 'none'"
        )
        page.write_text(text.replace("</body>", driver), encoding="utf-8")
        found = [opened(page, server, Path(folder) / f"profile{i}") for i in range(TIMES)]
    for name in found[0]:
        values = sorted(each[name] for each in found)
        print(f"  {name}: {statistics.median(values):.0f} ms ({values[0]:.0f} to {values[-1]:.0f})")


def opened(page: Path, server: HTTPServer, profile: Path) -> dict[str, float]:
    """What the page measured of itself, by what, in milliseconds."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("no Chromium here; expected one on the path")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--window-size=1400,1000"]
    command = [browser, *options, "--remote-debugging-port=0", f"--user-data-dir={profile}", page.as_uri()]
    Inbox.received = ""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            server.handle_request()
        finally:
            process.terminate()
    if not Inbox.received:
        raise SystemExit(f"the page was not through in {SECONDS} s")
    return dict(loads(Inbox.received))


class Inbox(BaseHTTPRequestHandler):
    """Takes what the page posts."""

    received = ""

    def do_POST(self) -> None:
        Inbox.received = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


if __name__ == "__main__":
    main(int(sys.argv[1]))
