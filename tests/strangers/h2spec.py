#!/usr/bin/env python3
"""Both listeners of a sidecar before h2spec, the conformance tester for HTTP/2; not part of script/test, since it needs
Go and the module:

    go install github.com/summerwind/h2spec/cmd/h2spec@latest
    tests/strangers/h2spec.py build/release/cli [--h2spec PATH]

Three runs of every case, strict ones too: the local side, the mTLS side, and the mTLS side asked as over TLS.
h2spec has no certificate to show, so a bridge shows one in its place; it adds and takes no byte.
Ends with 1 when a case fails."""

import argparse
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "flow"))
import h1
import kit


def pump(source, sink):
    try:
        while True:
            piece = source.recv(65536)
            if not piece:
                break
            sink.sendall(piece)
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Bridge:
    """Whoever connects is connected to `address` by mTLS, as `name`."""

    def __init__(self, place, name, address, is_tls):
        self.wrap, self.address = place.tls(name, "h2"), address
        self.server = None
        if is_tls:
            self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            identity = place.identity(name)
            self.server.load_cert_chain(place.folder / identity["cert"], place.folder / identity["key"])
            self.server.set_alpn_protocols(["h2"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.join, args=(near,), daemon=True).start()

    def join(self, near):
        try:
            near = self.server.wrap_socket(near, server_side=True) if self.server else near
            host, _, port = self.address.rpartition(":")
            far = self.wrap(socket.create_connection((host, int(port))))
        except OSError:
            near.close()
            return
        threading.Thread(target=pump, args=(far, near), daemon=True).start()
        pump(near, far)


def run(h2spec, what, port, *words):
    done = subprocess.run(
        [h2spec, "-h", "127.0.0.1", "-p", str(port), "-P", "/x", "-S", *words],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    told = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", done.stdout).replace("\r", "\n")
    sums = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", told)
    if not sums:
        sys.exit(f"{what}: h2spec did not come to its end\n{told[-2000:]}{done.stderr[-2000:]}")
    print(f"{what}: {sums[0]}", flush=True)
    if sums[4] != "0":
        print(told[told.find("Failures:") :], flush=True)
    return int(sums[4])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs")
    parser.add_argument("--h2spec", default="h2spec")
    words = parser.parse_args()
    if not shutil.which(words.h2spec):
        sys.exit("h2spec is not installed: see --help")
    kit.programs = pathlib.Path(words.programs).resolve()
    place, failed = kit.Place(), 0
    try:
        function = place.function(lambda r: h1.reply(200, b"hello" * 20))  # some cases want a body
        orders = place.provider("orders", function).start()
        own = {"endpoints": [orders.inbound], "identity": kit.spiffe("orders"), "local": kit.free_address()}
        place.sidecar("web", outbound={"listen": kit.free_address()}, services={"orders": own}).start()
        failed += run(words.h2spec, "local", own["local"].rpartition(":")[2])
        failed += run(words.h2spec, "mTLS", Bridge(place, "web", orders.inbound, False).port)
        failed += run(words.h2spec, "mTLS, asked over TLS", Bridge(place, "web", orders.inbound, True).port, "-t", "-k")
    finally:
        place.close()
        reports = place.reports()
        if reports:
            print(place.logs(), *reports, sep="\n")
        shutil.rmtree(place.folder, ignore_errors=True)
    sys.exit(failed > 0 or bool(reports))


if __name__ == "__main__":
    main()
