#!/usr/bin/env python3
"""Clients and servers that nobody here wrote, through the pair: curl, nghttp, h2load, node, openssl and Python's own
notice nothing of it. What is not installed is skipped by its name."""

import functools
import http.client
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import wsgiref.simple_server

import h1
import kit

BIG = bytes(range(256)) * 8000  # 2 MB


def needs(program):
    def decorate(test):
        @functools.wraps(test)
        def run(self):
            if not shutil.which(program):
                self.skipTest(f"{program} is not installed")
            test(self)

        return run

    return decorate


class Clients(kit.Story):
    def setUp(self):
        super().setUp()
        self.function = self.place.function()
        self.begin(f"http://{self.function.address}")

    def begin(self, app):
        inbound = {"listen": kit.free_address(), "app": app}
        self.orders = self.place.sidecar("orders", inbound=inbound).start()
        own = {"endpoints": [self.orders.inbound], "identity": kit.spiffe("orders"), "local": kit.free_address()}
        self.web = self.place.sidecar(
            "web", outbound={"listen": kit.free_address()}, services={"orders": own}
        ).start()
        self.local = own["local"]
        (self.place.folder / "big").write_bytes(BIG)

    def again(self, app):
        """The same before another function."""
        for sidecar in (self.web, self.orders):
            sidecar.end()
        self.begin(app)

    def run_it(self, *words, within=30, **env):
        done = subprocess.run(
            words,
            cwd=self.place.folder,
            capture_output=True,
            timeout=within,
            check=False,
            env={**os.environ, **env},
        )
        self.assertEqual(done.returncode, 0, (done.stdout[-2000:], done.stderr[-2000:]))
        return done.stdout

    # --- curl ---

    def curl(self, *words, **env):
        return self.run_it("curl", "-sS", "--max-time", "20", *words, **env)

    def to_orders(self, path="/"):
        return ("-H", "Host: orders", f"http://{self.web.outbound}{path}")

    @needs("curl")
    def test_curl_in_every_version(self):
        for version in ("--http1.0", "--http1.1", "--http2-prior-knowledge"):
            with self.subTest(version=version):
                told = self.curl(version, "-w", "%{http_code}", "-d", "hello", *self.to_orders())
                self.assertEqual(told, b"hello200")
                self.assertIn(b"content-length: 0", self.curl(version, "-I", *self.to_orders()).lower())

    @needs("curl")
    def test_curl_waits_for_100_before_it_sends_a_large_body(self):
        told = self.curl("-v", "--stderr", "-", "-H", "Expect: 100-continue", "-T", "big", "-o", "got", *self.to_orders())
        self.assertIn(b"HTTP/1.1 100 Continue", told)
        self.assertTrue((self.place.folder / "got").read_bytes() == BIG)

    @needs("curl")
    def test_curl_sends_chunks(self):
        words = ["-H", "Transfer-Encoding: chunked", "-H", "Content-Type: x/y", "-X", "POST", "-T", "big", "-o", "got"]
        self.curl(*words, *self.to_orders())
        self.assertTrue((self.place.folder / "got").read_bytes() == BIG)
        self.assertEqual(self.function.seen[0].field("transfer-encoding"), "chunked")

    @needs("curl")
    def test_curl_by_way_of_http_proxy(self):
        told = self.curl("-w", "%{http_code}", "http://orders/x", http_proxy=f"http://{self.web.outbound}")
        self.assertEqual(told, b"200")
        self.assertEqual((self.function.seen[0].path, self.function.seen[0].field("host")), ("/x", "orders"))

    @needs("curl")
    def test_curl_by_way_of_a_unix_socket(self):
        self.web.end()
        self.web.conf["outbound"] = {"listen": f"unix:{self.place.folder}/out"}
        self.web.write()
        self.web.start()
        told = self.curl("--unix-socket", "out", "-d", "hello", "http://orders/")
        self.assertEqual(told, b"hello")

    @needs("curl")
    def test_curl_with_a_certificate_of_ours(self):
        for version in ("--http1.1", "--http2"):
            with self.subTest(version=version):
                words = ["--cert", "certs/web.pem", "--key", "certs/web.key", "--cacert", "certs/ca.pem", "-k"]
                told = self.curl(version, *words, "-d", "hello", f"https://{self.orders.inbound}/")
                self.assertEqual(told, b"hello")

    @needs("curl")
    def test_curl_sees_early_hints(self):
        hints = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"
        self.function.answer = lambda r: hints + h1.reply(200, b"done")
        for version in ("--http1.1", "--http2-prior-knowledge"):
            told = self.curl(version, "-i", *self.to_orders())
            self.assertRegex(told, rb"HTTP/[12.]+ 103 ?[^\r]*\r\n(?i:link): </a.css>; rel=preload\r\n\r\nHTTP/[12.]+ 200")
            self.assertTrue(told.endswith(b"done"))

    @needs("curl")
    def test_curl_and_answers_without_a_body(self):
        for status in (204, 304):
            self.function.answer = lambda r, s=status: h1.reply(s, b"", [("etag", '"x"')])
            for version in ("--http1.1", "--http2-prior-knowledge"):
                # 7.88.1 itself breaks a second request over HTTP/2 with prior knowledge, before every server
                again = self.to_orders("/again")[2:] if version == "--http1.1" else ()
                told = self.curl(version, "-i", *self.to_orders(), *again)
                self.assertEqual(len(re.findall(rb"HTTP/[12.]+ %d" % status, told)), 1 + len(again), told)

    # --- nghttp and h2load ---

    @needs("nghttp")
    def test_nghttp_with_trailers_and_a_body(self):
        target = f"http://{self.web.outbound}/x"
        words = ["-H", ":authority: orders", "-H", ":method: POST", "--trailer", "x-sum: 7", "-d", "big", "--no-content-length"]
        self.run_it("nghttp", *words, "-n", target)
        self.assertTrue(self.function.seen[0].body == BIG)
        self.assertEqual(self.function.seen[0].trailers, [("x-sum", "7")])

    @needs("nghttp")
    def test_nghttp_with_many_streams_and_a_certificate(self):
        words = ["--cert", "certs/web.pem", "--key", "certs/web.key", "-m", "50", "-s", "-n"]
        told = self.run_it("nghttp", *words, f"https://{self.orders.inbound}/x")
        self.assertEqual(len(re.findall(rb"^ *\d+ .* 200 ", told, re.M)), 50, told)

    @needs("h2load")
    def test_h2load_loses_none(self):
        for words in ((), ("--h1",)):
            with self.subTest(words=words):
                told = self.run_it(
                    *("h2load", *words, "-n", "2000", "-c", "20", "-m", "10"),
                    f"http://{self.local}/",
                )
                self.assertIn(b"2000 succeeded, 0 failed, 0 errored, 0 timeout", told)
                self.assertIn(b"status codes: 2000 2xx", told)

    # --- openssl ---

    @needs("openssl")
    def test_openssl_with_and_without_a_protocol(self):
        request = b"GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n"
        words = ["openssl", "s_client", "-quiet", "-verify_quiet", "-ign_eof", "-connect", self.orders.inbound]
        words += ["-cert", "certs/web.pem", "-key", "certs/web.key", "-CAfile", "certs/ca.pem"]

        def ask(*more):
            done = subprocess.run(
                [*words, *more], cwd=self.place.folder, input=request, capture_output=True, timeout=20, check=False
            )
            return done.stdout

        self.assertTrue(ask("-alpn", "http/1.1").startswith(b"HTTP/1.1 200 "))
        self.assertTrue(ask().startswith(b"HTTP/1.1 200 "), "who offers no protocol is told by its first bytes")
        self.assertEqual(ask("-alpn", "spdy/3"), b"")
        self.assertEqual(ask("-tls1_2"), b"", "TLS 1.3 alone")

    # --- node ---

    def node(self, script, *words):
        self.place.write("story.js", script)
        return json.loads(self.run_it("node", "story.js", *words).decode().splitlines()[-1])

    def node_server(self, script):
        self.place.write("server.js", script)
        process = self.place.process(kit.Process("node", ["node", "server.js"], self.place.folder, (0, -15))).start()
        process.wait_log(r"port \d+")
        return re.search(r"port (\d+)", process.log())[1]

    @needs("node")
    def test_node_http_keeps_its_connections(self):
        told = self.node(NODE_HTTP, self.web.outbound.rpartition(":")[2])
        self.assertEqual(told, {"statuses": [200] * 200, "sockets": 4, "trailers": {"x-sum": "7"}})

    @needs("node")
    def test_node_http2_has_many_streams_and_cancels_some(self):
        told = self.node(NODE_HTTP2, self.web.outbound.rpartition(":")[2])
        self.assertEqual(told, {"good": 90, "cancelled": 10, "goaway": None})

    @needs("node")
    def test_a_server_in_node_with_hints_and_trailers(self):
        self.again(f"http://127.0.0.1:{self.node_server(NODE_SERVER)}")
        with h1.Caller(self.web.outbound) as caller:
            for _ in range(3):
                answer = caller.ask("GET", "/", "orders", [("te", "trailers")])
                self.assert_answer(answer, 200, b"hello")
                self.assertEqual([e.status for e in answer.early], [103])
                self.assertEqual(answer.trailers, [("x-sum", "7")])

    @needs("node")
    def test_a_server_in_node_that_speaks_http2(self):
        self.again(f"h2c://127.0.0.1:{self.node_server(NODE_SERVER_2)}")
        with h1.Caller(self.web.outbound) as caller:
            for _ in range(3):
                answer = caller.ask("POST", "/", "orders", [("te", "trailers")], BIG)
                self.assertTrue(answer.body == BIG)
                self.assertEqual((answer.status, answer.trailers), (200, [("x-sum", "7")]))

    @needs("node")
    def test_a_server_in_node_that_closes_soon(self):
        """Its connections end after a few milliseconds of rest: none of the calls that race with that is lost."""
        self.again(f"http://127.0.0.1:{self.node_server(NODE_HASTY)}")
        with h1.Caller(self.web.outbound) as caller:
            for _ in range(200):
                self.assert_answer(caller.ask("GET", "/", "orders"), 200, b"ok")

    # --- Python's own ---

    def test_http_client_of_python(self):
        host, _, port = self.web.outbound.rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=20)
        self.addCleanup(connection.close)
        for body in (None, b"hello", BIG, iter([b"a", b"b", b"c"])):
            connection.request("POST", "/", body, {"Host": "orders"}, encode_chunked=not isinstance(body, (bytes, type(None))))
            answer = connection.getresponse()
            want = b"abc" if body is not None and not isinstance(body, bytes) else body or b""
            self.assertTrue((answer.status, answer.read()) == (200, want))

    def test_a_wsgi_server_of_python(self):
        def app(environ, start):
            start("200 OK", [("Content-Type", "text/plain")])
            return [environ["HTTP_X_FORWARDED_CLIENT_CERT"].encode()]

        class Quiet(wsgiref.simple_server.WSGIRequestHandler):
            def log_message(self, *_):
                pass

        server = wsgiref.simple_server.make_server("127.0.0.1", 0, app, handler_class=Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.again(f"http://127.0.0.1:{server.server_port}")
        answer = h1.ask(self.web.outbound, "GET", "/", "orders", [("X_Forwarded_Client_Cert", "URI=spiffe://evil")])
        self.assertEqual(answer.body.decode(), f"By={kit.spiffe('orders')};URI={kit.spiffe('web')}")


NODE_HTTP = """
const http = require('http');
const agent = new http.Agent({keepAlive: true, maxSockets: 4});
const sockets = new Set();
const call = (i) => new Promise((good, bad) => {
  const request = http.request({agent, port: process.argv[2], path: '/' + i, method: i % 2 ? 'POST' : 'GET',
    headers: {host: 'orders'}}, (answer) => {
    answer.resume();
    answer.on('end', () => good(answer.statusCode));
  });
  request.on('socket', (s) => sockets.add(s));
  request.on('error', bad);
  request.end(i % 2 ? 'body' : undefined);
});
const trailers = () => new Promise((good, bad) => {
  const request = http.request({port: process.argv[2], method: 'POST', path: '/', headers: {host: 'orders', trailer: 'x-sum'}},
    (answer) => { answer.resume(); answer.on('end', () => good({'x-sum': '7'})); });
  request.on('error', bad);
  request.write('a');
  request.addTrailers({'x-sum': '7'});
  request.end();
});
(async () => {
  const statuses = await Promise.all([...Array(200).keys()].map(call));
  console.log(JSON.stringify({statuses, sockets: sockets.size, trailers: await trailers()}));
  agent.destroy();
})();
"""

NODE_HTTP2 = """
const http2 = require('http2');
const session = http2.connect('http://127.0.0.1:' + process.argv[2]);
let goaway = null;
session.on('goaway', (code) => { goaway = code; });
const call = (i) => new Promise((over) => {
  const stream = session.request({':path': '/' + i, ':authority': 'orders', ':method': 'POST'});
  let status = 0;
  stream.on('response', (head) => { status = head[':status']; });
  stream.on('error', () => {});
  stream.on('close', () => over(status));
  stream.resume();
  if (i % 10 == 9) { stream.write('half'); setTimeout(() => stream.close(http2.constants.NGHTTP2_CANCEL), 20); }
  else stream.end('body');
});
Promise.all([...Array(100).keys()].map(call)).then((statuses) => {
  const good = statuses.filter((s) => s == 200).length;
  console.log(JSON.stringify({good, cancelled: statuses.filter((s) => s == 0).length, goaway}));
  session.close();
});
"""

NODE_SERVER = """
const server = require('http').createServer((request, answer) => {
  request.resume();
  answer.writeEarlyHints({link: '</a.css>; rel=preload'});
  answer.writeHead(200, {trailer: 'x-sum'});
  answer.write('hello');
  answer.addTrailers({'x-sum': '7'});
  answer.end();
});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
"""

NODE_SERVER_2 = """
const server = require('http2').createServer();
server.on('stream', (stream) => {
  stream.respond({':status': 200}, {waitForTrailers: true});
  stream.on('wantTrailers', () => stream.sendTrailers({'x-sum': '7'}));
  stream.pipe(stream);
});
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
"""

NODE_HASTY = """
const server = require('http').createServer((request, answer) => { request.resume(); answer.end('ok'); });
server.keepAliveTimeout = 3;
server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
"""

if __name__ == "__main__":
    kit.main()
