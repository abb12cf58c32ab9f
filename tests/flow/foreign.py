#!/usr/bin/env python3
"""Proxies that are no weft on either side of a sidecar, with certificates of `weft ca`: before the sidecar of a function
as its caller, and as the provider that a sidecar calls. What is not installed here is skipped by its name."""

import json
import shutil
import signal

import h1
import kit

BODY = bytes(range(256)) * 1000


class Foreign:
    """A proxy of another house: how it is told to be a caller, and to be a provider."""

    program = None
    says_ready = None  # in its log, where it listens before it serves

    def __init__(self, place):
        self.place, self.listen = place, kit.free_address()
        self.identity = place.identity(self.program)
        folder = place.folder
        both = (folder / self.identity["cert"]).read_bytes() + (folder / self.identity["key"]).read_bytes()
        (folder / "both.pem").write_bytes(both)

    def path(self, name):
        return self.place.folder / name

    @property
    def cert(self):
        return self.path(self.identity["cert"])

    @property
    def key(self):
        return self.path(self.identity["key"])

    @property
    def ca(self):
        return self.path("certs/ca.pem")

    def start(self, command):
        process = self.place.process(kit.Process(self.program, command, self.place.folder, (0, -signal.SIGTERM))).start()
        process.log_path.touch()

        def listens():
            if not process.is_running():
                raise AssertionError(f"{self.program} ended: {process.log()}")
            return kit.is_listening(self.listen)

        kit.wait_until(f"{self.program} listens", listens)
        if self.says_ready:
            process.wait_log(self.says_ready)
        return self


class Haproxy(Foreign):
    program = "haproxy"
    protocols = ("http/1.1", "h2")

    def run(self, frontend, backend):
        self.place.write(
            "haproxy.cfg",
            f"""global
  nbthread 1
defaults
  mode http
  timeout client 30s
  timeout server 30s
  timeout connect 5s
frontend in
  bind {self.listen} {frontend}
  default_backend out
backend out
  server one {backend}
""",
        )
        return self.start(["haproxy", "-f", "haproxy.cfg", "-db"])

    def caller(self, target, protocol):
        tls = f"ssl crt both.pem ca-file {self.ca} verify required alpn {protocol}"
        return self.run("", f"{target} {tls}")

    def provider(self, target):
        tls = f"ssl crt both.pem ca-file {self.ca} verify required alpn h2,http/1.1"
        return self.run(tls, target)


class Nginx(Foreign):
    """As a caller it speaks HTTP/1.1 alone, and knows no names in certificates but those of hosts."""

    program = "nginx"
    protocols = ("http/1.1",)

    def run(self, listen, server):
        temporary = "".join(
            f"  {kind}_temp_path {self.path(kind)};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        self.place.write(
            "nginx.conf",
            f"""user root;
daemon off;
master_process off;
pid {self.path('nginx.pid')};
error_log stderr;
events {{}}
http {{
  access_log off;
  client_max_body_size 10m;
{temporary}
  server {{
    listen {listen};
    {server}
  }}
}}
""",
        )
        return self.start(["nginx", "-c", str(self.path("nginx.conf")), "-e", "stderr"])

    def caller(self, target, _):
        return self.run(
            self.listen,
            f"""location / {{
      proxy_pass https://{target};
      proxy_http_version 1.1;
      proxy_set_header Host orders;
      proxy_set_header Connection "";
      proxy_ssl_certificate {self.cert};
      proxy_ssl_certificate_key {self.key};
      proxy_ssl_trusted_certificate {self.ca};
      proxy_ssl_protocols TLSv1.3;
    }}""",
        )

    def provider(self, target):
        return self.run(
            f"{self.listen} ssl http2",
            f"""ssl_certificate {self.cert};
    ssl_certificate_key {self.key};
    ssl_client_certificate {self.ca};
    ssl_verify_client on;
    ssl_protocols TLSv1.3;
    location / {{
      proxy_pass http://{target};
      proxy_http_version 1.1;
      proxy_set_header Host $host;
      proxy_set_header Connection "";
    }}""",
        )


class Nghttpx(Foreign):
    """It knows no names in certificates but those of hosts."""

    program = "nghttpx"
    says_ready = "Created worker thread"
    protocols = ("http/1.1", "h2")

    def run(self, front, back, *words):
        host, _, port = self.listen.rpartition(":")
        command = ["nghttpx", f"--frontend={host},{port}{front}", f"--backend={back}", "--workers=1", *words]
        command += [f"--conf={self.place.write('nghttpx.conf', '')}", "--accesslog-file=/dev/null"]
        return self.start(command)

    def caller(self, target, protocol):
        host, _, port = target.rpartition(":")
        spoken = "h2" if protocol == "h2" else "http/1.1"
        return self.run(
            ";no-tls",
            f"{host},{port};;tls;proto={spoken}",
            f"--client-cert-file={self.cert}",
            f"--client-private-key-file={self.key}",
            "--insecure",
            "--tls-min-proto-version=TLSv1.3",
        )

    def provider(self, target):
        host, _, port = target.rpartition(":")
        return self.run(
            "",
            f"{host},{port};;",
            "--verify-client",
            f"--verify-client-cacert={self.ca}",
            "--tls-min-proto-version=TLSv1.3",
            str(self.key),
            str(self.cert),
        )


class Envoy(Foreign):
    program = "envoy"
    protocols = ("http/1.1", "h2")

    def context(self, kind):
        files = {
            "tls_certificates": [
                {"certificate_chain": {"filename": str(self.cert)}, "private_key": {"filename": str(self.key)}}
            ],
            "validation_context": {"trusted_ca": {"filename": str(self.ca)}},
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
        }
        return {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": f"type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}TlsContext",
                "common_tls_context": files,
                **({"require_client_certificate": True} if kind == "Downstream" else {}),
            },
        }

    def run(self, target, protocol, listener, upstream):
        def address(at):
            host, _, port = at.rpartition(":")
            return {"socket_address": {"address": host, "port_value": int(port)}}

        manager = {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
            ".HttpConnectionManager",
            "stat_prefix": "in",
            "route_config": {
                "virtual_hosts": [
                    {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "out"}}]}
                ]
            },
            "http_filters": [
                {
                    "name": "envoy.filters.http.router",
                    "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
                }
            ],
        }
        options = {"http2_protocol_options": {}} if protocol == "h2" else {"http_protocol_options": {}}
        cluster = {
            "name": "out",
            "load_assignment": {
                "cluster_name": "out",
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(target)}}]}],
            },
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": options,
                }
            },
            **upstream,
        }
        chain = {"filters": [{"name": "http", "typed_config": manager}], **listener}
        static = {"listeners": [{"address": address(self.listen), "filter_chains": [chain]}], "clusters": [cluster]}
        self.place.write("envoy.json", json.dumps({"static_resources": static}))
        return self.start(["envoy", "-c", "envoy.json", "--disable-hot-restart", "--concurrency", "1"])

    def caller(self, target, protocol):
        return self.run(target, protocol, {}, {"transport_socket": self.context("Upstream")})

    def provider(self, target):
        return self.run(target, "http/1.1", {"transport_socket": self.context("Downstream")}, {})


class Matrix:  # what each of them must be good for; a story for every kind below

    kind = None

    def setUp(self):
        if not shutil.which(self.kind.program):
            self.skipTest(f"{self.kind.program} is not installed")
        super().setUp()
        self.function = self.place.function()

    def assert_serves(self, address):
        with h1.Caller(address) as caller:
            for i in range(20):
                self.assert_answer(caller.ask("GET", f"/{i}", "orders"), 200, b"")
            self.assert_answer(caller.ask("POST", "/echo", "orders", [("content-type", "x/y")], BODY), 200, BODY)
            self.assertEqual(caller.ask("HEAD", "/", "orders").status, 200)
            self.function.answer = lambda r: h1.reply(404, b"none")
            self.assert_answer(caller.ask("GET", "/none", "orders"), 404, b"none")
            self.function.answer = lambda r: h1.reply(204)
            self.assertEqual(caller.ask("DELETE", "/it", "orders").status, 204)
        self.function.answer = h1.echo
        self.assertEqual([r.path for r in self.function.seen][:20], [f"/{i}" for i in range(20)])

    def test_before_a_sidecar(self):
        for protocol in self.kind.protocols:
            with self.subTest(protocol=protocol):
                self.function.seen.clear()
                orders = self.place.provider("orders", self.function).start()
                self.assert_serves(self.kind(self.place).caller(orders.inbound, protocol).listen)
                who = kit.spiffe(self.kind.program)
                self.assertIn(f"URI={who}", self.function.seen[0].field("x-forwarded-client-cert"))
                orders.wait_access(peer=who, method="POST", status=200)

    def test_before_a_sidecar_that_denies_it(self):
        self.place.write("policy.weft", f'allow :- peer("{kit.spiffe("web")}").\n')
        orders = self.place.provider("orders", self.function, policy=["policy.weft"]).start()
        foreign = self.kind(self.place).caller(orders.inbound, self.kind.protocols[-1])
        self.assert_refused(h1.ask(foreign.listen, "GET", "/", "orders"), 403, "policy-denied")
        self.assertEqual(self.function.seen, [])

    def test_behind_a_sidecar(self):
        foreign = self.kind(self.place).provider(self.function.address)
        service = {"endpoints": [foreign.listen], "identity": kit.spiffe(self.kind.program)}
        web = self.place.sidecar("web", outbound={"listen": kit.free_address()}, services={"orders": service}).start()
        self.assert_serves(web.outbound)
        (peer,) = json.loads(web.ask("GET", "/peers").body)
        self.assertEqual((peer["breaker"], peer["failed"]), ("closed", 0))

    def test_behind_a_sidecar_under_another_name(self):
        foreign = self.kind(self.place).provider(self.function.address)
        service = {"endpoints": [foreign.listen], "identity": kit.spiffe("somebody-else")}
        web = self.place.sidecar("web", outbound={"listen": kit.free_address()}, services={"orders": service}).start()
        problem = self.assert_refused(h1.ask(web.outbound, "GET", "/", "orders"), 503, "unreachable")
        self.assertIn(kit.spiffe(self.kind.program), problem["detail"])
        self.assertEqual(self.function.seen, [])


class WithHaproxy(Matrix, kit.Story):
    kind = Haproxy


class WithNginx(Matrix, kit.Story):
    kind = Nginx


class WithNghttpx(Matrix, kit.Story):
    kind = Nghttpx


class WithEnvoy(Matrix, kit.Story):
    kind = Envoy


if __name__ == "__main__":
    kit.main()
