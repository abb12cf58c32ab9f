#!/usr/bin/env python3
"""A peer of the bus that misbehaves in one way; flow story `peers` runs it with the system's Python.

    mean_peer.py BUS_CLIENT BROKER CERT KEY CA WAY
"""

import argparse
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(sys.argv[1]))
import bus_client  # noqa: E402
from bus_client import bus  # noqa: E402

STALE = bus.Lease(job="01ARYZ6S41ZZZZZZZZZZZZZZZZ", token=2**64 - 1)


def garbage(peer):
    """Bytes that are no frame, frames of another version, too many records, and none."""
    chance = random.Random(1)
    for size in (0, 1, 7, 100, 5000) * 40:
        peer.socket.send(chance.randbytes(size))
    peer.socket.send(bus.Frame(version=2, records=[bus.Record(seq=1)]).SerializeToString())
    peer.socket.send(bus.Frame(version=1, records=[bus.Record(seq=n) for n in range(257)]).SerializeToString())
    peer.socket.send(bus.Frame(version=1, records=[bus.Record(seq=9)]).SerializeToString())


def deaf(peer):
    """Asks for much and reads nothing of it."""
    body = os.urandom(200 << 10)
    job = bus_client.submit(peer, "printer", "POST", "/", body)
    peer.socket.rcvhwm = 1
    for _ in range(300):
        records = [bus.Record(seq=n, list=bus.List(limit=200)) for n in range(200)]
        peer.socket.send(bus.Frame(version=1, records=records).SerializeToString())
    print(job, flush=True)
    time.sleep(3)


def flood(peer):
    """More jobs than one may have, as fast as it can."""
    for n in range(40):
        submits = [bus.Submit(service="printer", method="POST", path="/", priority=9) for _ in range(500)]
        verdicts = peer.call(timeout=60, batch=bus.Batch(jobs=submits)).verdicts
        if any(v.problem.word for v in verdicts):
            print({v.problem.word for v in verdicts if v.problem.word}, flush=True)
            return


def liar(peer):
    """Speaks for leases it does not have, gives credit without end, claims to run all there is."""
    refused = []
    for said in ({"done": bus.Done(lease=STALE, status=200)}, {"failed": bus.Failed(lease=STALE)},
                 {"released": bus.Released(lease=STALE)}, {"progress": bus.Progress(lease=STALE, data=b"x")},
                 {"credit": bus.Credit(service="printer", slots=2**32 - 1, bytes=2**64 - 1)},
                 {"done": bus.Done(status=200)}, {"cancel": bus.Cancel(job="x" * 5000)},
                 {"hello": bus.Hello(service="printer", running=[STALE] * 10001)}):
        try:
            peer.call(**said)
        except bus_client.Refused as no:
            refused.append(no.word)
    beat = peer.call(renew=bus.Renew(running=[STALE] * 10000))
    print(*refused, len(beat.stale), flush=True)


def blobs(peer):
    """Names and gets what is not its own, puts what was not asked for, and otherwise than it said."""
    refused = []
    theirs = bus.BlobName(digest=bytes.fromhex(sys.stdin.readline()), size=1 << 20)
    job = sys.stdin.readline().strip()
    for said in ({"submit": bus.Submit(service="printer", method="POST", path="/", priority=5, blob=theirs)},
                 {"submit": bus.Submit(service="printer", method="POST", path="/", priority=5, blob=bus.BlobName())},
                 {"blob_get": bus.BlobGet(id=1, job=job, room=1 << 20)},
                 {"blob_get": bus.BlobGet(id=1, lease=STALE, room=1 << 20)},
                 {"blob_get": bus.BlobGet(id=1, room=1)}, {"blob_put": bus.BlobPut(id=1, lease=STALE)},
                 {"blob_put": bus.BlobPut(id=1, service="nobody")},
                 {"blob_put": bus.BlobPut(id=1, service="printer", size=2**64 - 1)}):
        try:
            peer.call(**said)
        except bus_client.Refused as no:
            refused.append(no.word)
    for wrong in ({"offset": 1}, {"data": bytes(300 << 10)}, {"data": bytes(8)}, {"data": b"1", "last": True}):
        number = peer.new_blob()
        peer.call(blob_put=bus.BlobPut(id=number, service="printer", size=7))
        peer.send(blob=bus.Blob(id=number, **wrong))
        try:
            bus_client.of_blob(peer, number)
        except bus_client.Refused as no:
            refused.append(no.word)
        peer.send(blob=bus.Blob(id=number, data=b"more of what has ended"))
    for _ in range(1100):
        peer.send(blob_put=bus.BlobPut(id=peer.new_blob(), service="printer", size=1))
    print(*refused, flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("client", "broker", "cert", "key", "ca", "way"):
        parser.add_argument(name)
    options = parser.parse_args()
    peer = bus_client.Bus(options, "printer" if options.way == "liar" else "")
    globals()[options.way](peer)


if __name__ == "__main__":
    main()
