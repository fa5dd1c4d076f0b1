"""Unpacking tar and zip archives that come from strangers.

Only plain files and folders are ever written, and only inside the destination: a member whose
name leads out of it makes the whole archive refused, a link becomes a copy of what it points to
inside the archive, and devices are left out. So no archive can touch a file elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import IO

FORMATS = ("tar", "zip")

Member = tuple[str, IO[bytes] | None]  # its name and its contents; None for a folder


def extract_archive(path: str, folder: str, archive_format: str | Sequence[str] | None = "auto") -> bool:
    """Unpack an archive into a folder that appears only when everything has been unpacked.

    Args:
        path: the archive.
        folder: where its contents go; what was there before is replaced.
        archive_format: "tar" (compressed or not), "zip", a list of them, or "auto" for both.

    Returns:
        Whether the file was an archive of such a format.

    Raises:
        ValueError: for a member that would lie outside the folder, and for an unknown format.
    """
    import shutil  # these load the compression libraries: only for those who unpack something
    import tempfile

    members = _members_of(path, _formats(archive_format))
    if members is None:
        return False
    parent = os.path.dirname(os.path.abspath(folder))
    unfinished = tempfile.mkdtemp(prefix=".unpacking-", dir=parent)
    try:
        contents = os.path.join(unfinished, "contents")
        os.mkdir(contents)
        for name, stream in members:
            target = _inside(contents, name, path)
            if stream is None:
                os.makedirs(target, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            with open(target, "wb") as file:
                shutil.copyfileobj(stream, file)
        if os.path.isdir(folder):
            shutil.rmtree(folder)
        os.replace(contents, folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return True


def _formats(archive_format: str | Sequence[str] | None) -> Sequence[str]:
    if archive_format is None:
        return ()
    if archive_format == "auto":
        return FORMATS
    formats = (archive_format,) if isinstance(archive_format, str) else tuple(archive_format)
    for name in formats:
        if name not in FORMATS:
            raise ValueError(f"`archive_format` must be 'auto', 'tar', 'zip' or None. Received: {name!r}")
    return formats


def _members_of(path: str, formats: Sequence[str]) -> Iterator[Member] | None:
    """What an archive holds, or None when it is no archive of these formats."""
    import tarfile
    import zipfile

    if "tar" in formats and tarfile.is_tarfile(path):
        return _tar_members(path)
    if "zip" in formats and zipfile.is_zipfile(path):
        return _zip_members(path)
    return None


def _tar_members(path: str) -> Iterator[Member]:
    import tarfile

    with tarfile.open(path) as archive:
        for member in archive:
            if member.isdir():
                yield member.name, None
                continue
            try:
                stream = archive.extractfile(member)  # of a link: what it points to in the archive
            except (KeyError, RecursionError):
                raise ValueError(
                    f"{path}: the link {member.name!r} points to nothing in the archive."
                ) from None
            if stream is not None:
                yield member.name, stream


def _zip_members(path: str) -> Iterator[Member]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir():
                yield info.filename, None
            else:
                with archive.open(info) as stream:
                    yield info.filename, stream


def _inside(folder: str, name: str, archive: str) -> str:
    """The path of a member in the folder; an error when its name leads elsewhere."""
    root = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(root, name))
    if target != root and not target.startswith(root + os.sep):
        raise ValueError(
            f"{archive}: the archive's member {name!r} would be written outside its folder. Refused."
        )
    return target
