"""Files from the Internet, kept in a folder so that each is fetched once.

A download is written to a temporary file beside its destination, its hash is checked, and only
then is it given its name. So a file that is there is whole: a lost connection or a full disk
leaves nothing behind, and two programs that start at the same time do not disturb each other.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from typing import Any

from minikeras.errors import check_option
from minikeras.utils.archives import extract_archive
from minikeras.utils.printing import print_message
from minikeras.utils.progbar import Progbar

CHUNK = 1 << 16  # bytes that are read at a time
TIMEOUT = 60.0  # seconds without a sign of life from the server


def cache_home() -> str:
    """The folder for downloaded files: $MINIKERAS_HOME, else $KERAS_HOME, else ~/.keras."""
    home = os.environ.get("MINIKERAS_HOME") or os.environ.get("KERAS_HOME") or "~/.keras"
    return os.path.expanduser(home)


def get_file(
    fname: str | os.PathLike[str] | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str | Sequence[str] | None = "auto",
    cache_dir: str | os.PathLike[str] | None = None,
    force_download: bool = False,
) -> str:
    """The path of a file, which is downloaded first unless it is in the cache.

    Args:
        fname: its name in the cache; None means the last part of the URL.
        origin: its URL.
        untar: the old spelling of `extract=True, archive_format="tar"`.
        md5_hash: the old spelling of `file_hash`.
        file_hash: the sha256 or md5 that it must have, as hexadecimal digits. A cached file with
            another hash is downloaded again.
        cache_subdir: the folder inside the cache, or an absolute path.
        hash_algorithm: "sha256", "md5", or "auto" to tell by the length of the hash.
        extract: whether to unpack the archive; the result is then the folder of its contents:
            `fname` if that has no extension, else `fname` up to its first dot and "_extracted".
        archive_format: "tar", "zip", a list of them, or "auto" for both.
        cache_dir: the cache; None means $MINIKERAS_HOME, else $KERAS_HOME, else ~/.keras.
        force_download: whether to download it even if it is in the cache.

    Raises:
        OSError: when it cannot be downloaded or written.
        ValueError: when the download does not have the hash, or an argument is wrong.
    """
    if not origin:
        raise ValueError('get_file: please specify the "origin" argument, the URL of the file to download.')
    if md5_hash is not None and file_hash is None:
        file_hash, hash_algorithm = md5_hash, "md5"
    home = cache_home() if cache_dir is None else os.path.expanduser(os.fspath(cache_dir))
    folder = os.path.join(home, cache_subdir)
    name, contents = _names(fname, origin, extract or untar)
    path = os.path.join(folder, name)

    fresh = force_download or not os.path.exists(path)
    if not fresh and file_hash is not None and not has_hash(path, file_hash, hash_algorithm):
        print_message(f"{path} is incomplete or outdated: its hash is not {file_hash}. Downloading it again.")
        fresh = True
    if fresh:
        download(origin, path, file_hash, hash_algorithm)
    if contents is None:
        return path
    contents = os.path.join(folder, contents)
    if fresh or not os.path.isdir(contents):
        formats = "tar" if untar else archive_format
        if not extract_archive(path, contents, formats):
            raise ValueError(
                f"get_file: {path} is no archive of the format {formats!r}: it cannot be extracted."
            )
    return contents


def _names(fname: str | os.PathLike[str] | None, origin: str, extract: bool) -> tuple[str, str | None]:
    """The names in the cache, by Keras' rules: of the file, and of the folder of its contents."""
    from urllib.parse import urlsplit

    name = os.fspath(fname) if fname else os.path.basename(urlsplit(origin).path)
    if not name:
        raise ValueError(
            f"get_file: no file name in the URL {origin!r}. Please specify the `fname` argument."
        )
    if os.sep in name or name in (os.curdir, os.pardir):
        raise ValueError(
            "get_file: `fname` must be a name, not a path; say where to keep the file with "
            f"`cache_dir` and `cache_subdir`. Received: fname={name!r}"
        )
    if not extract:
        return name, None
    if fname and "." in name:
        return name, name[: name.find(".")] + "_extracted"
    return f"{name}_archive", name


def download(url: str, path: str, file_hash: str | None = None, hash_algorithm: str = "auto") -> None:
    """Fetch a URL into a file that appears under its name only when it is whole and has the hash.

    Raises:
        OSError: when the URL cannot be read to its end, or the file not be written.
        ValueError: when the hash differs.
    """
    import http.client  # the network's modules take 50 ms to import
    import urllib.error
    import urllib.request

    hasher = new_hasher(file_hash or "", hash_algorithm)
    folder = os.path.dirname(os.path.abspath(path))
    os.makedirs(folder, exist_ok=True)
    unfinished = f"{path}.{os.getpid()}-{threading.get_ident()}.part"
    print_message(f"Downloading data from {url}")
    try:
        with open(unfinished, "wb") as file:
            try:
                with urllib.request.urlopen(url, timeout=TIMEOUT) as response:
                    _copy(response, file, hasher)
            except (OSError, http.client.HTTPException) as error:
                if isinstance(error, urllib.error.HTTPError):
                    error.close()  # it is the server's answer, too: an open file
                raise OSError(
                    f"URL fetch failure on {url}: {getattr(error, 'reason', None) or error}\n"
                    f"Without a connection, get the file elsewhere and put it at {path}"
                ) from error
        if file_hash is not None and hasher.hexdigest() != file_hash.lower():
            raise ValueError(
                f"Incomplete or corrupted file from {url}:\n"
                f"  expected: {hasher.name} {file_hash}\n"
                f"  received: {hasher.name} {hasher.hexdigest()}"
            )
        os.replace(unfinished, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.remove(unfinished)


def _copy(response: Any, file: Any, hasher: Any) -> None:
    """Copy a response into a file, with its hash and a progress bar."""
    length = response.headers.get("Content-Length")
    total = int(length) if length else None
    bar, received = Progbar(total), 0
    while chunk := response.read(CHUNK):
        file.write(chunk)
        hasher.update(chunk)
        received += len(chunk)
        bar.update(received, finalize=False)
    if total is not None and received != total:
        raise OSError(f"the connection ended after {received} of {total} bytes")
    bar.update(received, finalize=True)


def new_hasher(file_hash: str, algorithm: str = "auto") -> Any:
    """An empty sha256 or md5; "auto" tells by the length of the hash to compare with."""
    import hashlib

    check_option("get_file", "hash_algorithm", algorithm, ("auto", "sha256", "md5"))
    if algorithm == "md5" or (algorithm == "auto" and len(file_hash) == 32):
        return hashlib.md5(usedforsecurity=False)
    return hashlib.sha256()


def has_hash(path: str, file_hash: str, algorithm: str = "auto") -> bool:
    """Whether a file has this sha256 or md5."""
    hasher = new_hasher(file_hash, algorithm)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return bool(hasher.hexdigest() == file_hash.lower())
