"""A control plane of a test's own, and the programs that a script runs, watched or replaced."""

import http.server
import json
import shutil
import subprocess
from pathlib import Path

from loopback import Server

ROOT = Path(__file__).resolve().parent.parent.parent
TOKEN = (ROOT / "domain/src/plaintext.sample").read_text().strip()

# What /bin/sh may be. busybox is asked for: its shell and its tools differ most from the others.
SHELLS = [shell for shell in (["dash"], ["bash", "--posix"], ["sh"]) if shutil.which(shell[0])] + [["busybox", "sh"]]


class ControlPlane(Server):
    """Keeps the body of each registration. Gives the `answers` in turn, each a status, headers and a body, and when
    there are none left enters the node."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), []
        super().__init__(Answer)


class Answer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/api/register-node", self.path
        self.server.calls.append(body)
        node = {"id": "node_3jmnu3fkqormu", "outcome": "created", "ip_address": None, **body}
        del node["token"]
        status, headers, answer = self.server.answers.pop(0) if self.server.answers else (201, {}, node)
        if status is None:
            self.close_connection = True
            return
        text = answer if isinstance(answer, str) else json.dumps(answer)
        self.send_response(status)
        kind = "application/json" if status < 400 else "application/problem+json"
        for header in {"Content-Type": kind, "Content-Length": str(len(text.encode())), **headers}.items():
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def problem(status, code, detail, **more):
    return status, {}, {"status": status, "code": code, "detail": detail, **more}


def stand_in(path, text):
    """A program at `path` that runs the lines of `text`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def watch(directory, arguments, *programs):
    """Puts programs into `directory` that write their arguments to the file `arguments`, and do then what they do."""
    for program in programs:
        real = shutil.which(program)
        stand_in(directory / program, f"""printf '%s\\n' "{program}" "$@" >>'{arguments}'\nexec '{real}' "$@" """)


def run(command, environment, **more):
    given = {"input": "", "capture_output": True, "text": True, "timeout": 60, **more}
    return subprocess.run(command, env=environment, check=False, **given)
