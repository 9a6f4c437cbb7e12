"""How is a file fetched from the web? Once: what the cache holds is taken from there. What breaks off is gone on with.

pooch keeps the cache, compares SHA-256 where it is known, and tries again; the transfer itself is here, since pooch
starts each from the beginning and waits as long as it likes.
"""

import codecs
import contextlib
import hashlib
import logging
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pooch
import requests

from soundbench.errors import InputError

RETRIES = 4
TIMEOUT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 60.0
CHUNK = 2**16
LARGEST_FILE = 2**33
BUSY = (429, 500, 502, 503, 504)
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


class NoSuchFileThere(InputError):
    """The server has no file under that address."""


class NotReached(InputError):
    """There is no connection to the server, or it breaks off."""


@dataclass(frozen=True, slots=True)
class Cache:
    """A folder in which fetched files are kept under their own names; `retries` of a transfer that breaks off."""

    folder: Path
    retries: int = RETRIES

    def fetch(self, url: str, name: str, sha256: str | None = None) -> Path:
        """The file of an address, from the cache if it is there, under a name that may have folders.

        Raises:
            NoSuchFileThere: the server does not have it.
            NotReached: there is no connection, and the file is not in the cache.
            InputError: it cannot be fetched, is a web page, or has another SHA-256.
        """
        pooch.get_logger().setLevel(logging.WARNING)
        registry = {name: f"sha256:{sha256}" if sha256 else None}
        keeper = pooch.create(
            self.folder, base_url="", registry=registry, urls={name: url}, retry_if_failed=self.retries
        )
        with _explained(url, sha256):
            return Path(keeper.fetch(name, downloader=_transfer))

    @contextlib.contextmanager
    def anew(self) -> Iterator["Cache"]:
        """An empty cache beside this one, which takes its place once all is fetched, and is dropped on an error."""
        beside = Cache(self.folder.with_name(f"{self.folder.name}.new"), self.retries)
        shutil.rmtree(beside.folder, ignore_errors=True)
        try:
            yield beside
            shutil.rmtree(self.folder, ignore_errors=True)
            beside.folder.replace(self.folder)
        finally:
            shutil.rmtree(beside.folder, ignore_errors=True)


@contextlib.contextmanager
def _explained(url: str, sha256: str | None) -> Iterator[None]:
    """Turn what requests and pooch raise into messages."""
    try:
        yield
    except requests.HTTPError as error:
        raise InputError(f"{url}: the server answers {_status(error)}; try again later, or name a mirror") from None
    except requests.RequestException as error:
        reason = type(error).__name__
        raise NotReached(
            f"{url}: cannot be fetched ({reason}), and is not in the cache; check the network, or name a mirror"
        ) from None
    except ValueError:
        raise InputError(f"{url}: its SHA-256 is not {sha256}; it was altered or is another version") from None


def _status(error: requests.HTTPError) -> str:
    return "with an error" if error.response is None else f"{error.response.status_code} {error.response.reason}"


def _transfer(url: str, output_file: str, keeper: Any) -> None:  # noqa: ANN401 (a Pooch, whose class is not typed)
    """Fetch a file as pooch asks for it; what has come before a transfer breaks off is kept for the next one."""
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    partial, tag = (Path(keeper.path) / f".{key}.{kind}" for kind in ("partial", "etag"))
    headers = {"Accept-Encoding": "identity", **_where_to_go_on(partial, tag)}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        goes_on = response.status_code == requests.codes.partial_content
        total = _total(response.headers, headers.get("Range")) if goes_on else None
        if response.status_code == requests.codes.requested_range_not_satisfiable or (goes_on and total is None):
            raise _begin_again(url, partial)
        _check(url, response)
        with partial.open("ab" if goes_on else "wb") as file:
            tag.write_text(response.headers.get("ETag", ""), encoding="utf-8")
            for chunk in response.iter_content(CHUNK):
                file.write(chunk)
                if file.tell() > LARGEST_FILE:
                    raise InputError(f"{url}: has more than {LARGEST_FILE:,} bytes; take the files that you need")
    if total not in (None, partial.stat().st_size):
        raise _begin_again(url, partial)
    _refuse_page(url, partial)
    shutil.copyfile(partial, output_file)
    for path in (partial, tag):
        path.unlink()


def _where_to_go_on(partial: Path, tag: Path) -> dict[str, str]:
    """What asks for the rest of a file, if that is sure to be of the same one."""
    etag = tag.read_text(encoding="utf-8") if tag.exists() else ""
    if not etag or not partial.exists():
        return {}
    return {"Range": f"bytes={partial.stat().st_size}-", "If-Range": etag}


def _total(headers: Mapping[str, str], asked: str | None) -> int | None:
    """How many bytes a file has of which a part comes; None unless that is the part that was asked for, to the end."""
    said = CONTENT_RANGE.fullmatch(headers.get("Content-Range", ""))
    if said is None or asked != f"bytes={said[1]}-" or int(said[2]) + 1 != int(said[3]):
        return None
    return int(said[3])


def _begin_again(url: str, partial: Path) -> requests.RequestException:
    """Forget what has come; what makes pooch ask for all of it."""
    partial.unlink(missing_ok=True)
    return requests.ConnectionError(f"{url}: has no such part; begin again")


def _check(url: str, response: requests.Response) -> None:
    """Wait where the server asks for it, and refuse what is no answer."""
    if response.status_code in BUSY:
        time.sleep(wait_seconds(response.headers))
    if response.status_code in (requests.codes.not_found, requests.codes.gone):
        raise NoSuchFileThere(f"{url}: there is no such file; check the name, the revision and the mirror")
    if response.status_code not in BUSY and 400 <= response.status_code < 500:
        raise InputError(f"{url}: the server answers {response.status_code} {response.reason}; check the address")
    response.raise_for_status()


def wait_seconds(headers: Mapping[str, str]) -> float:
    """How long a server asks to be waited for, within reason; not at all if it asks for a date."""
    try:
        return min(max(float(headers.get("Retry-After", "0")), 0.0), LONGEST_WAIT_SECONDS)
    except ValueError:
        return 0.0


def _refuse_page(url: str, path: Path) -> None:
    """Refuse HTML, XML and JSON: no archive, network, property or table begins as they do."""
    with path.open("rb") as file:
        start = file.read(CHUNK).removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith((b"<", b"{")):
        path.unlink()
        raise InputError(
            f"{url}: a web page or a message came in place of the file, perhaps of a log-in; check the address"
        )
