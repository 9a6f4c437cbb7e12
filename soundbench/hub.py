"""How is a dataset fetched from Hugging Face? Through its own client and cache, and only the files that are needed.

Every file is compared with the hash that the hub keeps it under. Files of torch are passed over: they are pickles.
"""

import hashlib
import os
import re
import time
from pathlib import Path

from soundbench.errors import InputError
from soundbench.fetch import BUSY, RETRIES, wait_seconds
from soundbench.suite import INSTANCES

TABLES = "*.parquet"
PATTERNS = (TABLES, f"*{INSTANCES}", "*.onnx", "*.onnx.gz", "*.vnnlib", "*.vnnlib.gz")


def fetch_dataset(repository: str, revision: str | None, mirror: str | None, *, fresh: bool = False) -> Path:
    """The files of a dataset that are needed, from the hub's own cache if they are there and nothing has changed.

    Without a connection what the cache holds is taken, unless it is to be `fresh`. `mirror` is the address of another
    hub; `HF_ENDPOINT` counts otherwise.

    Raises:
        InputError: the dataset or its revision does not exist, cannot be fetched, or was altered on the way.
    """
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    endpoint = mirror or os.environ.get("HF_ENDPOINT")
    try:
        folder = _snapshot(repository, revision, endpoint, fresh=fresh)
    except RevisionNotFoundError:
        raise InputError(f"{repository}: has no revision {revision!r}; leave --revision out for the newest") from None
    except RepositoryNotFoundError:
        raise InputError(f"{repository}: there is no such dataset at {endpoint or 'huggingface.co'}") from None
    except LocalEntryNotFoundError:
        raise InputError(
            f"{repository}: cannot be fetched, and is not in the cache; check the network, or name a mirror"
        ) from None
    except (HfHubHTTPError, HFValidationError) as error:
        raise InputError(f"{repository}: {str(error).splitlines()[0]}; try again later, or name a mirror") from None
    except OSError as error:
        if error.errno is not None:
            raise
        # So its client says that a file has not the size that it should have.
        raise InputError(f"{repository}: {str(error).partition('. ')[0]}; start again to fetch it") from None
    for path in sorted(Path(folder).rglob("*")):
        check_content(path)
    return Path(folder)


def _snapshot(repository: str, revision: str | None, endpoint: str | None, *, fresh: bool) -> str:
    """The folder of a snapshot; a hub that is busy is asked again, as its client does for files alone."""
    from huggingface_hub import snapshot_download

    for attempt in range(RETRIES + 1):
        try:
            return snapshot_download(
                repository,
                repo_type="dataset",
                revision=revision,
                allow_patterns=list(PATTERNS),
                endpoint=endpoint,
                force_download=fresh,
            )
        except OSError as error:
            response = getattr(error if error.__cause__ is None else error.__cause__, "response", None)
            if attempt == RETRIES or response is None or response.status_code not in BUSY:
                raise
            time.sleep(wait_seconds(response.headers))
    raise AssertionError("not reached")


def check_content(path: Path) -> None:
    """Compare a file of the hub's cache with the hash that it is kept under: SHA-256, or git's SHA-1.

    Raises:
        InputError: it was altered, or is cut short; it is removed, so that the next start fetches it again.
    """
    blob = path.resolve()
    if not blob.is_file() or not re.fullmatch("[0-9a-f]{40}|[0-9a-f]{64}", blob.name):
        return
    content = blob.read_bytes()
    is_git = len(blob.name) == 40
    found = hashlib.sha1(b"blob %d\0" % len(content) + content) if is_git else hashlib.sha256(content)  # noqa: S324 (git's)
    if found.hexdigest() != blob.name:
        blob.unlink()
        path.unlink(missing_ok=True)
        raise InputError(f"{path}: is not what its hash says, so it was altered or cut short; start again to fetch it")
