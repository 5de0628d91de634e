"""Opening a file that someone else named: regular files only, and never one that makes us wait. Making folders.

A pipe would block for ever, a device may act when it is opened, a directory has no bytes. All of them are told
apart before the first byte is read, and again after opening, on the descriptor itself.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from touchstone.errors import UserError
from touchstone.text import Text

_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)

_CORRECT = Text("correct the path, or put the file there", "请更正路径，或把文件放到该处")
_REGULAR = Text("name a regular file", "请指定普通文件")
_PERMIT = Text("give this user the right to read it", "请为当前用户授予读取权限")

_KINDS = (
    (stat.S_ISDIR, Text("is a directory, not a file", "是目录，不是文件")),
    (stat.S_ISFIFO, Text("is a named pipe, not a file", "是命名管道，不是文件")),
    (stat.S_ISSOCK, Text("is a socket, not a file", "是套接字，不是文件")),
    (stat.S_ISCHR, Text("is a device, not a file", "是设备，不是文件")),
    (stat.S_ISBLK, Text("is a device, not a file", "是设备，不是文件")),
)

_REASONS = {
    errno.ENOENT: (Text("does not exist", "不存在"), _CORRECT),
    errno.ENOTDIR: (Text("does not exist: part of its path is a file", "不存在：路径中间的一段是文件"), _CORRECT),
    errno.EACCES: (Text("may not be read: permission denied", "无权读取"), _PERMIT),
    errno.EPERM: (Text("may not be read: permission denied", "无权读取"), _PERMIT),
    errno.ELOOP: (
        Text("is a symbolic link that leads back to itself", "是首尾相接的符号链接"),
        Text("put the file itself there", "请把文件本身放到该处"),
    ),
    errno.ENAMETOOLONG: (Text("has too long a name", "名称过长"), Text("choose a shorter name", "请改用较短的名称")),
}


_WRITING_REASONS = {
    errno.EEXIST: Text("is a file, not a folder", "是文件而非目录"),
    errno.ENOTDIR: Text("cannot be a folder: part of its path is a file", "无法作为目录：路径中间的一段是文件"),
    errno.EACCES: Text("may not be written: permission denied", "无权写入"),
    errno.EPERM: Text("may not be written: permission denied", "无权写入"),
    errno.EROFS: Text("may not be written: the file system is read-only", "无法写入：文件系统为只读"),
}


class FileError(UserError):
    """A file is not there, is not a regular file, or may not be read."""


def open_regular(path: Path, where: str | None = None) -> BufferedReader:
    """Open a regular file for reading. Raises `FileError` at `where` (the path itself when left out)."""
    where = str(path) if where is None else where
    try:
        _require_regular(path.stat().st_mode, where)
        descriptor = os.open(path, _FLAGS)
    except (OSError, ValueError) as error:
        raise unreadable(error, where) from None
    try:
        _require_regular(os.fstat(descriptor).st_mode, where)
    except FileError:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def make_folder(path: Path) -> None:
    """Make a folder for results, unless it is there. Raises `FileError` when nothing can be written there."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        what = _WRITING_REASONS.get(error.errno or 0, unreadable(error, str(path)).what)
        raise FileError(what, str(path), Text("choose another folder", "请另选目录")) from None


def unreadable(error: OSError | ValueError, where: str) -> FileError:
    """Why the operating system refused, and what to do, in words."""
    if isinstance(error, OSError) and error.errno is not None:
        detail = error.strerror or str(error.errno)
        what, remedy = _REASONS.get(error.errno, (Text(f"cannot be read: {detail}", f"无法读取：{detail}"), _CORRECT))
        return FileError(what, where, remedy)
    return FileError(Text("has a name that no file can have", "名称不合法"), where, _CORRECT)


def _require_regular(mode: int, where: str) -> None:
    if stat.S_ISREG(mode):
        return
    for is_kind, what in _KINDS:
        if is_kind(mode):
            raise FileError(what, where, _REGULAR)
    raise FileError(Text("is not a regular file", "不是普通文件"), where, _REGULAR)
