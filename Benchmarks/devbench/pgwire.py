"""A PostgreSQL client of 100 lines, the same for every side: its own start-up must not weigh in what is timed.

Speaks protocol 3.0 over TCP or a Unix socket, with trust, clear-text, md5 and SCRAM-SHA-256.
"""

import base64
import hashlib
import hmac
import os
import socket
import struct
from urllib.parse import unquote, urlsplit


class ServerError(Exception):
    """An ErrorResponse, with its SQLSTATE."""

    def __init__(self, fields):
        self.code = fields.get("C", "?????")
        super().__init__(f"{self.code} {fields.get('M', '')}")


class Target:
    """Where a server listens and who logs in; made from a URL. `localhost` is taken as 127.0.0.1 on every side."""

    def __init__(self, host, port, user="postgres", password=None, database="postgres"):
        self.host, self.port, self.user, self.password, self.database = host, port, user, password, database

    @classmethod
    def of(cls, url):
        parts = urlsplit(url)
        host = "127.0.0.1" if parts.hostname in (None, "localhost") else parts.hostname
        return cls(host, parts.port or 5432, unquote(parts.username or "postgres"), unquote(parts.password or ""),
                   parts.path.lstrip("/") or "postgres")

    def url(self):
        """For libpq's programs."""
        return f"postgres://{self.user}:{self.password}@{self.host}:{self.port}/{self.database}?sslmode=disable"


class Connection:
    """One session. Every wait is bounded by `timeout` seconds."""

    def __init__(self, target, timeout=30):
        if target.host.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(f"{target.host}/.s.PGSQL.{target.port}")
        else:
            self.socket = socket.create_connection((target.host, target.port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""
        try:
            self._login(target)
        except BaseException:
            self.socket.close()
            raise

    def _send(self, kind, body):
        self.socket.sendall(kind + struct.pack("!i", len(body) + 4) + body)

    def _message(self):
        while True:
            if len(self.buffer) >= 5:
                end = 1 + struct.unpack_from("!i", self.buffer, 1)[0]
                if len(self.buffer) >= end:
                    kind, body = self.buffer[:1], self.buffer[5:end]
                    self.buffer = self.buffer[end:]
                    if kind == b"E":
                        raise ServerError({f[:1].decode(): f[1:].decode() for f in body.split(b"\0") if f})
                    return kind, body
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("the server closed the connection")
            self.buffer += data

    def _login(self, target):
        body = struct.pack("!i", 196608)
        for word in ("user", target.user, "database", target.database, ""):
            body += word.encode() + b"\0"
        self._send(b"", body)
        scram = None
        while True:
            kind, body = self._message()
            if kind == b"Z":
                return
            if kind != b"R":
                continue
            method, rest = struct.unpack_from("!i", body)[0], body[4:]
            if method == 3:
                self._send(b"p", target.password.encode() + b"\0")
            elif method == 5:
                inner = hashlib.md5((target.password + target.user).encode()).hexdigest()
                self._send(b"p", b"md5" + hashlib.md5(inner.encode() + rest).hexdigest().encode() + b"\0")
            elif method == 10:
                nonce = base64.b64encode(os.urandom(18)).decode()
                scram = f"n=,r={nonce}"
                first = ("n,," + scram).encode()
                self._send(b"p", b"SCRAM-SHA-256\0" + struct.pack("!i", len(first)) + first)
            elif method == 11:
                fields = dict(f.split("=", 1) for f in rest.decode().split(","))
                salted = hashlib.pbkdf2_hmac("sha256", target.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
                key = hmac.digest(salted, b"Client Key", "sha256")
                final = f"c=biws,r={fields['r']}"
                proof = hmac.digest(hashlib.sha256(key).digest(), f"{scram},{rest.decode()},{final}".encode(), "sha256")
                mixed = bytes(a ^ b for a, b in zip(key, proof))
                self._send(b"p", f"{final},p={base64.b64encode(mixed).decode()}".encode())

    def query(self, sql):
        """The rows as lists of text, through the simple protocol."""
        self._send(b"Q", sql.encode() + b"\0")
        rows = []
        while True:
            kind, body = self._message()
            if kind == b"Z":
                return rows
            if kind == b"D":
                count, at, row = struct.unpack_from("!h", body)[0], 2, []
                for _ in range(count):
                    size = struct.unpack_from("!i", body, at)[0]
                    row.append(None if size < 0 else body[at + 4:at + 4 + size].decode())
                    at += 4 + max(size, 0)
                rows.append(row)

    def close(self):
        try:
            self._send(b"X", b"")
        except OSError:
            pass
        self.socket.close()


def ask(target, sql="SELECT 1", timeout=30):
    """Connects, asks once, leaves."""
    connection = Connection(target, timeout)
    try:
        return connection.query(sql)
    finally:
        connection.close()
