#!/usr/bin/env python3
"""Watches a running batch with 1,000 viewers and asks the API 200 times a second meanwhile.

Prints how long the API took, what memory the server held, and how many handles it kept after
the viewers had left. Needs nothing but Python and the program; DOCMILL_BIN names another one.
The client runs on the same machine, so its own work is part of what the server is slowed by.
"""

import asyncio
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
BINARY = os.environ.get("DOCMILL_BIN", str(TARGET / "release" / "docmill"))
VIEWERS = int(os.environ.get("VIEWERS", "1000"))
RATE = int(os.environ.get("RATE", "200"))
SECONDS = float(os.environ.get("SECONDS_LONG", "30"))
# A key holds 128 streams at most, so the viewers share a few keys, as people do.
KEYS = max(1, -(-VIEWERS // 100))
DOCUMENTS = 20_000
LIMITS = {"p99_ms": 100.0, "memory_mb": 300.0, "handles": 0}


def run(data, *words):
    return subprocess.run([BINARY, *words, "--data-dir", data], check=True, capture_output=True, text=True).stdout.strip()


def start(data, pile):
    server = subprocess.Popen(
        [BINARY, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--root", pile, "--require-key"],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={**os.environ, "NO_COLOR": "1", "RUST_LOG": "warn"},
    )
    for line in server.stderr:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            return server, int(found.group(1))
    sys.exit("the server did not start")


def memory_mb(pid, field="VmRSS"):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+)", text).group(1)) / 1024


def handles(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


async def ask(port, key, path, method="GET", body=None):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = "" if body is None else json.dumps(body)
    writer.write(
        f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()
    )
    answer = await reader.read()
    writer.close()
    head, _, rest = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), rest


class Viewers:
    """Streams that are held open; what comes is counted and thrown away."""

    def __init__(self):
        self.opened = self.bytes = self.refused = self.lost = 0

    async def watch(self, port, key, path, over):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n\r\n".encode())
        first = await reader.readline()
        if b" 200 " not in first:
            self.refused += 1
            writer.close()
            return
        self.opened += 1
        ending = asyncio.create_task(over.wait())
        while not over.is_set():
            reading = asyncio.create_task(reader.read(65536))
            await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                reading.cancel()
                break
            got = reading.result()
            if not got:
                self.lost += 1
                break
            self.bytes += len(got)
        ending.cancel()
        writer.close()


class Asker:
    """A connection that is used again and again, as a browser's are."""

    def __init__(self, port, key):
        self.port, self.key, self.streams = port, key, None

    async def ask(self, path):
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self.streams
        writer.write(f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\nauthorization: Bearer {self.key}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        await reader.readexactly(int(length.group(1)))
        return int(head.split()[1])


async def requests(port, key, paths, seconds):
    """Asks at a steady rate; time counts from when a request was due, so that waiting counts too."""
    took, wrong = [], 0
    free = asyncio.Queue()
    for _ in range(64):
        free.put_nowait(Asker(port, key))

    async def one(due, path):
        nonlocal wrong
        asker = await free.get()
        try:
            status = await asker.ask(path)
            wrong += status != 200
        except (OSError, asyncio.IncompleteReadError):
            asker.streams = None
            wrong += 1
        free.put_nowait(asker)
        took.append((time.perf_counter() - due) * 1000)

    began, tasks = time.perf_counter(), []
    for number in range(int(seconds * RATE)):
        due = began + number / RATE
        await asyncio.sleep(max(0, due - time.perf_counter()))
        tasks.append(asyncio.create_task(one(due, paths[number % len(paths)])))
    await asyncio.gather(*tasks)
    return sorted(took), wrong


def share(took, part):
    return took[min(len(took) - 1, int(len(took) * part))]


async def measure(port, pid, admin, keys, pile):
    body = {
        "name": "watched", "sources": [pile], "template": "receipt", "model": "sim/openai/gpt-4o-mini",
        "sim_speed": 4, "concurrency": 32, "budget_usd": 100, "start": True,
    }
    status, made = await ask(port, admin, "/api/v1/batches", "POST", body)
    assert status == 201, made
    batch = json.loads(made)["id"]
    while True:
        _, row = await ask(port, admin, f"/api/v1/batches/{batch}")
        if json.loads(row)["documents"]["completed"] > 50:
            break
        await asyncio.sleep(0.2)
    paths = [
        f"/api/v1/batches/{batch}", f"/api/v1/batches/{batch}/documents?limit=50", "/api/v1/batches",
        f"/api/v1/batches/{batch}/log?limit=50", "/api/v1/totals", "/api/v1/session",
    ]
    calm, _ = await requests(port, admin, paths, 5)
    before = handles(pid)
    over, viewers = asyncio.Event(), Viewers()
    watching = [
        asyncio.create_task(viewers.watch(port, keys[n % KEYS], f"/api/v1/batches/{batch}/events", over))
        for n in range(VIEWERS)
    ]
    while viewers.opened + viewers.refused < VIEWERS:
        await asyncio.sleep(0.1)
    took, wrong = await requests(port, admin, paths, SECONDS)
    held, most = memory_mb(pid), memory_mb(pid, "VmHWM")
    _, row = await ask(port, admin, f"/api/v1/batches/{batch}")
    state = json.loads(row)["state"]
    over.set()
    await asyncio.gather(*watching)
    # Connections that are still used again are not kept by mistake: they end by themselves.
    kept, deadline = None, time.monotonic() + 40
    while time.monotonic() < deadline:
        kept = handles(pid) - before
        _, metrics = await ask(port, admin, "/metrics")
        streams = int(re.search(rb"^docmill_streams (\d+)", metrics, re.M).group(1))
        if kept <= 0 and streams == 0:
            break
        await asyncio.sleep(1)
    print(f"viewers        {viewers.opened} opened, {viewers.refused} refused, {viewers.lost} lost, {viewers.bytes / 1e6:.1f} MB sent to them")
    print(f"batch          {state} at the end")
    print(f"API alone      p50 {share(calm, 0.5):.1f} ms, p99 {share(calm, 0.99):.1f} ms")
    print(f"API beside     p50 {share(took, 0.5):.1f} ms, p99 {share(took, 0.99):.1f} ms of {len(took)} requests, {wrong} wrong (limit {LIMITS['p99_ms']:.0f} ms)")
    print(f"memory         {held:.0f} MB with all viewers, {most:.0f} MB at most (limit {LIMITS['memory_mb']:.0f} MB)")
    print(f"handles kept   {max(0, kept)} after they left, {streams} streams (limit {LIMITS['handles']})")
    good = share(took, 0.99) < LIMITS["p99_ms"] and most < LIMITS["memory_mb"] and kept <= 0 and streams == 0 and not wrong
    return good and viewers.opened == VIEWERS


def main():
    if not os.path.exists(BINARY):
        sys.exit(f"{BINARY} is not there; make bench-streams builds it")
    with tempfile.TemporaryDirectory() as folder:
        data, pile = os.path.join(folder, "data"), os.path.join(folder, "pile")
        os.mkdir(pile)
        for number in range(DOCUMENTS):
            text = f"RECEIPT {number}\nThe Corner Shop\nDate: 2026-03-{number % 28 + 1:02}\nTOTAL {number}.50 EUR\n"
            pathlib.Path(pile, f"receipt-{number:06}.txt").write_text(text)
        admin = run(data, "key", "add", "ada", "--role", "admin")
        keys = [run(data, "key", "add", f"viewer {n}", "--role", "viewer") for n in range(KEYS)]
        server, port = start(data, pile)
        try:
            good = asyncio.run(measure(port, server.pid, admin, keys, pile))
        finally:
            server.send_signal(signal.SIGKILL)
            server.wait()
    sys.exit(0 if good else 1)


main()
