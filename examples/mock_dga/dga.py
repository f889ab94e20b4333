# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a model that tells generated domain names from names that people chose: it knows two good ones."""
import json
import os

from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

LEGIT = {"yahoo.com", "amazon.com"}

app = Flask(__name__)


@app.route("/apply", methods=["GET", "POST"])
def apply():
    host = request.values.get("host", "")
    return jsonify(is_malicious="legit" if host in LEGIT else "malicious")


class Handler(WSGIRequestHandler):
    def log_request(self, code="-", size="-"):
        """Thousands of calls a second are no news; errors are still logged."""


def announce(url):
    """Tells the platform where the model answers. The rename makes the file appear complete or not at all."""
    with open("endpoint.dat.new", "w", encoding="ascii") as file:
        json.dump({"url": url, "functions": {"apply": "apply"}}, file)
    os.replace("endpoint.dat.new", "endpoint.dat")


if __name__ == "__main__":
    # On a cluster the callers are on other machines: deploy with --env BIND_ADDRESS=0.0.0.0.
    address = os.environ.get("BIND_ADDRESS", "127.0.0.1")
    server = make_server(address, 0, app, threaded=True, request_handler=Handler)
    announce(f"http://{address}:{server.server_port}")
    print(f"mock_dga answers on {address}:{server.server_port}", flush=True)
    server.serve_forever()
