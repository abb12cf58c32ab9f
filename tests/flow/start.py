#!/usr/bin/env python3
"""What is wrong is said once, with its place and its repair, before anything listens."""

import socket
import subprocess

import kit

CERTS = """\
service: orders
identity: {cert: certs/orders.pem, key: certs/orders.key, trust: {shop.example: certs/ca.pem}}
"""


class Start(kit.Story):
    def setUp(self):
        super().setUp()
        self.place.identity("orders")
        self.inbound, self.admin = kit.free_address(), kit.free_address()
        self.good = (
            CERTS + f"inbound: {{listen: {self.inbound}, app: http://127.0.0.1:9}}\n"
            f"admin: {{listen: {self.admin}}}\n"
        )

    def run_program(self, name, *words):
        return subprocess.run(
            [str(kit.programs / name), *words],
            cwd=self.place.folder,
            capture_output=True,
            text=True,
            timeout=kit.DEADLINE,
            check=False,
        )

    def assert_complains(self, text, *complaint, program="weft-proxy", checked=True):
        """The program and `weft conf check` say exactly this, with status 2; nothing listens afterwards."""
        self.place.write("it.yaml", text)
        said = "\n".join(complaint) + "\n"
        done = self.run_program(program, "it.yaml")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", said))
        for address in (self.inbound, self.admin):
            self.assertFalse(kit.is_listening(address), address)
        if checked:
            done = self.run_program(
                "weft", "conf", "check", "it.yaml", *(["--broker"] * (program == "weft-broker"))
            )
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr, said + "it.yaml: 1 errors, 0 warnings\n")

    def test_what_is_good_is_good(self):
        self.place.write("it.yaml", self.good)
        done = self.run_program("weft", "conf", "check", "it.yaml")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "it.yaml: good (0 warnings)\n", ""))

    def test_a_wrong_key(self):
        self.assert_complains(
            self.good + "  outbond: {listen: 127.0.0.1:1}\n".lstrip(),
            "it.yaml:5:1: error: `outbond` is no known key",
            "  outbond: {listen: 127.0.0.1:1}",
            "  ^~~~~~~",
            "  did you mean `outbound`?",
        )

    def test_a_wrong_key_inside(self):
        self.assert_complains(
            self.good + "timeouts:\n  drian: 3s\n",
            "it.yaml:6:3: error: `timeouts.drian` is no known key",
            "  drian: 3s",
            "  ^~~~~",
            "  did you mean `drain`?",
        )

    def test_a_value_that_is_no_duration(self):
        self.assert_complains(
            self.good + "timeouts: {drain: soon}\n",
            "it.yaml:5:19: error: `timeouts.drain` must be a duration",
            "  timeouts: {drain: soon}",
            "                    ^~~~",
            "  write 250us, 500ms, 2s, 5m, 1h or 7d",
        )

    def test_an_outbound_side_for_everybody(self):
        self.assert_complains(
            self.good + "outbound: {listen: 0.0.0.0:4740}\n",
            "it.yaml:5:1: error: outbound.listen must be on loopback: it takes plain HTTP in our "
            "function's name",
            "  outbound: {listen: 0.0.0.0:4740}",
            "  ^~~~~~~~",
            "  use 127.0.0.1:PORT or unix:PATH",
        )

    def test_no_certificate_file(self):
        (self.place.folder / "certs" / "orders.pem").unlink()
        self.assert_complains(self.good, "certs/orders.pem: error: cannot be read: no such file")

    def test_a_key_that_others_can_read(self):
        (self.place.folder / "certs" / "orders.key").chmod(0o644)
        self.assert_complains(
            self.good,
            "certs/orders.key: error: the private key is open to others (mode 644)",
            "  chmod 600 certs/orders.key",
        )

    def test_a_key_of_another_certificate(self):
        self.place.issue("other")
        self.assert_complains(
            self.good.replace("orders.key", "other.key"),
            "certs/other.key: error: the key does not belong to the certificate in certs/orders.pem",
        )

    def test_an_expired_certificate(self):
        self.place.issue("orders", ttl="1s")
        check = ["openssl", "x509", "-checkend", "0", "-noout", "-in", "certs/orders.pem"]
        kit.wait_until(
            "the certificate expires",
            lambda: subprocess.run(
                check, cwd=self.place.folder, stdout=subprocess.DEVNULL, check=False
            ).returncode
            == 1,
        )
        self.place.write("it.yaml", self.good)
        for words in (["weft-proxy", "it.yaml"], ["weft", "conf", "check", "it.yaml"]):
            done = self.run_program(*words)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(
                done.stderr,
                r"^certs/orders.pem: error: certificate expired \d+ s ago\n"
                r"  issue a new certificate, or set the clock\n",
            )

    def test_a_trust_domain_without_its_bundle(self):
        self.place.authority("other", "other.example")
        self.assert_complains(
            self.good.replace("{shop.example: certs/ca.pem}", "{other.example: other/ca.pem}"),
            'certs/orders.pem: error: unknown trust domain "shop.example"',
            "  name that domain's bundle as well",
        )

    def test_a_contract_with_a_mistake(self):
        self.place.write("c.weft", 'contract("orders", "1.0.0").\noperation("a") http("a", "GET", "/").\n')
        self.assert_complains(
            self.good + "contract: c.weft\n",
            "c.weft:2:16: error: `.` is expected here",
            '  operation("a") http("a", "GET", "/").',
            "                 ^",
        )

    def test_a_policy_with_a_mistake(self):
        self.place.write("p.weft", 'allow :- color("red").\n')
        self.assert_complains(
            self.good + "policy: [p.weft]\n",
            "p.weft:1:10: error: unknown relation `color`",
            '  allow :- color("red").',
            "           ^~~~~",
        )

    def test_no_configuration(self):
        self.assertEqual(
            self.run_program("weft-proxy", "none.yaml").stderr, "none.yaml: error: there is no such file\n"
        )
        self.assertEqual(self.run_program("weft-proxy", "none.yaml").returncode, 2)
        self.assertEqual(self.run_program("weft", "conf", "check", "none.yaml").returncode, 2)

    def test_wrong_arguments(self):
        self.place.write("it.yaml", self.good)
        for words, said in (
            (["--wrong"], "unknown flag --wrong"),
            (["a", "b"], "too many words"),
            (["it.yaml", "--set", "inbound.lisen=1"], "did you mean `listen`?"),
        ):
            done = self.run_program("weft-proxy", *words)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(said, done.stderr)

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            self.place.write("it.yaml", self.good.replace(self.inbound, address))
            done = self.run_program("weft-proxy", "it.yaml")
        self.assertEqual(done.returncode, 1)
        self.assertIn(
            f"inbound.listen: error: cannot listen on {address}: Address already in use\n"
            "  another process has this address: stop it, or choose another one\n",
            done.stderr,
        )
        self.assertFalse(kit.is_listening(self.admin))

    def test_a_broker_with_a_wrong_key(self):
        text = CERTS.replace("service: orders\n", "") + "data: jobs\nlese: 3s\n"
        self.assert_complains(
            text,
            "it.yaml:3:1: error: `lese` is no known key",
            "  lese: 3s",
            "  ^~~~",
            "  did you mean `lease`?",
            program="weft-broker",
        )

    def test_a_broker_whose_lease_is_shorter_than_its_beats(self):
        text = CERTS.replace("service: orders\n", "") + "data: jobs\nlease: 3s\nbeat: 2s\n"
        self.assert_complains(
            text,
            "it.yaml:4:1: error: a lease must outlast two beats",
            "  beat: 2s",
            "  ^~~~",
            "  a third of the lease is good",
            program="weft-broker",
        )

    def test_a_broker_whose_port_is_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            broker = self.place.broker(["orders"], https=f"127.0.0.1:{taken.getsockname()[1]}")
            done = self.run_program("weft-broker", "broker.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("Address already in use", done.stderr)
        self.assertFalse(kit.is_listening(broker.conf["bus"]))

    def test_two_brokers_on_one_folder(self):
        first = self.place.broker(["orders"]).start()
        self.place.write(
            "second.yaml",
            (self.place.folder / "broker.yaml")
            .read_text()
            .replace(first.conf["bus"], kit.free_address())
            .replace(first.conf["https"], kit.free_address())
            .replace(first.admin, kit.free_address()),
        )
        done = self.run_program("weft-broker", "second.yaml")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("error: ", done.stderr)
        self.assertTrue(first.is_ready())


if __name__ == "__main__":
    kit.main()
