#!/usr/bin/env python3
"""The trainer function: learns to tell the language of a word from the word lists of this machine.

Softmax regression over the letters' pairs of a word, trained by stochastic gradient descent; real words,
split into words to learn from and words held out.  Writes one ledger line per training that begins and
per training that is done.  usage: trainer.py PORT SIDECAR LEDGER
"""
import json
import math
import random
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, SIDECAR, LEDGER = int(sys.argv[1]), sys.argv[2], sys.argv[3]
LISTS = {"english": "american-english", "german": "ngerman", "french": "french", "spanish": "spanish",
         "italian": "italian"}
BUCKETS = 4096


def ledger(line):
    with open(LEDGER, "a") as f:
        f.write(line + "\n")


def words_of(name, count, rng):
    with open(f"/usr/share/dict/{name}", encoding="utf-8", errors="replace") as f:
        words = [w.strip().lower() for w in f]
    words = sorted({w for w in words if w.isalpha() and len(w) > 3})
    rng.shuffle(words)
    return words[:count]


def features(word):
    marked = f"^{word}$"
    return [hash_of(marked[i:i + n]) for n in (2, 3) for i in range(len(marked) - n + 1)]


def hash_of(piece):
    h = 2166136261
    for b in piece.encode():
        h = (h ^ b) * 16777619 & 0xFFFFFFFF
    return h % BUCKETS


def scores(weights, feats):
    raw = [sum(w[f] for f in feats) for w in weights]
    top = max(raw)
    exps = [math.exp(r - top) for r in raw]
    total = sum(exps)
    return [e / total for e in exps]


def report(job, data):
    if not job:
        return
    request = urllib.request.Request(f"http://{SIDECAR}/v1/jobs/{job}/progress", method="POST",
                                     data=json.dumps(data).encode(), headers={"content-type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=2).close()
    except OSError:
        pass  # progress is a courtesy; the training goes on


def train(wanted, job):
    rng = random.Random(7)
    languages = sorted(LISTS)
    samples = [(features(w), n) for n, lang in enumerate(languages)
               for w in words_of(LISTS[lang], wanted["words"], rng)]
    rng.shuffle(samples)
    held = samples[:len(samples) // 5]
    learn = samples[len(held):]
    weights = [[0.0] * BUCKETS for _ in languages]
    accuracy = 0.0
    for epoch in range(wanted["epochs"]):
        rate = 0.5 / (1 + epoch)
        for feats, label in learn:
            for n, p in enumerate(scores(weights, feats)):
                step = rate * ((n == label) - p)
                row = weights[n]
                for f in feats:
                    row[f] += step
        right = sum(max(range(len(languages)), key=lambda n: sum(weights[n][f] for f in feats)) == label
                    for feats, label in held)
        accuracy = right / len(held)
        report(job, {"epoch": epoch + 1, "of": wanted["epochs"], "accuracy": round(accuracy, 4)})
        rng.shuffle(learn)
    return {"accuracy": round(accuracy, 4), "held_out": len(held), "languages": languages}


class Trainer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        wanted = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        job, attempt = self.headers.get("weft-job"), self.headers.get("weft-attempt")
        ledger(f"begun {job} attempt {attempt}")
        model = json.dumps(train(wanted, job)).encode()
        ledger(f"done {job} attempt {attempt}")
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(model)))
        self.end_headers()
        self.wfile.write(model)

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Trainer).serve_forever()
