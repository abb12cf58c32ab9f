#!/usr/bin/env python3
"""Durable submits per second over HTTP through a sidecar, one at a time and 64 at a time.

usage: jobs.py HOST:PORT [--service trainer] [--path /train] [--body JSON] [--seconds 5] [--in-flight 1,64]

HOST:PORT is the outbound.listen of a sidecar with a broker.  Every slot has a connection of its own;
a figure is the number of 202s, each sent after the job is on disk.  Nobody needs to run the jobs.
"""
import argparse
import asyncio
import json
import time


async def submit(reader, writer, request):
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])


async def slot(address, request, until, waits, others):
    reader, writer = await asyncio.open_connection(*address)
    while time.monotonic() < until:
        began = time.monotonic()
        status = await submit(reader, writer, request)
        if status == 202:
            waits.append(time.monotonic() - began)
        else:
            others[status] = others.get(status, 0) + 1
    writer.close()


async def measure(address, request, in_flight, seconds):
    waits, others = [], {}
    began = time.monotonic()
    await asyncio.gather(*(slot(address, request, began + seconds, waits, others) for _ in range(in_flight)))
    took = time.monotonic() - began
    waits.sort()
    at = lambda share: round(waits[int(len(waits) * share)] * 1000, 2) if waits else None
    return {"in_flight": in_flight, "submits_per_s": round(len(waits) / took, 1), "p50_ms": at(.5), "p99_ms": at(.99),
            "other_answers": others}


def main():
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("sidecar")
    flags.add_argument("--service", default="trainer")
    flags.add_argument("--path", default="/train")
    flags.add_argument("--body", default='{"epochs": 1, "words": 10}')
    flags.add_argument("--seconds", type=float, default=5)
    flags.add_argument("--in-flight", default="1,64")
    f = flags.parse_args()
    host, _, port = f.sidecar.rpartition(":")
    request = (f"POST {f.path} HTTP/1.1\r\nhost: {f.service}\r\nprefer: respond-async\r\n"
               f"content-type: application/json\r\ncontent-length: {len(f.body.encode())}\r\n\r\n{f.body}").encode()
    for n in f.in_flight.split(","):
        print(json.dumps(asyncio.run(measure((host, int(port)), request, int(n), f.seconds))), flush=True)


main()
