# SPDX-License-Identifier: Apache-2.0
"""Payload folders of models that behave in one particular way each. Standard library only."""
import pathlib

SERVER = '''
import http.server, json, os, socketserver, sys, time, urllib.parse

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        path, _, query = self.path.partition("?")
        arguments = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        ANSWER
    def send(self, status, body):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
    def log_message(self, form, *values):
        print("request", form % values, flush=True)

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

BEFORE
server = Server(("127.0.0.1", 0), Handler)
with open("endpoint.dat.new", "w") as file:
    json.dump({"url": f"http://127.0.0.1:{server.server_port}", "functions": FUNCTIONS}, file)
os.rename("endpoint.dat.new", "endpoint.dat")
print("listening", flush=True)
server.serve_forever()
'''

ECHO = 'self.send(200, {"path": path, "got": arguments, "revision": "REVISION", "pid": os.getpid()})'


def write(folder, files):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def script(body):
    return "#!/bin/sh\n" + body + "\n"


def server(folder, answer=ECHO, before="", functions=None, revision="1"):
    text = SERVER.replace("ANSWER", answer).replace("BEFORE", before).replace("FUNCTIONS", repr(functions or {"apply": "apply"}))
    return write(folder, {"model.py": text.replace("REVISION", revision), "start.sh": script("exec python3 model.py")})


def echo(folder, revision="1"):
    return server(folder, revision=revision)


def exits(folder, code=3):
    return write(folder, {"start.sh": script(f"echo cannot find the weights >&2\nexit {code}")})


def silent(folder):
    return write(folder, {"start.sh": script("echo thinking\nexec sleep 1000")})


def endpoint(folder, text):
    """A script that writes this endpoint.dat and stays."""
    return write(folder, {"start.sh": script(f"cat > endpoint.dat.new <<'END'\n{text}\nEND\nmv endpoint.dat.new endpoint.dat\nexec sleep 1000")})


def with_child(folder):
    """A model whose work is done by a grandchild in a session of its own."""
    before = ('import subprocess\n'
              'child = subprocess.Popen(["setsid", "sh", "-c", "echo $$ > child.pid; exec sleep 1000"])\n'
              'while not os.path.exists("child.pid"): time.sleep(0.005)')
    return server(folder, before=before, answer='self.send(200, {"child": int(open("child.pid").read()), "pid": os.getpid()})')
