"""Serves the application of a module on a free port, and prints its address."""

import importlib
import sys
from wsgiref.simple_server import make_server

server = make_server("127.0.0.1", 0, importlib.import_module(sys.argv[1]).app)
print(f"Listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
