#!/usr/bin/env python3
"""A sidecar beside its function: it starts first, ends with it, and can be waited for and watched."""

import json
import signal
import subprocess
import sys
import threading

import h1
import kit

FUNCTION = """
import http.server, signal, sys
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "5"); self.end_headers(); self.wfile.write(b"hello")
    def log_message(self, *a): pass
def stop(*_):
    print("told to stop", flush=True)
    sys.exit(7)
signal.signal(signal.SIGTERM, stop)
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Echo)
print("serving", flush=True)
server.serve_forever()
"""


CALL = """
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1])
connection.request("GET", "/", headers={"host": "nowhere"})
sys.exit(connection.getresponse().status - 400)
"""


class Beside(kit.Story):
    def conf(self, name="orders"):
        self.port = int(kit.free_address().rpartition(":")[2])
        conf = {
            "service": name,
            "identity": self.place.identity(name),
            "inbound": {"listen": kit.free_address(), "app": f"http://127.0.0.1:{self.port}"},
            "outbound": {"listen": kit.free_address()},
            "admin": {"listen": kit.free_address()},
        }
        self.place.write(f"{name}.yaml", json.dumps(conf))
        return conf

    def run_beside(self, *command):
        """The function with its port as the last word, where it asks for one."""
        conf = self.conf()
        words = [str(self.port) if word == "PORT" else word for word in command]
        proxy = [str(kit.programs / "weft-proxy"), "run", "orders.yaml", "--", *words]
        return conf, self.place.process(kit.Process("orders", proxy, self.place.folder)).start()

    def ended(self, process, status):
        self.assertEqual(process.wait(), status, process.log())
        process.child.returncode = 0  # as asked

    def test_it_ends_with_its_function_and_as_it(self):
        for command, status in ((["true"], 0), (["sh", "-c", "exit 3"], 3), (["sh", "-c", "kill -9 $$"], 137)):
            with self.subTest(command=command):
                _, process = self.run_beside(*command)
                self.ended(process, status)

    def test_its_function_starts_when_calls_can_leave(self):
        self.place.write("call.py", CALL)
        conf = self.conf()
        proxy = [str(kit.programs / "weft-proxy"), "run", "orders.yaml", "--"]
        command = [*proxy, sys.executable, "call.py", conf["outbound"]["listen"]]
        done = subprocess.run(command, cwd=self.place.folder, capture_output=True, timeout=kit.DEADLINE, check=False)
        self.assertEqual(done.returncode, 4, done.stderr)  # 404 no-route: it was there

    def test_a_command_that_is_not_there(self):
        _, process = self.run_beside("no-such-command")
        self.ended(process, 1)
        self.assertIn("no-such-command", process.log())

    def test_told_to_stop_it_tells_its_function(self):
        self.place.write("f.py", FUNCTION)
        conf, process = self.run_beside(sys.executable, "f.py", "PORT")
        process.wait_log("serving")
        self.assertEqual(h1.ask(conf["inbound"]["listen"], "GET", "/", "orders", wrap=self.place.tls("web")).body, b"hello")
        process.signal(signal.SIGTERM)
        self.ended(process, 7)
        self.assertIn("told to stop", process.log())

    def test_a_function_does_not_outlive_a_killed_sidecar(self):
        self.place.write("f.py", FUNCTION)
        _, process = self.run_beside(sys.executable, "f.py", "PORT")
        process.wait_log("serving")
        process.kill()
        kit.wait_until("the function has gone", lambda: not kit.is_listening(f"127.0.0.1:{self.port}"))

    def test_waiting_for_a_sidecar(self):
        conf = self.conf()
        admin = conf["admin"]["listen"]
        late = self.place.weft("wait", "--sidecar", admin, "--timeout", "200ms")
        self.assertEqual(late.returncode, 1)
        self.assertIn("not ready after 200ms", late.stderr)
        words = ["wait", "--sidecar", admin, "--", "sh", "-c", "echo $0 $1; exit 5", "a", "b c"]
        wait = subprocess.Popen([str(kit.programs / "weft"), *words], stdout=subprocess.PIPE, text=True)
        self.addCleanup(wait.stdout.close)
        proxy = [str(kit.programs / "weft-proxy"), "orders.yaml"]
        self.place.process(kit.Process("orders", proxy, self.place.folder)).start()
        self.assertEqual(wait.wait(kit.DEADLINE), 5)
        self.assertEqual(wait.stdout.read(), "a b c\n")
        self.assertEqual(self.place.weft("wait", "--timeout", "soon").returncode, 2)

    def test_watching_a_sidecar(self):
        function = self.place.function()
        orders = self.place.provider("orders", function).start()
        web = self.place.caller("web", [orders]).start()
        stop = threading.Event()

        def call():
            with h1.Caller(web.outbound) as caller:
                while not stop.is_set():
                    caller.ask("GET", "/", "orders")

        thread = threading.Thread(target=call)
        thread.start()
        shown = self.place.weft("top", "--sidecar", web.admin, "--every", "500ms")
        stop.set()
        thread.join()
        self.assertEqual((shown.returncode, shown.stderr), (0, ""))
        row = next(line for line in shown.stdout.splitlines() if line.startswith("outbound  orders"))
        self.assertTrue(float(row.split()[3]) > 1, shown.stdout)
        self.assertRegex(row, r"^outbound  orders +- +[0-9.]+ +0\.0% +[0-9]+\.[0-9]+ +[0-9]+\.[0-9]+ +[0-9]+$")
        self.assertRegex(shown.stdout, rf"orders +{orders.inbound} +closed ")
        self.assertNotIn("\033", shown.stdout)
        seen = self.place.weft("top", "--sidecar", orders.admin, "--json", "--every", "100ms")
        (call,) = json.loads(seen.stdout)["calls"]
        self.assertEqual((call["direction"], call["peer"], call["operation"]), ("inbound", kit.spiffe("web"), ""))
        self.assertEqual(self.place.weft("top", "--sidecar", kit.free_address()).returncode, 2)


if __name__ == "__main__":
    kit.main()
