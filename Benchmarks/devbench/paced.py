"""An HTTP client on asyncio, kept-alive connections, and a load that comes at a fixed rate whatever the answers take."""

import asyncio
import json
import random
import time

from .system import Failure


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)


class Client:
    """Requests over as many kept-alive connections as are under way at once; the one used last is used first."""

    REST = 30  # seconds; the daemon closes after 60

    def __init__(self, host, port, timeout=30):
        self.host, self.port, self.timeout = host, port, timeout
        self.free = []

    async def connection(self):
        while self.free:
            since, reader, writer = self.free.pop()
            # One that rested for long may be about to be closed by the daemon, which is nobody's fault.
            if not reader.at_eof() and not writer.is_closing() and time.monotonic() - since < self.REST:
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port)

    @staticmethod
    def head(method, path, headers, length):
        lines = [f"{method} {path} HTTP/1.1", "host: localhost", *(f"{k}: {v}" for k, v in headers.items()), f"content-length: {length}"]
        return "\r\n".join([*lines, "", ""]).encode()

    async def ask(self, path, headers, body, method="POST"):
        """One answer, in `timeout` seconds at most; what breaks on the way is the caller's."""
        reader, writer = await self.connection()
        try:
            writer.write(self.head(method, path, headers, len(body)) + body)
            answer = await asyncio.wait_for(self._answer(reader), self.timeout)
        except BaseException:
            writer.transport.abort()
            raise
        if answer.headers.get("connection") == "close":
            writer.close()
        else:
            self.free.append((time.monotonic(), reader, writer))
        return answer

    async def leave(self, path, headers, body, share, after):
        """Sends so much of a request and hangs up `after` seconds, with a reset or politely."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        whole = self.head("POST", path, headers, len(body)) + body
        writer.write(whole[:int(len(whole) * share)])
        await asyncio.sleep(after)
        writer.transport.abort() if random.random() < 0.5 else writer.close()

    @staticmethod
    async def _answer(reader):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in head[1:] if line)}
        if headers.get("transfer-encoding") == "chunked":
            body = b""
            while True:
                size = int(await reader.readline(), 16)
                body += (await reader.readexactly(size + 2))[:size]
                if size == 0:
                    break
        else:
            body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Answer(int(head[0].split()[1]), headers, body)

    def close(self):
        for *_, writer in self.free:
            writer.close()
        self.free = []


async def paced(kinds, rate, seconds, most=1000):
    """Starts one of `kinds` ({coroutine function: weight}) every 1/rate seconds, and waits for all of them.

    An arrival does not wait for the answers before it, nor for a connection: a daemon that stalls meets all that came meanwhile,
    and a transaction goes on while others wait for its session.
    """
    functions, weights = list(kinds), list(kinds.values())
    begin, number, under_way = time.monotonic(), 0, set()
    while number < rate * seconds:
        left = begin + number / rate - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        if len(under_way) >= most:
            raise Failure(f"{most} requests are under way: the daemon does not follow")
        task = asyncio.ensure_future(random.choices(functions, weights)[0]())
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    if under_way:
        await asyncio.wait(set(under_way))
