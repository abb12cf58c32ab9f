#!/usr/bin/env python3
"""Bodies and results that are too large for a record: they go by the piece, lie beside the database, and are whole, once
and nowhere left behind, whatever is killed meanwhile."""

import hashlib
import json
import os
import pathlib
import socket
import threading
import time

import h1
import kit
from job_story import ASYNC, JSON, JobStory

DEMO = pathlib.Path(__file__).resolve().parents[2] / "examples" / "demo"
MIB = 1 << 20


def content(size, seed=b"a"):
    """Bytes that repeat nowhere near."""
    block = hashlib.sha512(seed).digest()
    return b"".join(hashlib.sha512(block + b"%d" % n).digest() for n in range(size // 64 + 1))[:size]


def rss_mib(process):
    for line in pathlib.Path(f"/proc/{process.child.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024


def is_sanitized(process):
    return "asan" in pathlib.Path(f"/proc/{process.child.pid}/maps").read_text()


class Blobs(JobStory):
    BIG = content(6 * MIB + 12345)
    LARGE = content(20 * MIB)  # more than what is on its way anywhere

    def files(self):
        folder = self.place.folder / "jobs/blobs"
        return sorted(os.listdir(folder)) if folder.exists() else []

    def blob_files(self, *contents):
        return sorted(hashlib.sha256(c).hexdigest() for c in contents)

    def restart(self, **conf):
        self.broker.kill()
        self.broker.conf.update(conf)
        self.broker.write()
        self.broker.start()

    def test_both_ways_whole_and_in_parts(self):
        answer = self.BIG[::-1]
        self.begin(answer=lambda r: h1.reply(200, answer))
        job = self.submit(self.BIG)
        self.wait_state(job, "done")
        self.assertTrue(self.function.seen[0].body == self.BIG)
        self.assertEqual(self.function.seen[0].field("content-length"), str(len(self.BIG)))
        got = self.result(job)
        self.assertEqual((got.status, got.field("content-length")), (200, str(len(answer))))
        self.assertTrue(got.body == answer)
        path = f"/v1/jobs/{job}/result"
        part = self.ask("GET", path, [("range", "bytes=1000-2999")])
        self.assert_answer(part, 206, answer[1000:3000])
        self.assertEqual(part.field("content-range"), f"bytes 1000-2999/{len(answer)}")
        self.assert_answer(self.ask("GET", path, [("range", "bytes=-5")]), 206, answer[-5:])
        self.assertEqual(self.ask("GET", path, [("range", f"bytes={len(answer)}-")]).status, 416)
        self.assertEqual(self.files(), self.blob_files(self.BIG, answer))

    def test_nobody_holds_it(self):
        body = bytes(120 * MIB)
        self.begin(answer=lambda r: h1.reply(200, r.body))
        if is_sanitized(self.broker):
            self.skipTest("which keeps what was freed")
        job = self.submit(body)
        self.wait_state(job, "done")
        self.assertTrue(self.result(job).body == body)
        for process in (self.broker, self.web, self.trainer):
            self.assertLess(rss_mib(process), 64)

    def test_one_byte_over_and_one_that_is_not(self):
        self.begin(answer=lambda r: h1.reply(200, r.body))
        for size, blobs in ((256 << 10, 0), ((256 << 10) + 1, 1)):
            body = content(size, b"edge")
            job = self.submit(body)
            self.wait_state(job, "done")
            self.assertTrue(self.function.next().body == body)
            self.assertTrue(self.result(job).body == body)
            self.assertEqual(len(self.files()), blobs)

    def test_of_unknown_length(self):
        def chunked(request):
            pieces = [self.BIG[at : at + 70000] for at in range(0, len(self.BIG), 70000)]
            text = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
            return b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + text + b"0\r\n\r\n"

        self.begin(answer=chunked)
        with h1.Caller(self.web.outbound) as caller:
            head = "POST /train HTTP/1.1\r\nhost: trainer\r\nprefer: respond-async\r\ntransfer-encoding: chunked\r\n\r\n"
            caller.socket.sendall(head.encode())
            for at in range(0, len(self.BIG), 50000):
                piece = self.BIG[at : at + 50000]
                caller.socket.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            caller.socket.sendall(b"0\r\n\r\n")
            job = json.loads(caller.receive("POST").body)["job"]
        self.wait_state(job, "done")
        self.assertTrue(self.function.seen[0].body == self.BIG)
        self.assertTrue(self.result(job).body == self.BIG)

    def test_the_same_content_is_one_file_and_one_request(self):
        self.begin(answer=lambda r: h1.reply(200, b"ok"))
        first = self.submit(self.BIG, idempotency_key='"k"')
        self.assertEqual(self.submit(self.BIG, idempotency_key='"k"'), first)
        other = self.ask("POST", "/train", [ASYNC, ("idempotency-key", '"k"')], self.BIG + b"!")
        self.assert_refused(other, 422, "idempotency-conflict")
        second = self.submit(self.BIG)
        self.assertNotEqual(second, first)
        for job in (first, second):
            self.wait_state(job, "done")
        self.assertEqual(len(self.function.seen), 2)
        self.assertIn(self.blob_files(self.BIG)[0], self.files())

    def test_each_attempt_reads_it_anew(self):
        self.begin(
            answer=lambda r: h1.reply(*((503, b"busy" * 100000) if r.field("weft-attempt") == "1" else (200, r.body)))
        )
        job = self.submit(self.BIG)
        self.wait_state(job, "done")
        self.assertEqual([r.body == self.BIG for r in self.function.seen], [True, True])
        self.assertTrue(self.result(job).body == self.BIG)
        self.assertEqual(self.files(), self.blob_files(self.BIG))

    def test_goes_with_the_last_job_that_needs_it(self):
        self.restart(retention="1s")
        self.begin(answer=lambda r: h1.reply(200, self.BIG[:MIB]))
        self.wait_state(self.submit(self.BIG), "done")
        self.assertEqual(len(self.files()), 2)
        kit.wait_until("retention takes the files away", lambda: not self.files(), within=90)

    def announce(self, size, host="trainer"):
        """The answer to a body of so many bytes, of which only the beginning was sent."""
        with h1.Caller(self.web.outbound) as caller:
            head = f"POST /train HTTP/1.1\r\nhost: {host}\r\nprefer: respond-async\r\ncontent-length: {size}\r\n\r\n"
            caller.socket.sendall(head.encode() + self.BIG[: 300 << 10])
            return caller.receive("POST")

    def test_bounds_are_told_before_much_was_sent(self):
        self.restart(limits={"payload": "4MiB", "blobs": "6MiB"})
        self.begin(worker=False)
        self.assert_refused(self.announce(5 * MIB), 413, "payload-too-large")
        self.submit(self.BIG[: 3 * MIB])
        self.assert_refused(self.announce(4 * MIB), 429, "quota-full")
        self.assert_refused(self.announce(MIB, "painter"), 404, "service-unknown")
        self.assertEqual(self.files(), self.blob_files(self.BIG[: 3 * MIB]))
        self.assertEqual(self.broker.metric("weft_blob_bytes "), 3 * MIB)

    def weft_job(self, *words, status=0):
        done = self.place.weft("job", *words, "-s", self.web.outbound)
        self.assertEqual((done.returncode, done.stderr if not status else ""), (status, ""))
        return done.stdout

    def test_by_hand(self):
        self.begin(answer=lambda r: h1.reply(200, r.body[::-1]))
        folder = self.place.folder
        (folder / "body").write_bytes(self.BIG)
        job = self.weft_job("submit", "trainer", "POST", "/train", "-d", "@body").strip()
        self.wait_state(job, "done")
        self.weft_job("result", job, "-o", "answer")
        self.assertTrue((folder / "answer").read_bytes() == self.BIG[::-1])
        self.assertTrue(self.function.seen[0].body == self.BIG)
        self.weft_job("result", "01M85JM4VK8G4NP2RDGJBJRNRG", "-o", "none", status=1)
        self.assertEqual([p.name for p in folder.glob("none*")], [])
        self.weft_job("submit", "trainer", "POST", "/train", "-d", "@absent", status=2)
        empty = self.weft_job("submit", "trainer", "POST", "/train", "-d", "@/dev/null").strip()
        self.wait_state(empty, "done")
        self.assertEqual(self.function.seen[-1].body, b"")

    def test_a_backup_has_what_its_jobs_need(self):
        self.begin(answer=lambda r: h1.reply(200, b"r" * MIB))
        done = self.submit(self.BIG)
        self.wait_state(done, "done")
        self.trainer.end()
        waiting = self.submit(self.BIG[:MIB])
        orphan = self.place.folder / "jobs/blobs" / ("0" * 64)
        orphan.write_bytes(b"nobody needs it")
        said = self.place.must("broker", "backup", "copy", "broker.yaml")
        size = len(self.BIG) + 2 * MIB
        self.assertIn(f"copy/blobs: 3 files, {size} bytes", said)
        self.assertEqual(
            sorted(os.listdir(self.place.folder / "copy/blobs")), self.blob_files(self.BIG, self.BIG[:MIB], b"r" * MIB)
        )
        self.restart(data="copy")
        self.web.wait_log(" broker-ready ", 2)
        self.assertTrue(self.result(done).body == b"r" * MIB)
        self.start(self.trainer)
        self.wait_state(waiting, "done")
        self.assertTrue(self.function.seen[-1].body == self.BIG[:MIB])

    def test_both_are_adapted_as_they_stream(self):
        for name in ("orders-1.weft", "orders-2.weft"):
            self.place.write(name, (DEMO / name).read_text().replace('contract("orders"', 'contract("trainer"'))
        self.trainer.conf["contract"] = "orders-2.weft"
        self.trainer.write()
        self.web.conf["consumes"] = ["orders-1.weft"]
        self.web.write()
        gap = b" " * (600 << 10)  # less than adapt.max_buffer each, more than it together
        answer = b'{"id":"o",%s"cents":1,%s"currency":"EUR",%s"quantity":3}' % (gap, gap, gap)
        self.begin(answer=lambda r: h1.reply(201, answer, [JSON]))
        body = b'{%s"sku": "AB-1",%s"qty": 3%s}' % (gap, gap, gap)
        job = self.submit(body, "/orders", content_type="application/json")
        self.wait_state(job, "done")
        seen, result = self.function.seen[0].body, self.result(job)
        self.assertEqual(json.loads(seen), {"sku": "AB-1", "quantity": 3, "currency": "EUR"})
        self.assertEqual(result.status, 201)
        self.assertEqual(json.loads(result.body), {"id": "o", "qty": 3, "cents": 1, "currency": "EUR"})
        self.assertGreater(min(len(seen), len(result.body)), 3 * len(gap))

    def test_a_result_without_room_waits_for_it(self):
        self.restart(limits={"blobs": "3MiB"})
        self.begin(answer=lambda r: h1.reply(200, self.BIG[: 2 * MIB] if r.body == b"large" else b"small"))
        self.wait_state(self.submit(self.BIG[: 2 * MIB]), "done")
        job = self.submit(b"large")
        self.trainer.wait_log("job-result-waits")
        self.assertEqual(self.status(job)["state"], "leased")
        self.restart(limits={"blobs": "5MiB"})
        self.assertEqual(self.wait_until_known(job, "done")["attempt"], 1)
        self.assertTrue(self.result(job).body == self.BIG[: 2 * MIB])
        self.assertEqual(len(self.function.seen), 2)

    # --- what is killed, and when ---

    def upload_half(self, size=2 * MIB):
        """A caller that has sent the beginning of its body, and it has reached the disk."""
        caller = h1.Caller(self.web.outbound)
        self.addCleanup(caller.close)
        head = f"POST /train HTTP/1.1\r\nhost: trainer\r\nprefer: respond-async\r\ncontent-length: {len(self.BIG)}\r\n\r\n"
        caller.socket.sendall(head.encode() + self.BIG[:size])
        kit.wait_until("a part is on the disk", lambda: any(f.startswith("part-") for f in self.files()))
        return caller

    def test_a_caller_that_leaves_half_way_leaves_nothing(self):
        self.begin(worker=False)
        self.upload_half().close()
        kit.wait_until("the part is gone", lambda: not self.files())

    def test_the_broker_is_killed_while_it_comes(self):
        self.begin()
        caller = self.upload_half()
        self.broker.kill()
        answer = caller.receive("POST")
        self.assert_refused(answer, 503, "broker-unreachable")
        self.broker.start()
        self.assertEqual(self.files(), [])
        self.web.wait_log(" broker-ready ", 2)
        self.wait_state(self.submit(self.BIG), "done")
        self.assertEqual(len(self.function.seen), 1)

    def test_the_callers_sidecar_is_killed_while_it_comes(self):
        self.begin(worker=False)
        self.upload_half()
        self.web.kill()
        kit.wait_until("the part is gone", lambda: not self.files(), within=60)

    def slow_function(self, limit):
        """Reads the head and so much of the body, then waits to be told to go on."""
        go, begun = threading.Event(), threading.Event()
        self.addCleanup(go.set)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        bodies = []

        def serve(connection):
            with connection, connection.makefile("rb") as file:
                message = h1.read_head(file)
                body = file.read(limit)
                begun.set()
                go.wait(60)
                rest = file.read(int(message.field("content-length")) - limit)
                if len(body) + len(rest) < int(message.field("content-length")):
                    return
                bodies.append(body + rest)
                connection.sendall(h1.reply(200, b"ok"))

        def accept():
            while True:
                try:
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        self.trainer.conf["inbound"]["app"] = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.trainer.write()
        return go, begun, bodies

    def test_the_broker_is_killed_while_a_worker_reads(self):
        go, begun, bodies = self.slow_function(MIB)
        self.begin()
        job = self.submit(self.LARGE)
        self.assertTrue(begun.wait(20))
        self.broker.kill()
        self.broker.start()
        self.trainer.wait_log(" broker-ready ", 2)
        go.set()
        status = self.wait_until_known(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (1, 0))
        self.assertEqual([b == self.LARGE for b in bodies], [True])

    def test_the_worker_is_killed_while_it_reads(self):
        go, begun, bodies = self.slow_function(MIB)
        self.begin()
        job = self.submit(self.LARGE)
        self.assertTrue(begun.wait(20))
        self.trainer.kill()
        go.set()
        self.start(self.trainer)
        status = self.wait_state(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (2, 1))
        self.assertEqual([b == self.LARGE for b in bodies], [True])

    def answer_in_halves(self):
        """The first attempt says half of its answer and waits; others say it whole."""
        go, half = threading.Event(), threading.Event()
        self.addCleanup(go.set)

        def answer(request):
            whole = h1.reply(200, self.BIG)
            if half.is_set():
                return whole
            request.connection.sendall(whole[: 2 * MIB])
            half.set()
            go.wait(60)
            return whole[2 * MIB :]

        return answer, go, half

    def check_one_result(self, job, attempts, crashes):
        status = self.wait_until_known(job, "done")
        self.assertEqual((status["attempt"], status["crashes"]), (attempts, crashes))
        self.assertTrue(self.result(job).body == self.BIG)
        # A part goes with its connection, which a killed sidecar leaves to be silent.
        kit.wait_until("nothing else stays", lambda: self.files() == self.blob_files(self.BIG), within=60)

    def test_the_broker_is_killed_while_a_result_comes(self):
        """What has left is lost, so the function is asked again; no attempt is charged."""
        answer, go, half = self.answer_in_halves()
        self.begin(answer=answer)
        job = self.submit(b"small")
        self.assertTrue(half.wait(20))
        kit.wait_until("a part is on the disk", self.files)
        self.broker.kill()
        self.broker.start()
        self.check_one_result(job, 2, 0)
        go.set()

    def test_the_worker_is_killed_while_a_result_goes(self):
        answer, go, half = self.answer_in_halves()
        self.begin(answer=answer)
        job = self.submit(b"small")
        self.assertTrue(half.wait(20))
        self.trainer.kill()
        self.start(self.trainer)
        self.check_one_result(job, 2, 1)
        go.set()

    def test_killed_again_and_again_nothing_is_lost_or_left(self):
        """The broker is killed every moment; in the end each job has its own result once, and no file is nobody's."""
        self.begin(answer=lambda r: h1.reply(200, r.body[::-1]))
        bodies = [content(MIB + 1000 * n, b"%d" % n) for n in range(8)]
        jobs, over = {}, threading.Event()

        def kill():
            while not over.wait(0.7):
                self.broker.kill()
                self.broker.start()

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        until = time.monotonic() + 60
        for n, body in enumerate(bodies):
            while n not in jobs and time.monotonic() < until:
                answer = self.ask("POST", "/train", [ASYNC, ("idempotency-key", f'"k{n}"')], body)
                if answer.status == 202:
                    jobs[n] = json.loads(answer.body)["job"]
                else:
                    time.sleep(0.1)
        over.set()
        killer.join()
        self.assertEqual(len(jobs), len(bodies))
        for n, job in jobs.items():
            self.wait_until_known(job, "done")
            self.assertTrue(self.result(job).body == bodies[n][::-1])
        self.assertEqual(self.files(), self.blob_files(*bodies, *(b[::-1] for b in bodies)))


if __name__ == "__main__":
    kit.main()
