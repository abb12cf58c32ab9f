#!/usr/bin/env python3
"""The web function: written against version 1 of orders, and knows nothing of meshes.

usage: web.py SIDECAR order|cancel     prints what it sent and what it got
"""
import http.client
import json
import sys

SIDECAR, WHAT = sys.argv[1], sys.argv[2]
CALLS = {"order": ("/orders", '{"sku": "AB-1", "qty": 3}'), "cancel": ("/orders/cancel", '{"id": "o-1"}')}
path, body = CALLS[WHAT]

connection = http.client.HTTPConnection(SIDECAR, timeout=10)
connection.request("POST", path, body, {"host": "orders", "content-type": "application/json"})
answer = connection.getresponse()
print(f"web sent      POST http://orders{path} {body}")
print(f"web received  {answer.status} {answer.reason}")
for name in ("weft-error", "weft-request-id"):
    if answer.getheader(name):
        print(f"              {name}: {answer.getheader(name)}")
text = answer.read().decode().rstrip()
if answer.status == 412:
    for name, value in json.loads(text).items():
        print(f"              {name}: {json.dumps(value)}")
else:
    print(f"              {text}")
