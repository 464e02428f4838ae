"""scripts/install.sh, as scripts/dist.sh makes it, from a server on this machine and with a `muster` that only writes
down how it was called."""

import functools
import hashlib
import http.server
import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from loopback import Server
from workbench import ROOT, SHELLS, TOKEN, run, stand_in, watch

# Each call is a line: the arguments, and the token that it was given beside them.
MUSTER = r"""
case ${1:-} in --version) echo 'muster 0.1.0'; exit ;; esac
for argument in "$@"; do printf '%s\t' "$argument" >>"$CALLS"; done
printf 'token=%s\n' "${MUSTER_TOKEN-none}" >>"$CALLS"
case ${1:-} in
  up) echo '✓ Connected'; exit "${EXITS:-0}" ;;
  down) echo 'stopped'; exit "${EXITS:-0}" ;;
esac
"""
TARGETS = ("linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-aarch64")
# What install.sh runs besides curl, uname and a tool for checksums.
TOOLS = ("cat", "chmod", "cut", "id", "mkdir", "mktemp", "mv", "rm", "rmdir", "sh")
CHECKSUM_TOOLS = tuple(filter(shutil.which, ("sha256sum", "shasum", "openssl")))


class Files(http.server.SimpleHTTPRequestHandler):
    """Hands out a directory, and keeps the paths that were asked for."""

    def do_GET(self):
        self.server.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


class Downloads(unittest.TestCase):
    """A release on a server of its own, and a machine without anything."""

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(ROOT / "scripts", self.root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
        self.release = self.root / "dist"
        self.server = Server(functools.partial(Files, directory=str(self.release)))
        self.server.asked = []
        self.addCleanup(self.server.stop)
        self.programs, self.home, self.prefix = self.root / "bin", self.root / "home", self.root / "home/.local/bin"
        self.home.mkdir()
        # Whoever runs the tests, a user like any other installs.
        self.machine("Linux", "x86_64")
        stand_in(self.programs / "id", "echo 1000")
        stand_in(self.programs / "cargo", f'echo "$*" >>"{self.root}/built"; exit 1')
        self.environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "CALLS": str(self.root / "calls"),
        }

    def machine(self, system, architecture):
        answers = f'case $1 in -s) echo "{system}" ;; -m) echo "{architecture}" ;; esac'
        stand_in(self.programs / "uname", answers)
        stand_in(self.programs / "getconf", "echo 64")
        stand_in(self.programs / "sysctl", "exit 1")

    def dist(self, targets=TARGETS, muster=MUSTER, url=None, **environment):
        binaries = self.root / "binaries"
        shutil.rmtree(binaries, ignore_errors=True)
        for target in targets:
            stand_in(binaries / f"muster-{target}", f"# {target}{muster}")
        given = {"BASE_URL": url or f"{self.server.url}/", "BINARIES": str(binaries)}
        return run([self.root / "scripts/dist.sh"], {**self.environment, **given, **environment})

    def released(self, **how):
        done = self.dist(**how)
        self.assertEqual(done.returncode, 0, done.stderr)

    def install(self, *options, shell=("sh",), **environment):
        """As `curl … | sh -s -- options`."""
        script = (self.release / "install.sh").read_text()
        given = {name: value for name, value in {**self.environment, **environment}.items() if value is not None}
        return run([*shell, "-s", "--", *options], given, input=script, cwd=self.home)

    def calls(self):
        """The calls of `muster` since the last time: the arguments, and the token in the environment."""
        written = self.root / "calls"
        lines = written.read_text().splitlines() if written.exists() else []
        written.unlink(missing_ok=True)
        return [(line.split("\t")[:-1], line.split("\t")[-1].removeprefix("token=")) for line in lines]

    def asked(self):
        asked, self.server.asked = self.server.asked, []
        return asked

    def assert_refused(self, done, *said, code=1):
        self.assertEqual(done.returncode, code, done.stderr)
        for words in said:
            self.assertIn(words, done.stderr)
        self.assertEqual(self.calls(), [])
        left = [path.name for path in self.prefix.iterdir()] if self.prefix.exists() else []
        self.assertEqual(left, [], "nothing is left behind")


class Dist(Downloads):
    def test_every_file_is_named_with_its_checksum(self):
        self.released()
        names = ["install.sh", *sorted(f"muster-{target}" for target in TARGETS)]
        self.assertEqual(sorted(path.name for path in self.release.iterdir()), ["SHA256SUMS", *names])
        sums = dict(reversed(line.split("  ")) for line in (self.release / "SHA256SUMS").read_text().splitlines())
        script = (self.release / "install.sh").read_text()
        self.assertEqual(sorted(sums), names)
        for name, checksum in sums.items():
            content = (self.release / name).read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), checksum)
            self.assertEqual(f"{checksum}  {name}" in script, name != "install.sh")
        self.assertIn(f"\nBASE_URL='{self.server.url}'\n", script)

    def test_a_binary_that_is_given_is_not_built(self):
        self.released(targets=["linux-x86_64"])
        self.assertFalse((self.root / "built").exists())
        self.assertEqual(
            sorted(path.name for path in self.release.iterdir()), ["SHA256SUMS", "install.sh", "muster-linux-x86_64"]
        )

    def test_this_machines_own_is_built_where_it_is_not_given(self):
        built = 'mkdir -p target/release && echo own >target/release/muster && echo "$*" >built'
        stand_in(self.programs / "cargo", built)
        self.released(targets=["linux-aarch64"])
        self.assertEqual((self.root / "built").read_text(), "build --release --locked --package muster-cli\n")
        self.assertEqual((self.release / "muster-linux-x86_64").read_text(), "own\n")
        self.assertTrue((self.release / "muster-linux-aarch64").exists())

    def test_what_an_earlier_release_had_is_gone(self):
        self.released()
        self.released(targets=["linux-x86_64"])
        self.assertFalse((self.release / "muster-macos-aarch64").exists())

    def test_an_address_that_is_none_is_refused_and_nothing_is_made(self):
        for url in (
            "http://downloads.example.com/muster",
            "downloads.example.com",
            "https://user@downloads.example.com",
            "https://downloads.example.com/'; touch made; '",
            "http://127.0.0.1.example.com",
        ):
            with self.subTest(url):
                done = self.dist(url=url)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("must be an https:// address", done.stderr)
                self.assertFalse(self.release.exists())

    def test_without_an_address_it_says_how_one_is_given(self):
        done = self.dist(BASE_URL="")
        self.assertIn("make dist BASE_URL=https://", done.stderr)

    def test_a_build_that_fails_makes_no_release(self):
        done = self.dist(targets=["linux-aarch64"])
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual((self.release.exists(), (self.root / "dist.new").exists()), (False, False))

    def test_a_build_that_fails_keeps_the_last_release(self):
        self.released()
        before = {path.name: path.read_bytes() for path in self.release.iterdir()}
        self.assertNotEqual(self.dist(targets=["linux-aarch64"], muster="\n# another").returncode, 0)
        self.assertEqual({path.name: path.read_bytes() for path in self.release.iterdir()}, before)

    def test_the_binaries_may_be_those_of_the_last_release(self):
        self.released()
        before = {path.name: path.read_bytes() for path in self.release.iterdir()}
        self.released(BINARIES="dist")
        self.assertEqual({path.name: path.read_bytes() for path in self.release.iterdir()}, before)


class Install(Downloads):
    def test_installs_and_joins_with_what_was_given(self):
        self.released()
        given = [
            "--control",
            "https://muster.example.com",
            "--group",
            "web servers",
            "--tag",
            "a",
            "--tag=$(b)",
            "--daemon",
        ]
        for shell in SHELLS:
            with self.subTest(shell):
                done = self.install(*given[:4], "--token", TOKEN, *given[4:], shell=shell)
                self.assertEqual((done.returncode, done.stdout), (0, "✓ Connected\n"), done.stderr)
                self.assertEqual(self.calls(), [(["up", *given], TOKEN)])
                installed = self.prefix / "muster"
                self.assertEqual(installed.read_bytes(), (self.release / "muster-linux-x86_64").read_bytes())
                self.assertEqual(installed.stat().st_mode & 0o777, 0o755)
                self.assertEqual([path.name for path in self.prefix.iterdir()], ["muster"])
                self.assertNotIn(TOKEN, done.stderr)
                shutil.rmtree(self.prefix)

    def test_installs_what_is_made_for_the_machine(self):
        self.released()
        machines = [
            ("Linux", "x86_64", "linux-x86_64"),
            ("Linux", "aarch64", "linux-aarch64"),
            ("Darwin", "x86_64", "macos-x86_64"),
            ("Darwin", "arm64", "macos-aarch64"),
        ]
        for system, architecture, target in machines:
            self.machine(system, architecture)
            self.install("--no-join")
            self.assertEqual(self.asked(), [f"/muster-{target}"])

    def test_a_translated_shell_on_an_arm_mac_gets_what_the_mac_is(self):
        self.released()
        self.machine("Darwin", "x86_64")
        stand_in(self.programs / "sysctl", '[ "$*" = "-n hw.optional.arm64" ] && echo 1')
        self.install("--no-join")
        self.assertEqual(self.asked(), ["/muster-macos-aarch64"])

    def test_takes_the_token_from_the_environment(self):
        self.released()
        self.install("--control", "https://muster.example.com", MUSTER_TOKEN=TOKEN)
        self.assertEqual(self.calls(), [(["up", "--control", "https://muster.example.com"], TOKEN)])

    def test_takes_the_token_from_standard_input_if_the_script_is_a_file(self):
        self.released()
        done = run(["sh", self.release / "install.sh", "--token", "-"], self.environment, input=f"{TOKEN}\n")
        self.assertEqual((done.returncode, self.calls()), (0, [(["up"], TOKEN)]), done.stderr)

    def test_says_so_where_the_script_itself_is_on_standard_input(self):
        self.released()
        for shell in SHELLS:
            self.assert_refused(self.install("--token", "-", shell=shell), "MUSTER_TOKEN", code=2)
        self.assertEqual(self.asked(), [])

    def test_shows_the_token_in_the_arguments_of_nothing_that_it_runs(self):
        self.released()
        arguments = self.root / "arguments"
        watched = {*TOOLS, *CHECKSUM_TOOLS, "curl"} - {"id", "sh"}
        watch(self.programs, arguments, *watched)
        done = self.install("--token", TOKEN)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("curl\n", arguments.read_text())
        self.assertNotIn("enrt_", arguments.read_text())
        self.assertEqual(self.calls(), [(["up"], TOKEN)])

    def test_only_muster_up_has_the_token_in_its_environment(self):
        self.released()
        stand_in(self.programs / "curl", f'echo "${{MUSTER_TOKEN-none}}" >>"{self.root}/curl"; exit 1')
        self.install(MUSTER_TOKEN=TOKEN)
        self.assertEqual((self.root / "curl").read_text(), "none\n")

    def test_installs_alone_without_a_token(self):
        self.released()
        for options in (["--control", "https://muster.example.com"], ["--no-join", "--token", TOKEN]):
            done = self.install(*options)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("muster up --control", done.stderr)
            self.assertEqual(self.calls(), [])
            self.assertTrue((self.prefix / "muster").exists())

    def test_ends_as_muster_up_ends(self):
        self.released()
        self.assertEqual(self.install("--token", TOKEN, EXITS="3").returncode, 3)

    def test_run_again_it_downloads_nothing_and_joins(self):
        self.released()
        self.install("--no-join")
        self.assertEqual(self.asked(), ["/muster-linux-x86_64"])
        done = self.install("--token", TOKEN)
        self.assertEqual((done.returncode, self.asked()), (0, []))
        self.assertIn("is there already", done.stderr)
        self.assertEqual(self.calls(), [(["up"], TOKEN)])

    def test_another_release_replaces_the_one_that_is_there(self):
        self.released()
        self.assertNotIn("old one", self.install("--no-join").stderr)
        self.released(muster=f"{MUSTER}\n# another")
        self.assertIn("is the old one until it is restarted. `muster up` restarts", self.install("--no-join").stderr)
        installed = (self.prefix / "muster").read_bytes()
        self.assertEqual(installed, (self.release / "muster-linux-x86_64").read_bytes())

    def test_another_checksum_is_refused_and_what_was_there_stays(self):
        self.released()
        binary = self.release / "muster-linux-x86_64"
        good = binary.read_text()
        binary.write_text(good + "\n")
        for shell in SHELLS:
            self.assert_refused(self.install("--token", TOKEN, shell=shell), "SHA-256", "nothing was installed")
        binary.write_text(good)
        self.install("--no-join")
        self.released(muster=f"{MUSTER}\n# another")
        binary.write_text("torn")
        self.assertEqual(self.install("--token", TOKEN).returncode, 1)
        self.assertEqual((self.prefix / "muster").read_text(), good)
        self.assertEqual([path.name for path in self.prefix.iterdir()], ["muster"])

    def test_any_tool_for_checksums_will_do(self):
        self.released()
        for tool in (*TOOLS, "curl"):
            if not (self.programs / tool).exists():
                (self.programs / tool).symlink_to(shutil.which(tool))
        alone = {"PATH": str(self.programs)}
        self.assert_refused(self.install("--no-join", **alone), "SHA-256", "openssl")
        for tool in CHECKSUM_TOOLS:
            with self.subTest(tool):
                stand_in(self.programs / tool, f'exec "{shutil.which(tool)}" "$@"')
                done = self.install("--no-join", **alone)
                self.assertEqual(done.returncode, 0, done.stderr)
                (self.programs / tool).unlink()
                shutil.rmtree(self.prefix)

    def test_a_download_that_fails_leaves_nothing(self):
        self.released()
        (self.release / "muster-linux-x86_64").unlink()
        self.assert_refused(self.install("--token", TOKEN), "could not be downloaded", "404")

    def test_a_binary_that_does_not_run_here_is_not_installed(self):
        self.released(muster="\nexit 127")
        self.assert_refused(self.install("--token", TOKEN), "does not run on this machine")

    def test_a_machine_that_nothing_is_made_for_is_told_what_there_is(self):
        self.released(targets=["linux-x86_64", "macos-aarch64"])
        for system, architecture in (("Linux", "riscv64"), ("FreeBSD", "amd64"), ("Linux", "aarch64")):
            self.machine(system, architecture)
            self.assert_refused(
                self.install("--token", TOKEN),
                f"no muster for {system} on {architecture}. There is: linux-x86_64 macos-aarch64\n",
            )
        self.assertEqual(self.asked(), [])

    def test_a_system_of_32_bits_under_a_kernel_of_64_gets_nothing(self):
        self.released()
        self.machine("Linux", "aarch64")
        stand_in(self.programs / "getconf", "echo 32")
        self.assert_refused(self.install("--token", TOKEN), "no muster for Linux on aarch64 with 32 bits")

    def test_a_script_that_was_cut_off_runs_nothing(self):
        self.released()
        script = (self.release / "install.sh").read_bytes()
        self.assertTrue(script.endswith(b'\n{ main "$@"; }\n'))
        ran = self.root / "ran"
        for tool in {*TOOLS, *CHECKSUM_TOOLS, "curl", "uname", "getconf", "sysctl"}:
            (self.programs / tool).unlink(missing_ok=True)
            if tool != "sh":
                stand_in(self.programs / tool, f"echo {tool} >>'{ran}'; exit 1")
        alone = {**self.environment, "PATH": str(self.programs)}
        # After every line, and of the last one after every byte. Only the last newline may be missing.
        whole = len(script) - 1
        lines = {at for at, byte in enumerate(script[:whole]) if byte == ord("\n")}
        last = set(range(max(lines), whole))
        for number, shell in enumerate(SHELLS):
            command = [shutil.which(shell[0]), *shell[1:], "-s", "--", "--token", TOKEN]
            for end in sorted(last | lines if number == 0 else last):
                run(command, alone, input=script[:end], text=False)
                self.assertFalse(ran.exists(), script[:end][-40:])
            run(command, alone, input=script, text=False)
            self.assertTrue(ran.exists(), "all of it runs")
            ran.unlink()

    def test_a_copy_that_no_release_made_says_how_one_is_made(self):
        self.release.mkdir()
        shutil.copy(ROOT / "scripts/install.sh", self.release)
        for shell in SHELLS:
            self.assert_refused(self.install("--token", TOKEN, shell=shell), "make dist BASE_URL=https://")

    def test_nothing_is_downloaded_over_http_but_from_this_machine(self):
        self.released()
        script = self.release / "install.sh"
        text = script.read_text()
        for url in (
            "http://downloads.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1:80@example.com",
            "ftp://127.0.0.1",
            "file:///tmp",
        ):
            with self.subTest(url):
                watch(self.programs, self.root / "arguments", "curl")
                script.write_text(text.replace(self.server.url, url))
                self.assert_refused(self.install("--token", TOKEN), "must be")
                self.assertFalse((self.root / "arguments").exists())

    def test_https_is_not_left_on_the_way(self):
        self.released()
        script = self.release / "install.sh"
        script.write_text(script.read_text().replace(self.server.url, "https://127.0.0.1:9"))
        watch(self.programs, self.root / "arguments", "curl")
        self.assert_refused(self.install("--token", TOKEN), "could not be downloaded")
        arguments = (self.root / "arguments").read_text()
        self.assertIn("--proto\n=https\n--proto-redir\n=https\n", arguments)

    def test_says_where_it_is_if_that_is_not_on_the_path(self):
        self.released()
        self.assertIn(f'export PATH="{self.prefix}:$PATH"', self.install("--no-join").stderr)
        on_path = f"{self.environment['PATH']}:{self.prefix}"
        self.assertNotIn("PATH", self.install("--no-join", PATH=on_path).stderr)

    def test_installs_where_it_is_told_to(self):
        self.released()
        for option in (["--prefix", "my programs"], ["--prefix=my programs"]):
            done = self.install(*option, "--token", TOKEN)
            self.assertEqual((done.returncode, self.calls()), (0, [(["up"], TOKEN)]), done.stderr)
            self.assertIn(f"{self.home}/my programs/muster", done.stderr)
            shutil.rmtree(self.home / "my programs")

    def test_without_a_home_it_asks_for_a_directory(self):
        self.released()
        self.assert_refused(self.install("--token", TOKEN, HOME=None), "--prefix")
        stand_in(self.programs / "id", "echo 0")
        # Root needs no home: /usr/local/bin it is. A `mkdir` that fails keeps it from being done here.
        stand_in(self.programs / "mkdir", 'echo "$2" >&2; exit 1')
        self.assert_refused(self.install("--token", TOKEN, HOME=None), "/usr/local/bin")

    def test_a_directory_that_is_in_the_way_is_told(self):
        self.released()
        (self.prefix / "muster").mkdir(parents=True)
        done = self.install("--token", TOKEN)
        self.assertEqual((done.returncode, self.calls()), (1, []))
        self.assertIn("is a directory", done.stderr)
        self.assertEqual(list((self.prefix / "muster").iterdir()), [])

    def test_misuse_is_told_before_anything_is_done(self):
        self.released()
        for options in (
            ["--token"],
            ["--prefix"],
            ["--token", ""],
            ["--prefix="],
            ["--purge"],
            ["--uninstall", "--group", "a"],
            ["--uninstall", "--state-dir"],
            ["--uninstall", "--state-dir="],
        ):
            with self.subTest(options):
                self.assert_refused(self.install(*options), "see --help", code=2)
        self.assertEqual(self.asked(), [])

    def test_help_does_nothing(self):
        self.released()
        done = self.install("--help", "--token", TOKEN)
        self.assertEqual((done.returncode, done.stderr, self.calls(), self.asked()), (0, "", [], []))
        self.assertIn("--uninstall", done.stdout)


class Uninstall(Downloads):
    def setUp(self):
        super().setUp()
        self.released()
        self.install("--no-join")
        self.state = self.home / ".local/state/muster"
        self.has_state(self.state)

    def has_state(self, state):
        state.mkdir(parents=True)
        for name in ("state.json", "session.json", "agent.log", "lock", ".tmpAb1"):
            (state / name).write_text(json.dumps({"key": "…"}))

    def test_removes_the_command_and_its_service_and_keeps_the_state(self):
        for shell in SHELLS:
            with self.subTest(shell):
                self.install("--no-join")
                done = self.install("--uninstall", shell=shell)
                self.assertEqual((done.returncode, self.calls()), (0, [(["down"], "none")]), done.stderr)
                self.assertFalse((self.prefix / "muster").exists())
                self.assertIn(f"removing {self.prefix}/muster\nkeeping {self.state}, with", done.stderr)
                self.assertTrue((self.state / "state.json").exists())

    def test_purge_removes_the_state_too_and_says_what_becomes_of_the_node(self):
        for shell in SHELLS:
            with self.subTest(shell):
                done = self.install("--uninstall", "--purge", shell=shell)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"removing {self.state}, with", done.stderr)
                self.assertIn("until an admin removes it", done.stderr)
                self.assertFalse((self.prefix / "muster").exists() or self.state.exists())
                self.has_state(self.state)

    def test_purge_leaves_what_is_not_musters_in_a_directory_that_was_chosen(self):
        chosen = self.home / "chosen"
        for mine in (True, False):
            self.has_state(chosen)
            if mine:
                (chosen / "mine").touch()
            # What is given counts more than what is set, as with `muster`.
            how = ["--state-dir", str(chosen)] if mine else [f"--state-dir={chosen}"]
            done = self.install(*how, "--uninstall", "--purge", MUSTER_STATE_DIR=str(self.state))
            self.assertEqual(done.returncode, 0, done.stderr)
            left = [path.name for path in chosen.iterdir()] if chosen.exists() else None
            self.assertEqual(left, ["mine"] if mine else None)
            self.assertEqual("other things are in it" in done.stderr, mine)
            if mine:
                shutil.rmtree(chosen)
            self.install("--no-join")
        self.assertTrue((self.state / "state.json").exists(), "another state is not touched")
        self.install("--uninstall", "--purge", MUSTER_STATE_DIR=str(self.state))
        self.assertFalse(self.state.exists())

    def test_purge_removes_the_key_behind_a_link(self):
        behind = self.home / "private"
        self.state.rename(behind)
        self.state.symlink_to(behind)
        self.install("--uninstall", "--purge")
        self.assertEqual(list(behind.iterdir()), [])
        self.assertFalse(self.state.is_symlink())

    def test_a_service_that_cannot_be_ended_keeps_everything(self):
        for shell in SHELLS:
            with self.subTest(shell):
                done = self.install("--uninstall", "--purge", shell=shell, EXITS="6")
                said = "stopped\ninstall.sh: the service could not be ended; nothing was removed\n"
                self.assertEqual((done.returncode, done.stderr), (1, said))
                self.assertTrue((self.prefix / "muster").exists() and (self.state / "state.json").exists())

    def test_run_again_it_says_that_nothing_is_there(self):
        self.install("--uninstall")
        self.calls()
        done = self.install("--uninstall")
        self.assertEqual((done.returncode, self.calls()), (0, []))
        self.assertIn(f"there is no muster in {self.prefix}", done.stderr)

    def test_a_copy_that_no_release_made_uninstalls_as_well(self):
        done = run(["sh", ROOT / "scripts/install.sh", "--uninstall"], self.environment)
        self.assertEqual((done.returncode, (self.prefix / "muster").exists()), (0, False), done.stderr)

    def test_removes_only_from_where_it_is_told_to(self):
        self.install("--no-join", "--prefix", "elsewhere")
        self.install("--uninstall", "--prefix", "elsewhere")
        self.assertFalse((self.home / "elsewhere/muster").exists())
        self.assertTrue((self.prefix / "muster").exists())


if __name__ == "__main__":
    unittest.main()
