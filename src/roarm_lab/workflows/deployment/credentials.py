"""Tokens and certificates: read from files that are nobody else's business."""

import os
import ssl
import stat
from pathlib import Path

from roarm_lab.core.errors import BadInputError
from roarm_lab.core.shown import shown

LEAST_LETTERS = 16
"""A choice: shorter tokens can be guessed."""


def read_token(path: Path | None) -> str:
    """Return the token in a file; empty without a file.

    Raises:
        BadInputError: The file can not be read, can be read by others, or holds no token.
    """
    if path is None:
        return ""
    try:
        mode = path.stat().st_mode
        token = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not plain text"
        raise BadInputError(f"The token file {shown(path)} can not be read: {why}.") from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInputError(f"The token file {shown(path)} can be read by others. Type: chmod 600 {shown(path)}")
    if len(token) < LEAST_LETTERS or not token.isprintable() or " " in token:
        raise BadInputError(
            f"The token file {shown(path)} must hold one line of at least {LEAST_LETTERS} letters without spaces; got "
            f"{len(token)}. Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    return token


def server_tls(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """Return how a server encrypts; None without a certificate.

    Raises:
        BadInputError: Certificate or key can not be read, or do not belong together.
    """
    if cert is None or key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadInputError(f"Certificate {shown(cert)} and key {shown(key)} can not be used: {why}.") from error
    return context


def client_tls(authority: Path | None) -> ssl.SSLContext | None:
    """Return how a client encrypts, and whom it trusts; None without a certificate to trust.

    Raises:
        BadInputError: The certificate can not be read.
    """
    if authority is None:
        return None
    try:
        return ssl.create_default_context(cafile=str(authority))
    except OSError as error:
        raise BadInputError(
            f"The certificate {shown(authority)} can not be read: {error.strerror or error}."
        ) from error


def _no_password() -> str:
    raise ValueError("the key has a password; a server needs one without")
