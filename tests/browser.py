"""A page in a real headless browser, with a script that acts as its reader."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: the page itself is not tried")


class Left(NamedTuple):
    """text: of `<pre id="result">` when the script was through.  noted: its data attributes."""

    text: str
    noted: dict[str, str]


def browse(page: Path, script: str, profile: Path, *, size: str = "500,900") -> Left:
    """The real page with `script` before its end, which leaves something in `<pre id="result">`.

    `profile` is a folder for what the browser keeps.
    """
    driven = page.with_name("driven.html")
    driven.write_text(page.read_text().replace("</body>", script))
    options = [
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        *(f"--window-size={size}", "--virtual-time-budget=60000", "--dump-dom"),
    ]
    assert CHROMIUM
    # On a busy machine the browser may hand over the page before its script is through.  Every attempt has a profile of
    # its own, since what is kept of the one before would be resumed.
    for attempt in range(4):
        kept = f"--user-data-dir={profile / str(attempt)}"
        command = [CHROMIUM, *options, kept, driven.resolve().as_uri()]
        dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
        found = re.search(r'<pre id="result"([^>]*)>(.*?)</pre>', dom, re.DOTALL)
        assert found
        if found[2]:
            break
    attributes = {k: v.replace("&quot;", '"') for k, v in re.findall(r'data-(\w+)="([^"]*)"', found[1])}
    return Left(found[2], attributes)
