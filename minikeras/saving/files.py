"""Files that are either old or new, never half written; and zip archives that are not trusted."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import threading
from collections.abc import Iterable, Iterator
from typing import Any

from minikeras.saving.errors import LoadError

RATIO = 100  # how many times larger than stored a member of an archive may be
MEMBERS = 1000
STORED, DEFLATED = 0, 8  # kinds of compression


def write_file(target: Any, pieces: Iterable[Any]) -> None:
    """Write a file in one step: at any moment there is the old one or the new one, whole.

    The bytes go to a temporary file in the same folder, which takes the old one's place once it is
    on the disk. A pipe, a device or an open file is written to directly, without seeking.

    Raises:
        OSError: when it cannot be written; an old file is as it was.
    """
    if hasattr(target, "write"):
        for piece in pieces:
            target.write(piece)
        return
    if os.path.exists(target) and not os.path.isdir(target) and not stat.S_ISREG(os.stat(target).st_mode):
        with open(target, "wb") as file:
            file.writelines(pieces)
        return
    path = os.path.realpath(os.fspath(target))
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{os.fspath(target)} cannot be written: there is no folder {folder}.")
    unfinished = f"{path}.{os.getpid()}-{threading.get_ident()}.part"
    try:
        with open(unfinished, "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    except OSError as error:
        old = " The old file is as it was." if os.path.exists(path) else ""
        raise type(error)(error.errno, f"{error.strerror}: {path} cannot be written.{old}") from error
    finally:
        with contextlib.suppress(OSError):
            os.remove(unfinished)
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Let the new name, too, survive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def read_file(source: Any) -> bytes:
    """All bytes of a file, given as a path or as an open file.

    Raises:
        LoadError: when there is no such file.
    """
    if hasattr(source, "read"):
        data: bytes = source.read()
        return data
    try:
        with open(source, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise LoadError(f"File not found: filepath={os.fspath(source)}") from None
    except OSError as error:
        raise LoadError(f"{os.fspath(source)} cannot be read: {error.strerror}") from error


class Archive:
    """A zip archive whose members are read by exact name, and never unpacked onto the disk.

    Raises:
        LoadError: for a broken archive, or one with too many members.
    """

    def __init__(self, file: Any) -> None:
        import zipfile  # with all kinds of compression: only for those who use it

        try:
            self.zip = zipfile.ZipFile(file)
        except Exception as error:  # whatever a damaged directory brings about
            raise LoadError(f"This is no intact zip archive: {error}") from error
        if len(self.zip.infolist()) > MEMBERS:
            raise LoadError(f"The archive has more than {MEMBERS} members.")
        self.names = [info.filename for info in self.zip.infolist()]

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *error: object) -> None:
        self.zip.close()

    def read(self, name: str, limit: int | None = None) -> bytes:
        """A member's bytes.

        Args:
            name: of the member, which must be there once.
            limit: the largest size that is read, in bytes.
        """
        if self.names.count(name) != 1:
            raise LoadError(f"The archive has {self.names.count(name)} members {name!r}; it must have one.")
        info = self.zip.getinfo(name)
        if info.flag_bits & 1 or info.compress_type not in (STORED, DEFLATED):
            raise LoadError(f"{name} is encrypted, or compressed in another way than by deflate.")
        most = info.compress_size * RATIO + 1024
        if limit is not None:
            most = min(most, limit)
        if info.file_size > most:
            raise LoadError(f"{name} is said to have {info.file_size} bytes; at most {most} are read.")
        try:
            with self.zip.open(info) as member:
                data = member.read(most + 1)
        except Exception as error:  # a damaged stream: zlib's errors, wrong sums, cut off
            raise LoadError(f"{name} is damaged: {error}") from error
        if len(data) > most:
            raise LoadError(f"{name} is larger than {most} bytes.")
        return data


def zip_pieces(members: Iterable[tuple[str, Iterable[Any]]]) -> Iterator[Any]:
    """A zip archive of uncompressed members, made in memory.

    It has no dates, so that equal contents give equal bytes.
    """
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, pieces in members:
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = 0o644 << 16
            with archive.open(info, "w", force_zip64=False) as member:
                for piece in pieces:
                    member.write(piece)
    yield buffer.getvalue()
