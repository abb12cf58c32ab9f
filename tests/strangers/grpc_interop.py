#!/usr/bin/env python3
"""gRPC's interoperability tests through a pair of sidecars, every client with every server; not part of script/test,
since it needs other languages' libraries. Whatever is there is tried:

    python   grpcio and grpcio-tools (or Debian's python3-grpcio, python3-grpc-tools)
    node     npm install @grpc/grpc-js @grpc/proto-loader, and --node-modules FOLDER
    go       go build google.golang.org/grpc/interop/client and .../server, as --go-client FILE, --go-server FILE
    java     io.grpc:grpc-interop-testing with what it needs in one folder, as --java FOLDER

    tests/strangers/grpc_interop.py build/release/cli [--workers N] [those]

Ends with 1 when a case fails."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "flow"))
import kit

CASES = (
    "empty_unary large_unary client_streaming server_streaming ping_pong empty_stream cancel_after_begin "
    "cancel_after_first_response timeout_on_sleeping_server status_code_and_message special_status_message "
    "custom_metadata unimplemented_method unimplemented_service"
).split()
JAVA = "io.grpc.testing.integration.TestService"


class Peers:
    """Commands by language."""

    def __init__(self, words, place):
        self.clients, self.servers, self.env = {}, {}, dict(os.environ)
        self.place, self.words = place, words
        for language in ("python", "node", "go", "java"):
            getattr(self, language)()

    def python(self):
        made = subprocess.run(
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{HERE}", f"--python_out={self.place.folder}", "interop.proto"],
            capture_output=True,
            check=False,
        )
        if made.returncode == 0:
            self.env["PYTHONPATH"] = str(self.place.folder)
            self.add("python", [sys.executable, str(HERE / "interop_peer.py")])

    def node(self):
        if self.words.node_modules and shutil.which("node"):
            self.env["NODE_PATH"] = self.words.node_modules
            self.add("node", ["node", str(HERE / "interop_peer.js")])

    def add(self, language, command):
        self.clients[language] = lambda port, case: [*command, "call", port, case]
        self.servers[language] = lambda port: [*command, "serve"]

    def go(self):
        if self.words.go_client:
            self.clients["go"] = lambda port, case: [
                *(self.words.go_client, "--server_host", "127.0.0.1", "--server_port", port, "--test_case", case)
            ]
        if self.words.go_server:
            self.servers["go"] = lambda port: [self.words.go_server, "--port", port]

    def java(self):
        if not self.words.java:
            return
        java = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{self.words.java}/*"]
        plain = "--use_tls=false"
        self.clients["java"] = lambda port, case: [
            *(*java, JAVA + "Client", "--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}", plain)
        ]
        self.servers["java"] = lambda port: [*java, JAVA + "Server", f"--port={port}", plain]


def start_server(place, peers, language):
    """Its address, once it listens; `port PORT` on its output names another one than it was given."""
    address = kit.free_address()
    command = ["env", *(f"{k}={v}" for k, v in peers.env.items() if k in ("PYTHONPATH", "NODE_PATH"))]
    process = kit.Process(f"server-{language}", [*command, *peers.servers[language](address.rpartition(":")[2])], place.folder, (0, -15, 143))
    place.process(process).start()

    def found():
        told = re.search(r"^port (\d+)", process.log(), re.M)
        at = f"127.0.0.1:{told[1]}" if told else address
        return at if kit.is_listening(at) else None

    return kit.wait_until(f"{language} listens", found)


def run(peers, client, port, case):
    began = time.monotonic()
    try:
        done = subprocess.run(
            peers.clients[client](port, case), env=peers.env, capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode == 0, (done.stdout + done.stderr)[-1500:], time.monotonic() - began
    except subprocess.TimeoutExpired:
        return False, "no end within 60 s", 60


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs")
    parser.add_argument("--workers", type=int, default=1)
    for name in ("node-modules", "go-client", "go-server", "java"):
        parser.add_argument(f"--{name}")
    words = parser.parse_args()
    kit.programs = pathlib.Path(words.programs).resolve()
    place, failed = kit.Place(), 0
    try:
        peers = Peers(words, place)
        print("clients:", *peers.clients, "servers:", *peers.servers, flush=True)
        for server in peers.servers:
            app = start_server(place, peers, server)
            orders = place.sidecar(
                f"orders-{server}", service="orders", inbound={"listen": kit.free_address(), "app": f"h2c://{app}"}, workers=words.workers
            ).start()
            own = {"endpoints": [orders.inbound], "identity": kit.spiffe(f"orders-{server}"), "local": kit.free_address()}
            place.sidecar(
                f"web-{server}", outbound={"listen": kit.free_address()}, services={"orders": own}, workers=words.workers
            ).start()
            for client in peers.clients:
                results = {case: run(peers, client, own["local"].rpartition(":")[2], case) for case in CASES}
                bad = [case for case, (good, _, _) in results.items() if not good]
                print(f"{client} to {server}: {len(CASES) - len(bad)} of {len(CASES)} cases", *bad, flush=True)
                for case in bad:
                    print(f"--- {client} to {server}, {case}\n{results[case][1]}", flush=True)
                failed += len(bad)
    finally:
        place.close()
        reports = place.reports()
        if reports:
            print(place.logs(), *reports, sep="\n")
        shutil.rmtree(place.folder, ignore_errors=True)
    sys.exit(failed > 0 or bool(reports))


if __name__ == "__main__":
    main()
