"""The programs of a run: tools that are waited for, and servers that end when the run does, however it ends."""

import os
import signal
import socket
import subprocess
import sys
import time

PATIENCE = 60


class Failed(Exception):
    """What went wrong, in a line for whoever started the run."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def seen(command, **more_environment):
    """Runs a tool for everybody to see."""
    sys.stdout.flush()
    if subprocess.run(command, check=False, env=os.environ | more_environment, stdin=subprocess.DEVNULL).returncode:
        raise Failed(f"{' '.join(map(str, command[:4]))} … failed: see above")


def logged(log, command, **more_environment):
    """Runs a tool whose output is of interest only if it fails."""
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            check=False,
            env=os.environ | more_environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise Failed(f"{' '.join(map(str, command[:2]))} failed: {' '.join(last)}")


class Server:
    """A server with a process group of its own, so that what it starts ends with it."""

    def __init__(self, log, command, ready, **more_environment):
        self.log, self.ready = log, ready
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=os.environ | more_environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for number, patience in ((signal.SIGTERM, 10), (signal.SIGKILL, PATIENCE)):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                break
            try:
                self.process.wait(patience)
            except subprocess.TimeoutExpired:
                continue

    def wait(self):
        """Waits until it answers."""

        def ready_or_dead():
            if self.process.poll() is not None:
                last = self.log.read_text(errors="replace").strip().splitlines()[-1:]
                raise Failed(f"{self.log.stem} has ended: {' '.join(last)}")
            try:
                return self.ready()
            except OSError:
                return False

        eventually(f"{self.log.stem} answers", ready_or_dead)


def eventually(what, look, patience=PATIENCE):
    """What a look finds before long."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.2)
    raise Failed(f"it does not come about in {patience} s: {what}")
