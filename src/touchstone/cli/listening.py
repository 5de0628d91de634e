"""What commands that listen have in common: an address, and a file with the tokens of those who may ask."""

from __future__ import annotations

from pathlib import Path

from touchstone.errors import UserError
from touchstone.files import open_regular
from touchstone.text import Text


def address(listen: str) -> tuple[str, int]:
    """Host and port of `--listen`. Raises `UserError`."""
    host, _, port = listen.rpartition(":")
    if host and port.isascii() and port.isdigit() and int(port) < 65536:
        return host.strip("[]"), int(port)
    raise UserError(
        Text("is not HOST:PORT", "不是 HOST:PORT 形式"),
        f"--listen {listen}",
        Text("for example 127.0.0.1:8787", "例如 127.0.0.1:8787"),
    )


def cannot_listen(listen: str, error: OSError) -> UserError:
    """The address is taken, or not one of this machine."""
    return UserError(
        Text(f"cannot be listened on: {error.strerror}", f"无法监听：{error.strerror}"),
        f"--listen {listen}",
        Text("choose another address or port", "请另选地址或端口"),
    )


def tokens(path: Path) -> list[str]:
    """The tokens in a file, one a line. Raises `UserError` when there is none, or one that is too weak."""
    with open_regular(path) as file:
        lines = file.read(65_537).decode("utf-8", "replace").split()
    if not lines or not all(16 <= len(token) <= 4096 and token.isascii() and token.isprintable() for token in lines):
        raise _unusable(path)
    return lines


def only_token(path: Path) -> str:
    """The one token in a file. Raises `UserError`."""
    found = tokens(path)
    if len(found) != 1:
        raise _unusable(path)
    return found[0]


def _unusable(path: Path) -> UserError:
    return UserError(
        Text("holds no usable token", "不含可用的令牌"),
        str(path),
        Text(
            "put at least 16 printable ASCII characters without spaces into it, such as `openssl rand -hex 32` makes",
            "请写入至少 16 个不含空格的可打印 ASCII 字符，例如 `openssl rand -hex 32` 的输出",
        ),
    )
