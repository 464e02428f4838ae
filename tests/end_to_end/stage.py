"""The programs as they are built, each in surroundings of its own: the control plane, machines, and people."""

import contextlib
import functools
import http.server
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "debug"
PATIENCE = 20


def eventually(look, what):
    """What is there before long."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {PATIENCE} seconds")


def end(process):
    """Ends a program, whatever it does."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
    process.communicate()


class ControlPlane:
    """The whole service, as `make run` starts it; its data stays from one start to the next."""

    def __init__(self, case):
        self.directory = directory_of(case)
        self.log, self.port, self.process = self.directory / "log", 0, None
        self.start()
        case.addCleanup(lambda: end(self.process))

    def start(self):
        """Starts it where it was before."""
        environment = {"PORT": str(self.port), "DATA_DIR": str(self.directory / "data")}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [PROGRAMS / "muster-local"], env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        said = self.process.stdout.readline()
        found = re.match(r"Muster is at (http://127\.0\.0\.1:(\d+)), ", said)
        assert found, f"it does not start: {said}{self.log.read_text()}"
        self.url, self.port = found[1], int(found[2])

    def stop(self):
        end(self.process)

    def answered(self, route):
        """The statuses of the answers to all calls of a route so far."""
        # Of the last line only a part may be there.
        whole, _, _ = self.log.read_text().rpartition("\n")
        lines = [json.loads(line) for line in whole.splitlines()]
        return [line["status"] for line in lines if line.get("route") == route]


class Person:
    """Somebody who has signed in, and speaks to the API."""

    def __init__(self, control, email):
        self.control = control
        query = urllib.parse.urlencode({"email": email})
        self.jwt = None
        self.jwt = self.call("GET", f"/dev/token?{query}")["id_token"]

    def call(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.jwt}"} if self.jwt else {}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.control.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def make_team(self):
        return self.call("POST", "/api/teams", {"name": "Example"})["id"]

    def make_token(self, team, **policy):
        return self.call("POST", f"/api/teams/{team}/registration-tokens", {"name": "Servers", **policy})

    def nodes(self, team):
        return {node["hostname"]: node for node in self.call("GET", f"/api/teams/{team}/nodes")["nodes"]}


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Release:
    """What `make dist` makes of the command that is tested, on a server of its own."""

    def __init__(self, case):
        directory = directory_of(case)
        handler = functools.partial(Files, directory=str(directory / "dist"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        case.addCleanup(server.server_close)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        case.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_port}"
        (directory / "scripts").mkdir()
        for script in ("dist.sh", "install.sh"):
            shutil.copy(ROOT / "scripts" / script, directory / "scripts")
        system = {"Linux": "linux", "Darwin": "macos"}[platform.system()]
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
        (directory / "binaries").mkdir()
        shutil.copy(PROGRAMS / "muster", directory / "binaries" / f"muster-{system}-{machine}")
        environment = {**os.environ, "BASE_URL": self.url, "BINARIES": str(directory / "binaries")}
        subprocess.run([directory / "scripts/dist.sh"], env=environment, check=True, capture_output=True)


class Machine:
    """A machine with nothing on it but what every system has."""

    def __init__(self, case):
        self.case, self.root = case, directory_of(case)
        self.bin, self.home = self.root / "bin", self.root / "home"
        self.bin.mkdir()
        self.home.mkdir()
        # Without the last of them root's state would be that of the machine that runs the tests.
        self.environment = {
            "PATH": f"{self.bin}:/usr/local/bin:/usr/bin:/bin",
            "HOME": str(self.home),
            "MUSTER_STATE_DIR": str(self.root / "state"),
        }

    def install(self):
        """Puts the command where it is found."""
        shutil.copy(PROGRAMS / "muster", self.bin)

    def install_and_join(self, token, *options):
        """In one line, from a release."""
        release = Release(self.case)
        line = f"curl -fsSL {release.url}/install.sh | sh -s -- --prefix {self.bin} {shlex.join(options)}"
        return self.run("sh", "-c", line, MUSTER_TOKEN=token)

    def run(self, *command, **environment):
        """Runs a command to its end."""
        return subprocess.run(
            command,
            env={**self.environment, **environment},
            cwd=self.home,
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def start(self, *command, **environment):
        """Starts a command that goes on until the test ends it, or is over."""
        process = subprocess.Popen(
            command,
            env={**self.environment, **environment},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.case.addCleanup(end, process)
        return process

    @contextlib.contextmanager
    def agent(self):
        """`muster agent`, for a while."""
        process = self.start("muster", "agent", "--interval", "70")
        try:
            yield process
        finally:
            end(process)


def directory_of(case):
    """A directory that goes with the test."""
    directory = Path(tempfile.mkdtemp(prefix="muster-"))
    case.addCleanup(shutil.rmtree, directory)
    return directory
