"""A published file is had whole and with its sum from the first address that has it, or it is said why not."""

import gzip
import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from genbench.storage.downloads import download
from genbench.storage.files import InputError

CONTENT = gzip.compress(b"published" * 100, mtime=0)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Site(BaseHTTPRequestHandler):
    """/good; /encoded says that the file is a compressed page; /short ends too early; /other has something else."""

    def do_GET(self) -> None:
        if self.path not in ("/good", "/encoded", "/short", "/other"):
            self.send_error(404)
            return
        content = b"an error page" if self.path == "/other" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(content) + 50 * (self.path == "/short")))
        if self.path == "/encoded":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.fixture
def nobody() -> str:
    """An address where nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    return f"http://127.0.0.1:{port}/file"


def test_addresses_are_tried_in_turn(site: str, nobody: str) -> None:
    bad = [nobody, f"{site}/gone", f"{site}/short", f"{site}/other"]
    assert download([*bad, f"{site}/good", f"{site}/gone"], SHA256) == (CONTENT, f"{site}/good")
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert download([f"{site}/good"], md5, algorithm="md5")[0] == CONTENT


def test_a_file_served_as_a_compressed_page_is_not_unpacked(site: str) -> None:
    assert download([f"{site}/encoded"], SHA256) == (CONTENT, f"{site}/encoded")


def test_one_line_says_what_each_address_answered(site: str, nobody: str) -> None:
    with pytest.raises(InputError) as error:
        download([nobody, f"{site}/gone", f"{site}/short", f"{site}/other"], SHA256)
    refused, gone, short, other = str(error.value).split("; http")
    assert refused.startswith(f"{nobody}: ") and "refused" in refused
    assert gone.endswith("/gone: Not Found")
    assert f"/short: IncompleteRead({len(CONTENT)} bytes read, 50 more expected)" in short
    assert "/other: sha256 " in other and f"13 bytes; expected {SHA256[:8]}…" in other
    assert "\n" not in str(error.value)
