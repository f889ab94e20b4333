// SPDX-License-Identifier: Apache-2.0
#include "payloads/python_helper.h"

namespace modelyard::payloads {

std::string_view python_serve_program() {
  return R"py(# SPDX-License-Identifier: Apache-2.0
"""Serves one Python function as a model: python3 modelyard_serve.py FILE FUNCTION

GET /apply?name=value calls the function; each value is cast by the parameter's annotation (int, float, bool, str; list,
dict and tuple from JSON or, for lists, from a repeated name; Optional, Union, Literal, Enum). POST /apply takes a JSON
object of arguments. A dict is answered as it is, anything else as {"result": value}. Standard library alone.
"""
import asyncio
import enum
import importlib.util
import inspect
import json
import os
import socketserver
import sys
import traceback
import typing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

BODY_MAX = 16 * 1024 * 1024


class BadArgument(Exception):
    """The caller's mistake: answered with 400."""


def die(text):
    print("modelyard: " + text, file=sys.stderr, flush=True)
    sys.exit(1)


def load(path, name):
    folder = os.path.dirname(os.path.abspath(path))
    sys.path.insert(0, folder)
    module_name = os.path.splitext(os.path.basename(path))[0]
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    home = os.getcwd()
    os.chdir(folder)
    try:
        spec.loader.exec_module(module)
    except BaseException as error:  # also SystemExit: a file that ends the process when imported
        traceback.print_exc()
        die("importing %s failed: %s: %s" % (os.path.basename(path), type(error).__name__, error))
    function = getattr(module, name, None)
    if not callable(function):
        known = sorted(n for n, v in vars(module).items() if inspect.isfunction(v))
        die("%s has no function %s (it has: %s)" % (os.path.basename(path), name, ", ".join(known) or "none"))
    return function, home


def cast_bool(text):
    lower = text.strip().lower()
    if lower in ("true", "1", "yes", "on"):
        return True
    if lower in ("false", "0", "no", "off", ""):
        return False
    raise ValueError("neither true nor false")


def cast_json(text, kind):
    value = json.loads(text)
    if kind in (tuple, set, frozenset) and isinstance(value, list):
        return kind(value)
    if not isinstance(value, kind):
        raise ValueError("not a JSON %s" % kind.__name__)
    return value


def cast_union(texts, members):
    if type(None) in members and texts[-1] in ("", "null", "None"):
        return None
    failure = ValueError("fits no type of its annotation")
    # str takes anything, so it is asked last.
    for member in sorted((m for m in members if m is not type(None)), key=lambda m: m is str):
        try:
            return cast(texts, member)
        except (ValueError, TypeError) as error:
            failure = error
    raise failure


def cast(texts, annotation):
    """Values of one name, as text, to what the annotation asks for."""
    text = texts[-1]
    if annotation in (inspect.Parameter.empty, str, typing.Any, object) or isinstance(annotation, (str, typing.TypeVar)):
        return text
    if annotation is bool:
        return cast_bool(text)
    if annotation is bytes:
        return text.encode("utf-8", "surrogateescape")
    origin = getattr(annotation, "__origin__", None)
    members = getattr(annotation, "__args__", None) or ()
    if origin is typing.Union or type(annotation).__name__ == "UnionType":
        return cast_union(texts, members)
    if str(origin).endswith("Literal"):
        for member in members:
            if str(member) == text:
                return member
        raise ValueError("must be one of " + ", ".join(str(m) for m in members))
    kind = origin or annotation
    if kind in (list, tuple, set, frozenset):
        inner = members[0] if members and not isinstance(members[0], typing.TypeVar) else None
        if len(texts) == 1 and text.lstrip().startswith("["):
            value = json.loads(text)
            return kind(value)
        return kind(cast([one], inner) if inner is not None else one for one in texts)
    if kind is dict:
        return cast_json(text, dict)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind[text]
        except KeyError:
            return kind(text)
    if callable(kind):
        return kind(text)
    return text


def fit(value, annotation):
    """A value of a JSON body: already typed, except where the annotation asks for what JSON cannot say."""
    if isinstance(value, str) and annotation is not str:
        return cast([value], annotation)
    if annotation is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


class Model:
    def __init__(self, name, function):
        self.name = name
        self.function = function
        self.signature = inspect.signature(function)
        try:
            hints = typing.get_type_hints(function)
        except Exception:  # an annotation that names what is not there
            hints = {}
        self.annotations = {p.name: hints.get(p.name, p.annotation) for p in self.signature.parameters.values()}
        kinds = [p.kind for p in self.signature.parameters.values()]
        self.takes_any = inspect.Parameter.VAR_KEYWORD in kinds

    def describe(self):
        return {"function": self.name, "arguments": str(self.signature)}

    def check_name(self, name):
        parameter = self.signature.parameters.get(name)
        known = parameter is not None and parameter.kind not in (
            inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        if not known and not self.takes_any:
            raise BadArgument("%s takes no argument %s: it is %s%s" % (self.name, name, self.name, self.signature))
        return self.annotations.get(name, str) if known else str

    def arguments(self, pairs, body):
        texts = {}
        for name, value in pairs:
            texts.setdefault(name, []).append(value)
        found = {}
        for name, values in texts.items():
            found[name] = self.cast_one(name, lambda annotation: cast(values, annotation))
        for name, value in body.items():
            found[name] = self.cast_one(name, lambda annotation: fit(value, annotation))
        return found

    def cast_one(self, name, how):
        annotation = self.check_name(name)
        try:
            return how(annotation)
        except (ValueError, TypeError, ArithmeticError) as error:
            wanted = getattr(annotation, "__name__", str(annotation))
            raise BadArgument("argument %s must be %s: %s" % (name, wanted, error))

    def call(self, found):
        positional = []
        for parameter in self.signature.parameters.values():
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and parameter.name in found:
                positional.append(found.pop(parameter.name))
        try:
            self.signature.bind(*positional, **found)
        except TypeError as error:
            raise BadArgument("%s: it is %s%s" % (error, self.name, self.signature))
        value = self.function(*positional, **found)
        if inspect.isawaitable(value):
            async def finish():
                return await value
            value = asyncio.run(finish())
        return value if isinstance(value, dict) else {"result": value}


def plain(value):
    """What json does not know: numbers and arrays of numerical libraries, sets, enumerations."""
    for method in ("tolist", "item", "isoformat"):
        if callable(getattr(value, method, None)):
            return getattr(value, method)()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024  # header and body leave in one packet
    model = None

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        try:
            body = json.dumps(value, default=plain, allow_nan=False).encode()
        except (ValueError, TypeError, RecursionError) as error:
            traceback.print_exc()
            status, body = 500, json.dumps({"error": "the answer is no JSON: %s" % error}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        size = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Transfer-Encoding") or size < 0 or size > BODY_MAX:
            self.close_connection = True
            raise BadArgument("the body needs a Content-Length of at most %d" % BODY_MAX)
        raw = self.rfile.read(size)
        if not raw.strip():
            return [], {}
        kind = (self.headers.get("Content-Type") or "").split(";")[0].strip().lower()
        if kind == "application/x-www-form-urlencoded" and not raw.lstrip().startswith(b"{"):
            return parse_qsl(raw.decode("ascii", "replace"), keep_blank_values=True, errors="surrogateescape"), {}
        try:
            body = json.loads(raw)
        except ValueError as error:
            raise BadArgument("the body is no JSON: %s" % error)
        if not isinstance(body, dict):
            raise BadArgument("the body must be a JSON object of arguments")
        return [], body

    def respond(self):
        try:
            pairs, body = self.read_body()
            url = urlsplit(self.path)
            name = url.path.strip("/")
            if name == "":
                return self.answer(200, self.model.describe())
            if name not in ("apply", self.model.name):
                return self.answer(404, {"error": "no function %s here: there is apply" % name})
            pairs = parse_qsl(url.query, keep_blank_values=True, errors="surrogateescape") + pairs
            self.answer(200, self.model.call(self.model.arguments(pairs, body)))
        except BadArgument as error:
            self.answer(400, {"error": str(error)})
        except ConnectionError:
            self.close_connection = True
        except Exception as error:
            traceback.print_exc()
            self.answer(500, {"error": "%s: %s" % (type(error).__name__, error)})

    do_GET = do_POST = do_HEAD = respond


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def server_bind(self):
        socketserver.TCPServer.server_bind(self)  # HTTPServer's own asks the name service for our name
        self.server_name, self.server_port = self.server_address[:2]


def main():
    function, home = load(sys.argv[1], sys.argv[2])
    Handler.model = Model(sys.argv[2], function)
    host = os.environ.get("MODELYARD_BIND", "127.0.0.1")
    server = Server((host, int(os.environ.get("PORT") or 0)), Handler)
    functions = {"apply": "apply", sys.argv[2]: sys.argv[2]}
    text = json.dumps({"url": "http://localhost:%d" % server.server_port, "functions": functions})
    path = os.path.join(home, "endpoint.dat")
    with open(path + ".tmp", "w") as out:
        out.write(text)
    os.replace(path + ".tmp", path)
    server.serve_forever()


if __name__ == "__main__":
    main()
)py";
}

std::string_view python_check_program() {
  return R"py(
import ast, sys

path, name = sys.argv[1], sys.argv[2]
with open(path, "rb") as file:
    source = file.read()
try:
    tree = ast.parse(source, path)
except SyntaxError as error:
    print("%s:%s:%s: %s" % (path, error.lineno, error.offset, error.msg))
    if error.text:
        line = error.text.rstrip("\n")
        print(line)
        before = line[: max((error.offset or 1) - 1, 0)]
        print("".join("\t" if c == "\t" else " " for c in before) + "^")
    sys.exit(3)
except ValueError as error:
    print("%s: %s" % (path, error))
    sys.exit(3)

names, functions, unknown = set(), [], False


def target(node):
    if isinstance(node, ast.Name):
        names.add(node.id)
    for child in getattr(node, "elts", []):
        target(child)


def look(body):
    global unknown
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            if not isinstance(node, ast.ClassDef):
                functions.append(node.name)
        elif isinstance(node, ast.Assign):
            for one in node.targets:
                target(one)
        elif isinstance(node, ast.AnnAssign):
            target(node.target)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                unknown = unknown or alias.name == "*"
                names.add(alias.asname or alias.name.split(".")[0])
        for part in ("body", "orelse", "finalbody"):
            if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                look(getattr(node, part, []))
        for handler in getattr(node, "handlers", []):
            look(handler.body)


look(tree.body)
if name not in names and not unknown and "__getattr__" not in names:
    print("%s has no function %s (it has: %s)" % (path, name, ", ".join(functions) or "none"))
    sys.exit(3)
)py";
}

}  // namespace modelyard::payloads
