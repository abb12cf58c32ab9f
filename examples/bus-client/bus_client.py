#!/usr/bin/env python3
"""A client of the job bus in another language, written from docs/bus-protocol.md alone.

    bus_client.py submit SERVICE METHOD PATH [BODY|@FILE]   prints the job, waits, prints the result
    bus_client.py work SERVICE                              runs jobs of a service: answers with the body in capitals

Needs python3-zmq, python3-protobuf and protoc. The certificate is one of `weft ca issue`.
"""

import argparse
import base64
import hashlib
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import time
import uuid

import zmq
from zmq.utils import z85

PROTO = pathlib.Path(__file__).resolve().parents[2] / "proto"
IN_A_RECORD = 256 << 10  # a larger body goes by the piece
PIECE = 128 << 10
ROOM = 1 << 20


def load_words():
    """The records of the bus, as Python classes."""
    folder = tempfile.mkdtemp()
    file = PROTO / "weft/bus/v1/bus.proto"
    subprocess.run(["protoc", f"--proto_path={PROTO}", f"--python_out={folder}", str(file)], check=True)
    sys.path.insert(0, folder)
    from weft.bus.v1 import bus_pb2

    return bus_pb2


bus = load_words()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Refused(Exception):
    """A Problem: the broker says no, and why."""

    def __init__(self, problem):
        super().__init__(f"{problem.status} {problem.word}: {problem.detail}")
        self.word, self.status = problem.word, problem.status


def register(broker, cert, key, ca, public):
    """Binds our CURVE key to the identity of our certificate; learns the broker's key and address."""
    tls = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca)
    tls.check_hostname = False  # SPIFFE: the name is in the URI
    tls.set_alpn_protocols(["http/1.1"])
    tls.load_cert_chain(cert, key)
    connection = http.client.HTTPSConnection(broker, context=tls)
    connection.request("PUT", "/.well-known/weft/bus-keys", json.dumps({"key": base64url(public)}, separators=(",", ":")))
    answer = connection.getresponse()
    text = answer.read().decode()
    if answer.status != 200:
        raise SystemExit(f"the broker refuses our key: {answer.status} {text}")
    return from_base64url(answer.headers["weft-bus-key"]), answer.headers["weft-bus-endpoint"]


class Bus:
    """One connection. Calls wait for their answer; what the broker says by itself is kept for `next_said`."""

    def __init__(self, options, service=""):
        public, secret = zmq.curve_keypair()
        broker_key, endpoint = register(
            options.broker, options.cert, options.key, options.ca, z85.decode(public)
        )
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.curve_publickey, self.socket.curve_secretkey = public, secret
        self.socket.curve_serverkey = z85.encode(broker_key)
        self.socket.linger = 200
        self.socket.connect(endpoint)
        self.service, self.instance = service, uuid.uuid4().hex
        self.seq, self.said, self.running, self.blobs = 0, [], {}, 0
        self.hello()

    def send(self, **body):
        """body: one record by the name of its kind."""
        self.seq += 1
        record = bus.Record(seq=self.seq, **body)
        self.socket.send(bus.Frame(version=1, records=[record]).SerializeToString())
        return self.seq

    def new_blob(self):
        """The id of a blob, new on this connection."""
        self.blobs += 1
        return self.blobs

    def receive(self, timeout):
        """All records of the next frame; none when it does not come in time."""
        if not self.socket.poll(max(0, int(timeout * 1000))):
            return []
        return bus.Frame.FromString(self.socket.recv()).records

    def call(self, timeout=10, **body):
        seq, until = self.send(**body), time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            found = None
            for record in self.receive(left):
                if record.re == seq:
                    found = record
                elif record.re == 0 or record.WhichOneof("body").startswith("blob"):
                    self.said.append(record)
            if found and found.WhichOneof("body") == "problem":
                raise Refused(found.problem)
            if found:
                return getattr(found, found.WhichOneof("body"))
        raise TimeoutError("the broker does not answer")

    def hello(self):
        running = [bus.Lease(job=job, token=token) for job, token in self.running.items()]
        hello = bus.Hello(service=self.service, instance=self.instance, running=running)
        self.welcome = self.call(hello=hello)
        self.next_beat = time.monotonic() + self.welcome.beat_ms / 1000
        for lease in self.welcome.dropped:
            self.running.pop(lease.job, None)

    def beat(self):
        """Renews what runs, when it is time: also in the middle of a large body."""
        if time.monotonic() >= self.next_beat:
            running = [bus.Lease(job=job, token=token) for job, token in self.running.items()]
            self.send(renew=bus.Renew(running=running))
            self.next_beat = time.monotonic() + self.welcome.beat_ms / 1000

    def next_said(self, timeout):
        """What the broker says by itself: assign, beat, event."""
        until = time.monotonic() + timeout
        while not self.said and (left := until - time.monotonic()) > 0:
            self.said += [r for r in self.receive(left) if r.re == 0]
        return self.said.pop(0) if self.said else None


def of_blob(connection, number, timeout=60):
    """The next record about this blob."""
    until = time.monotonic() + timeout
    while (left := until - time.monotonic()) > 0:
        for at, record in enumerate(connection.said):
            kind = record.WhichOneof("body")
            if kind.startswith("blob") and getattr(record, kind).id == number:
                del connection.said[at]
                if kind == "blob_end":
                    raise Refused(record.blob_end.problem)
                return getattr(record, kind)
        connection.beat()
        connection.said += connection.receive(left)
    raise TimeoutError("the broker does not go on with a blob")


def put(connection, body, **whose):
    """Puts a large body, piece by piece within the room that the broker gives. whose: lease, or service and operation."""
    number = connection.new_blob()
    room = connection.call(timeout=60, blob_put=bus.BlobPut(id=number, size=len(body), **whose)).bytes
    at = 0
    while at < len(body):
        while room == 0:
            room = of_blob(connection, number).bytes
        piece = body[at : at + min(PIECE, room)]
        last = at + len(piece) == len(body)
        connection.beat()
        connection.send(blob=bus.Blob(id=number, offset=at, data=piece, last=last))
        at, room = at + len(piece), room - len(piece)
    answer = of_blob(connection, number)
    while not isinstance(answer, bus.BlobKept):  # room that nobody needs any more
        answer = of_blob(connection, number)
    if answer.blob.digest != hashlib.sha256(body).digest():
        raise ValueError("the broker has something else")
    return answer.blob


def get(connection, offset=0, **which):
    """Gets a large body. which: job, for its result, or lease, for what it is to run."""
    number = connection.new_blob()
    blob = connection.call(timeout=60, blob_get=bus.BlobGet(id=number, room=ROOM, offset=offset, **which)).blob
    pieces, last = [], False
    while not last:
        piece = of_blob(connection, number)
        pieces.append(piece.data)
        last = piece.last
        if not last:
            connection.send(blob_room=bus.BlobRoom(id=number, bytes=len(piece.data)))
    body = b"".join(pieces)
    if offset == 0 and hashlib.sha256(body).digest() != blob.digest:
        raise ValueError("what came is not what was put")
    return body


def fingerprint(method, path, content_type, body):
    """Each part after its length, so that no two requests look alike."""
    parts = [method.encode(), path.encode(), content_type.encode()]
    parts += [body] if len(body) <= IN_A_RECORD else [b"sha256", hashlib.sha256(body).digest()]
    return hashlib.sha256(b"".join(b"%d:%s" % (len(p), p) for p in parts)).digest()


def submit(connection, service, method, path, body, key=""):
    content_type = "text/plain"
    request = bus.Submit(
        service=service,
        method=method,
        path=path,
        headers=[bus.Header(name="content-type", value=content_type.encode())],
        body=body,
        key=key,
        fingerprint=fingerprint(method, path, content_type, body),
        priority=5,
    )
    if len(body) > IN_A_RECORD:
        request.body = b""
        request.blob.CopyFrom(put(connection, body, service=service))
    return connection.call(submit=request).job


def wait_for(connection, job):
    """Every event of the job, until its last."""
    connection.send(watch=bus.Watch(job=job))
    while True:
        record = connection.next_said(timeout=60)
        if record is None:
            raise TimeoutError(job)
        if record.WhichOneof("body") != "event" or record.event.job != job:
            continue
        print(record.event.id, record.event.name, record.event.data.decode(), flush=True)
        if record.event.last:
            return


def run(connection, assign):
    """The work. A lease is named in everything that is said of it."""
    lease = bus.Lease(job=assign.job, token=assign.token)
    connection.call(progress=bus.Progress(lease=lease, data=b'{"done":0.5}', type="application/json"))
    header = bus.Header(name="content-type", value=b"text/plain")
    body = get(connection, lease=lease) if assign.HasField("blob") else assign.body
    done = bus.Done(lease=lease, status=200, headers=[header], body=body.upper())
    if len(done.body) > IN_A_RECORD:
        done.blob.CopyFrom(put(connection, done.body, lease=lease))
        done.body = b""
    return done


def work(connection, jobs):
    """Credit for one job at a time; a beat whenever it is due."""
    connection.send(credit=bus.Credit(service=connection.service, slots=1, bytes=1 << 20))
    while jobs != 0:
        record = connection.next_said(timeout=max(0, connection.next_beat - time.monotonic()))
        connection.beat()
        if record is None or record.WhichOneof("body") != "assign":
            continue
        assign = record.assign
        print("assign", assign.job, assign.attempt, assign.method, assign.path, flush=True)
        connection.running[assign.job] = assign.token
        connection.call(done=run(connection, assign))
        del connection.running[assign.job]
        connection.send(credit=bus.Credit(service=connection.service, slots=1, bytes=1 << 20))
        jobs -= 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", default="127.0.0.1:4751", help="its https address")
    parser.add_argument("--cert", default="certs/me.pem")
    parser.add_argument("--key", default="certs/me.key")
    parser.add_argument("--ca", default="certs/ca.pem")
    parser.add_argument("--idempotency-key", default="")
    parser.add_argument("--jobs", type=int, default=-1, help="work: end after so many")
    parser.add_argument("verb", choices=["submit", "work"])
    parser.add_argument("words", nargs="+")
    options = parser.parse_args()
    if options.verb == "work":
        work(Bus(options, options.words[0]), options.jobs)
        return
    connection = Bus(options)
    service, method, path = options.words[:3]
    body = options.words[3].encode() if len(options.words) > 3 else b""
    if body.startswith(b"@"):
        body = pathlib.Path(body[1:].decode()).read_bytes()
    job = submit(connection, service, method, path, body, options.idempotency_key)
    print(job, flush=True)
    wait_for(connection, job)
    result = connection.call(fetch=bus.Fetch(job=job))
    if result.HasField("blob"):
        text = get(connection, job=job)
        print(result.status, len(text), "bytes, sha256", hashlib.sha256(text).hexdigest())
    else:
        print(result.status, result.body.decode())


if __name__ == "__main__":
    main()
