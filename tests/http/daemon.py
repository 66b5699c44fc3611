# SPDX-License-Identifier: MIT
"""A real timbred on a free port with a data folder of its own, and a client whose answers are all checked."""
import http.client
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import urllib.parse

SOURCE = os.environ.get("TB_SRCDIR") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("TB_BUILDDIR") or SOURCE
PROGRAM = os.path.join(BUILD, "timbred")
MODELS = os.path.join(SOURCE, "models")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        """The sentence of a problem."""
        assert self.headers["content-type"] == "application/problem+json", self.body[:200]
        return self.json["detail"]

    def __repr__(self):
        return f"<{self.status} {self.body[:600]!r}>"


def multipart(parts, boundary="x" * 20):
    """Body and header of a form; parts: (field, file name or None, content type or None, bytes)."""
    out = b""
    for field, name, kind, data in parts:
        disposition = f'form-data; name="{field}"' + (f'; filename="{name}"' if name is not None else "")
        out += f"--{boundary}\r\nContent-Disposition: {disposition}\r\n".encode()
        out += f"Content-Type: {kind}\r\n".encode() if kind else b""
        out += b"\r\n" + data + b"\r\n"
    return out + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


class Client:
    """One keep-alive connection; not for several threads.  contract None: answers are not checked."""

    def __init__(self, port, contract=None, timeout=60):
        self.port, self.contract = port, contract
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        try:
            try:
                self.connection.request(method, path, body, headers)
            except (BrokenPipeError, ConnectionResetError):
                if not isinstance(body, (bytes, type(None))) or body and len(body) > 100_000:
                    pass # refused while the body was sent: the answer is there already
                else:
                    raise
            response = self.connection.getresponse()
            data = response.read()
        except Exception:
            self.connection.close()
            raise
        lower = {}
        for name, value in response.getheaders():
            assert name.lower() not in lower, f"{method} {path}: the header {name} stands there twice"
            lower[name.lower()] = value
        answer = Answer(response.status, lower, data)
        assert "x-request-id" in lower and "date" in lower and "server" not in lower, (method, path, lower)
        assert lower.get("x-content-type-options") == "nosniff", (method, path, lower)
        if response.status == 507 or (response.status == 503 and b'"busy"' in data and not path.startswith("/readyz")):
            assert "retry-after" in lower, (method, path, lower, data)
        if self.contract:
            self.contract.check(method, path, response.status, lower, data)
        return answer

    def get(self, path, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        return self.request("GET", path + query)

    def post(self, path, body=None, headers=None, **parameters):
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        return self.request("POST", path + query, body, headers)

    def upload(self, path, audio, name="a.wav", fields=(), **parameters):
        """Audio as the part "file" of a form."""
        parts = [("file", name, "audio/wav", audio)] + [(f, None, None, v.encode()) for f, v in fields]
        body, headers = multipart(parts)
        return self.post(path, body, headers, **parameters)

    def add(self, audio, name="a.wav", metadata=None):
        """Adds a track and returns it; fails unless it is new."""
        fields = [("metadata", json.dumps(metadata))] if metadata else []
        answer = self.upload("/v1/tracks", audio, name, fields)
        assert answer.status == 201, answer
        return answer.json

    def job(self, identity, timeout=60):
        """Waits for the end of a job."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            job = self.get(f"/v1/jobs/{identity}").json
            if job["state"] in ("done", "failed", "cancelled"):
                return job
            time.sleep(0.05)
        raise AssertionError(f"the job did not end: {job}")

    def close(self):
        self.connection.close()


class Daemon:
    """Keyword arguments become flags: max_upload="1M" is --max-upload=1M."""

    def __init__(self, data, contract=None, environment=None, limits=None, **flags):
        self.data, self.contract = str(data), contract
        self.log_path = self.data.rstrip("/") + ".log"
        settings = {"data": self.data, "listen": "127.0.0.1:0", "models": MODELS, "threads": 2, **flags}
        self.command = [PROGRAM] + [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()
                                    if value is not None]
        self.environment = {**os.environ, **(environment or {})}
        self.limits = limits
        self.process = self.port = None
        self.clients = []

    def start(self, timeout=30):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=log, env=self.environment,
                                            preexec_fn=self.limits)
        end, text = time.monotonic() + timeout, b""
        while b"\n" not in text:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            piece = os.read(self.process.stdout.fileno(), 4096) if ready else b""
            if not piece:
                code = self.process.poll() if ready else None
                self.kill()
                raise AssertionError(f"timbred did not start (exit {code}): {self.log()[-2000:]}")
            text += piece
        self.port = int(re.search(rb"listening on http://[^ ]*:(\d+)", text).group(1))
        return self

    def client(self, checked=True, timeout=60):
        client = Client(self.port, self.contract if checked else None, timeout)
        self.clients.append(client)
        return client

    def log(self):
        with open(self.log_path, errors="replace") as file:
            return file.read()

    def status(self, key):
        """A line of /proc/PID/status in bytes: VmHWM, VmRSS."""
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key + ":"))

    def _close(self):
        for client in self.clients:
            client.close()
        self.clients.clear()
        if self.process and self.process.stdout:
            self.process.stdout.close()

    def stop(self, timeout=60):
        """A clean stop; returns the exit code."""
        if not self.process:
            return None
        self._close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.process = None
        return code

    def kill(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self._close()
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        if kind:
            self.kill()
        else:
            code = self.stop()
            assert code == 0, f"timbred ended with {code}: {self.log()[-2000:]}"
            assert "ERROR: AddressSanitizer" not in self.log() and "runtime error" not in self.log(), self.log()[-4000:]


def raw(port, data, timeout=10, half_close=False):
    """Sends bytes as they are and returns all that comes until the server closes."""
    out = b""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        connection.sendall(data)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        while True:
            piece = connection.recv(65536)
            if not piece:
                return out
            out += piece


def run(*arguments, environment=None, timeout=30):
    """timbred with these flags until it ends by itself."""
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=timeout,
                          env={**os.environ, **(environment or {})})
