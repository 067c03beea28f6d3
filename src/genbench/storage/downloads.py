"""Published files: fetched from the first address that has them; kept only if their hash is the published one."""

import hashlib
import urllib.request
from collections.abc import Sequence
from http.client import HTTPException

from genbench.storage.files import InputError


def download(urls: Sequence[str], digest: str, *, algorithm: str = "sha256") -> tuple[bytes, str]:
    """The content with this hash, and which of the addresses had it.

    Raises:
        InputError: no address answers with that content; for each, what it answered instead.
    """
    problems = []
    for url in urls:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                content: bytes = answer.read()
        except (OSError, HTTPException) as error:
            problems.append(f"{url}: {getattr(error, 'reason', None) or error}")
            continue
        found = hexdigest(content, algorithm)
        if found == digest:
            return content, url
        problems.append(f"{url}: {algorithm} {found[:8]}…, {len(content)} bytes; expected {digest[:8]}…")
    raise InputError("; ".join(problems))


def hexdigest(content: bytes, algorithm: str) -> str:
    return hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()
