# SPDX-License-Identifier: Apache-2.0
"""A model whose behaviour the host argument chooses: what a stream must live with. Many requests at once."""
import json
import os
import socketserver
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler

RELEASE = threading.Event()  # never set: a model that does not answer


class Apply(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        host = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("host", [""])[0]
        kind = host.split(".")[0]
        if kind == "never":
            RELEASE.wait(60)
            return
        if kind == "close":
            self.connection.close()
            return
        if kind.startswith("takes"):
            time.sleep(int(kind.removeprefix("takes")) / 1000)  # polls: nothing, it is the time that this model takes
        status = 500 if kind == "fails" else 200
        body = b"<html>not json" if kind == "rubbish" else json.dumps(
            {"is_malicious": "legit" if kind in ("yahoo", "amazon") else "malicious", "host": host}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 1024


server = Server(("127.0.0.1", 0), Apply)
with open("endpoint.tmp", "w") as out:
    json.dump({"url": f"http://127.0.0.1:{server.server_address[1]}"}, out)
os.rename("endpoint.tmp", "endpoint.dat")
server.serve_forever()
