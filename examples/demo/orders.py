#!/usr/bin/env python3
"""The orders function: plain HTTP, knows only version 2 of its contract.  usage: orders.py PORT LOG"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, LOG = int(sys.argv[1]), sys.argv[2]


class Orders(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def read_body(self):
        if self.headers.get("transfer-encoding", "") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("content-length", 0)))

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        text = self.read_body().decode()
        with open(LOG, "a") as log:
            log.write(f"{self.path} {text}\n")
        order = json.loads(text)
        if self.path == "/orders":
            self.answer(201, {"id": "o-1", "quantity": order["quantity"], "cents": 1250 * order["quantity"],
                              "currency": order["currency"]})
        else:
            self.answer(200, {"id": order["id"]})

    def log_message(self, *args):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Orders).serve_forever()
