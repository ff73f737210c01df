#!/usr/bin/env python3
"""A receiver of Warbler's webhooks: checks the signature, drops what came twice, prints the rest.

    WEBHOOK_SECRET=whsec_... python3 webhook_receiver.py [PORT]

Needs nothing but Python 3.9. The host must be allowed to reach this machine: name 127.0.0.1 in
`outbound_allow` under `[network]`.
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
OLDEST = 300  # seconds
LARGEST = 2 * 1024 * 1024  # bytes
seen = OrderedDict()


def is_genuine(headers, body):
    """Whether this was signed with our secret, lately."""
    identity, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not sent.isdigit() or abs(time.time() - int(sent)) > OLDEST:
        return False
    signed = f"{identity}.{sent}.".encode() + body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(one, f"v1,{expected}") for one in given)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        if length > LARGEST:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_genuine(self.headers, body):
            return self.answer(401)
        identity = self.headers["webhook-id"]
        if identity not in seen:
            seen[identity] = True
            if len(seen) > 10_000:
                seen.popitem(last=False)
            event = json.loads(body)
            text = (event.get("message") or {}).get("text", "")
            print(event["kind"], event.get("sessionName", ""), text, flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    print(f"Listening on http://127.0.0.1:{port}/", flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
