"""Calls at a steady rate, each with a number of its own, and an account of every one: bench/load/calls_load for stories."""

import json
import os
import signal
import subprocess
import time

import kit

UNSEEN = ("unreachable", "app-unreachable", "breaker-open", "draining", "overloaded", "app-overloaded")


def tool(name):
    return str(kit.programs.parent / "bench" / name)


def now_ms():
    return time.monotonic_ns() // 1000000


class Failed:
    """One call that was not answered with 200."""

    def __init__(self, line):
        _, number, self.method, sent, ended, *word, seen = line.split(" ")
        self.number, self.sent_ms, self.ended_ms, self.seen = int(number), int(sent), int(ended), int(seen)
        self.word = " ".join(word)

    def __repr__(self):
        return f"{self.method} {self.number}: {self.word}, seen {self.seen} times, {self.sent_ms} to {self.ended_ms} ms"


class Account:
    """What became of all calls of a load."""

    def __init__(self, text):
        lines = text.splitlines()
        self.failed = [Failed(line) for line in lines if line.startswith("failed ")]
        self.sums = json.loads(lines[-1])

    def __getattr__(self, name):
        return self.sums[name]


class Function(kit.Process):
    """A function in a process of its own, which can be killed, stopped and slowed down."""

    def __init__(self, place, name, book):
        self.address = kit.free_address()
        super().__init__(name, [tool("calls_function"), self.address, str(book)], place.folder)

    def start(self):
        super().start()
        kit.wait_until(f"{self.name} listens", lambda: kit.is_listening(self.address))
        return self

    def slow(self, is_slow=True):
        self.signal(signal.SIGUSR1 if is_slow else signal.SIGUSR2)


class Load:
    """COUNT calls, RATE a second, over so many connections to the local side of a sidecar."""

    def __init__(self, place, address, host, connections, rate, count):
        self.book = place.folder / "book"
        words = [tool("calls_load"), address, host, str(self.book), str(connections), str(rate), str(count)]
        quiet = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}  # it ends with all that it has
        self.child = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=quiet)

    def wait(self, within):
        out, _ = self.child.communicate(timeout=within)
        if self.child.returncode != 0:
            raise AssertionError(f"calls_load ended with {self.child.returncode}: {out[-1000:]}")
        return Account(out)

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()


def make_book(place, count):
    path = place.folder / "book"
    with open(path, "wb") as file:
        file.truncate(count)
    return path
