"""scripts/register.sh, and the GitHub Action around it, against a control plane on this machine."""

import json
import os
import re
import shutil
import tempfile
import unittest
from pathlib import Path

import yaml

from workbench import ROOT, SHELLS, TOKEN, ControlPlane, problem, run, stand_in, watch

SCRIPT = ROOT / "scripts/register.sh"
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
BUSY = (503, {"Retry-After": "2"}, {"code": "busy", "detail": "Try again."})
USES_AN_EXPRESSION = re.compile(r"\$\{\{")


class Pipeline(unittest.TestCase):
    """A job that has the token and the address, and does not sleep but writes down for how long it would have."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.programs = self.directory / "bin"
        stand_in(self.programs / "sleep", f'echo "$1" >>"{self.directory}/slept"')
        self.environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "TMPDIR": str(self.directory),
            "REGISTRATION_TOKEN": TOKEN,
        }

    def control(self, *answers):
        control = ControlPlane(*answers)
        self.addCleanup(control.stop)
        self.environment["MUSTER_URL"] = control.url
        return control

    def register(self, *options, shell=("sh",), **environment):
        return run([*shell, SCRIPT, *options], {**self.environment, **environment})

    def pauses(self):
        written = self.directory / "slept"
        return [float(line) for line in written.read_text().split()] if written.exists() else []

    def assert_left(self, done, code, *said):
        self.assertEqual((done.returncode, done.stdout), (code, ""), done.stderr)
        for words in said:
            self.assertIn(words, done.stderr)
        self.assertNotIn(TOKEN, done.stderr)


class Register(Pipeline):
    def test_says_what_is_given_and_prints_the_node(self):
        for shell in SHELLS:
            with self.subTest(shell):
                control = self.control()
                done = self.register(
                    *("--hostname", "shop.example.com", "--name", "The shop", "--kind=service", "--group", "web"),
                    *("--ip-address", "2001:db8::1", "--tag", "prod", "--tag", "eu", "--meta", '{"rack": 7}'),
                    *("--os", "Debian GNU/Linux 12 (bookworm)"),
                    shell=shell,
                )
                sent = {
                    "token": TOKEN,
                    "hostname": "shop.example.com",
                    "name": "The shop",
                    "kind": "service",
                    "group": "web",
                    "ip_address": "2001:db8::1",
                    "tags": ["prod", "eu"],
                    "meta": {"rack": 7},
                    "os": "Debian GNU/Linux 12 (bookworm)",
                }
                self.assertEqual((done.returncode, done.stderr, control.calls), (0, "", [sent]))
                self.assertEqual(done.stdout.count("\n"), 1)
                node = json.loads(done.stdout)
                self.assertEqual((node["id"], node["outcome"]), ("node_3jmnu3fkqormu", "created"))

    def test_takes_everything_from_the_environment_too(self):
        control = self.control()
        self.register(
            MUSTER_HOSTNAME="web-1", MUSTER_KIND="container", MUSTER_TAGS=" prod , eu\n\nblue green\n", MUSTER_META="{}"
        )
        sent = {"hostname": "web-1", "kind": "container", "tags": ["prod", "eu", "blue green"], "meta": {}}
        self.assertEqual(control.calls, [{"token": TOKEN, **sent}])

    def test_leaves_out_what_is_empty(self):
        control = self.control()
        self.register("--hostname", "web-1", "--name", "", MUSTER_TAGS="", MUSTER_META="", MUSTER_GROUP="")
        self.assertEqual(control.calls, [{"token": TOKEN, "hostname": "web-1"}])

    def test_a_tag_of_its_own_may_have_commas(self):
        control = self.control()
        self.register("--hostname", "web-1", "--tag", "owner=a,b", "--tag=eu", MUSTER_TAGS="prod,blue")
        self.assertEqual(control.calls[0]["tags"], ["owner=a,b", "eu"])

    def test_hands_on_odd_values_as_they_are(self):
        odd = "$(touch made) `touch made` '; touch made; \"\\ % ${HOME} \u00fc\u4e2d"
        control = self.control()
        for shell in SHELLS:
            done = self.register(
                *("--hostname", "web-1", "--name", odd, "--os", f"a\nb{odd}", "--meta", json.dumps({odd: odd})),
                shell=shell,
                MUSTER_TAGS=odd,
                HOME=str(self.directory),
            )
            self.assertEqual(done.returncode, 0, done.stderr)
            call = control.calls.pop()
            self.assertEqual((call["name"], call["os"]), (odd, f"a\nb{odd}"))
            self.assertEqual((call["tags"], call["meta"]), ([odd], {odd: odd}))
        self.assertFalse((ROOT / "made").exists() or Path("made").exists())

    def test_takes_a_token_that_was_pasted_with_a_newline(self):
        control = self.control()
        self.register("--hostname", "web-1", REGISTRATION_TOKEN=f" {TOKEN}\r\n")
        self.assertEqual(control.calls[0]["token"], TOKEN)

    def test_tells_the_outcome_that_the_service_tells(self):
        node = {"id": "node_3jmnu3fkqormu"}
        cases = [
            (200, {**node, "outcome": "unchanged"}, "unchanged"),
            (200, node, "updated"),
            (201, node, "created"),
        ]
        for status, answer, outcome in cases:
            self.control((status, {}, answer))
            self.assertEqual(json.loads(self.register("--hostname", "web-1").stdout)["outcome"], outcome)

    def test_shows_the_token_in_no_arguments_and_leaves_no_file(self):
        self.control(BUSY)
        arguments = self.directory / "arguments"
        watch(self.programs, arguments, "curl", "jq", "awk", "cat", "date", "mktemp", "od", "rm", "tr")
        done = self.register("--hostname", "web-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = arguments.read_text()
        self.assertEqual(seen.count("curl\n"), 2)
        self.assertNotIn("enrt_", seen)
        self.assertEqual({path.name for path in self.directory.iterdir()}, {"arguments", "bin", "slept"})

    def test_only_what_writes_the_body_has_the_token_in_its_environment(self):
        self.control()
        seen = self.directory / "seen"
        for program in ("curl", "awk", "od", "tr", "mktemp", "rm"):
            real = shutil.which(program)
            line = f"""echo "${{REGISTRATION_TOKEN-none}}" >>'{seen}'; exec '{real}' "$@" """
            stand_in(self.programs / program, line)
        done = self.register("--hostname", "web-1")
        self.assertEqual(done.returncode, 0, done.stderr)
        # But for the `tr` that it is read with.
        self.assertEqual(set(seen.read_text().split()[1:]), {"none"})

    def test_takes_no_token_as_an_argument(self):
        control = self.control()
        for option in (["--token", TOKEN], [f"--token={TOKEN}"]):
            self.assert_left(self.register("--hostname", "web-1", *option), 2, "REGISTRATION_TOKEN")
        self.assertEqual(control.calls, [])


class Trouble(Pipeline):
    def test_what_is_busy_is_asked_again(self):
        cut = (None, {}, "")
        for shell in SHELLS:
            with self.subTest(shell):
                control = self.control((429, {}, "slow down"), BUSY, cut, (502, {}, ""), (500, {}, ""))
                done = self.register("--hostname", "web-1", shell=shell)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(control.calls, [{"token": TOKEN, "hostname": "web-1"}] * 6)
                first, busy, *others = self.pauses()
                self.assertTrue(2 <= busy <= 3, "Retry-After is the least")
                self.assertTrue(all(0 <= pause <= 1 for pause in (first, *others)))
                (self.directory / "slept").unlink()

    def test_what_goes_on_being_busy_is_waited_for_longer_and_longer(self):
        control = self.control(*[(503, {}, "")] * 32)
        self.assertEqual(self.register("--hostname", "web-1").returncode, 0)
        pauses = self.pauses()
        self.assertEqual((len(pauses), len(control.calls)), (32, 33))
        self.assertLessEqual(max(pauses[:20]), 1)
        self.assertGreater(max(pauses[20:]), 1)
        self.assertLessEqual(max(pauses), 30)
        self.assertGreater(len(set(pauses)), 25, "they differ")

    def test_no_pause_is_longer_than_there_is_time_left(self):
        for shell in SHELLS:
            self.control((503, {"Retry-After": "60"}, ""))
            self.assertEqual(self.register("--hostname", "web-1", "--timeout", "9", shell=shell).returncode, 0)
            (pause,) = self.pauses()
            self.assertTrue(1 < pause <= 9, pause)
            (self.directory / "slept").unlink()

    def test_no_proxy_gets_what_is_for_this_machine(self):
        control = self.control()
        for url in (control.url, control.url.replace("127.0.0.1", "localhost")):
            nobody = "http://127.0.0.1:9"
            done = self.register("--hostname", "web-1", "--timeout", "0", MUSTER_URL=url, http_proxy=nobody)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_redirect_is_not_followed_whatever_curlrc_says(self):
        elsewhere = ControlPlane()
        self.addCleanup(elsewhere.stop)
        (self.directory / ".curlrc").write_text("location\n")
        self.control((307, {"Location": f"{elsewhere.url}/api/register-node"}, ""))
        done = self.register("--hostname", "web-1", HOME=str(self.directory))
        self.assert_left(done, 4, "no control plane of Muster")
        self.assertEqual(elsewhere.calls, [])

    def test_what_is_refused_is_not_asked_again(self):
        refusals = [
            problem(403, "token-revoked", "Ask for another token."),
            problem(409, "hostname-conflict", "Take another hostname."),
            problem(401, "invalid-token", "Check the token."),
        ]
        for refusal in refusals:
            control = self.control(refusal)
            problem_ = refusal[2]
            self.assert_left(
                self.register("--hostname", "web-1"), 3, f"register.sh: {problem_['detail']} ({problem_['code']})\n"
            )
            self.assertEqual((len(control.calls), self.pauses()), (1, []))

    def test_every_wrong_field_is_named(self):
        wrong = [{"pointer": "/kind", "detail": "is too long"}, {"pointer": "/tags/1", "detail": "must not be blank"}]
        self.control(problem(400, "invalid-request", "Correct it.", errors=wrong))
        self.assert_left(
            self.register("--hostname", "web-1"),
            3,
            "Correct it. (invalid-request)\n/kind is too long\n/tags/1 must not be blank\n",
        )

    def test_a_service_that_is_broken_is_given_up_after_a_few(self):
        control = self.control(*[(500, {}, {"code": "internal"})] * 9)
        self.assert_left(self.register("--hostname", "web-1"), 4, "is broken", "500")
        self.assertEqual(len(control.calls), 5)

    def test_nobody_there_is_given_up_in_time(self):
        self.control().stop()
        self.assert_left(self.register("--hostname", "web-1", "--timeout", "0"), 4, "does not answer", "curl: (7)")

    def test_what_is_no_control_plane_is_told(self):
        for answer in (
            (200, {}, "<html>hello</html>"),
            (200, {}, ""),
            (201, {}, {"hello": 1}),
            (404, {}, "<html>"),
            (302, {"Location": "/elsewhere"}, ""),
        ):
            with self.subTest(answer):
                control = self.control(answer)
                self.assert_left(self.register("--hostname", "web-1"), 4, "no control plane of Muster")
                self.assertEqual(len(control.calls), 1, "it is followed nowhere")

    def test_what_is_wrong_is_told_before_anything_is_sent(self):
        control = self.control()
        cases = [
            ([], {}, "--hostname"),
            (["--hostname"], {}, "--hostname needs a value"),
            (["--hostname", "a", "--colour", "green"], {}, "--colour is no option"),
            (["--hostname", "a"], {"REGISTRATION_TOKEN": ""}, "set REGISTRATION_TOKEN"),
            (["--hostname", "a"], {"REGISTRATION_TOKEN": TOKEN[:-1]}, "no enrollment token"),
            (["--hostname", "a"], {"REGISTRATION_TOKEN": "x" * 69}, "no enrollment token"),
            (["--hostname", "a", "--meta", "{"], {}, "no JSON object"),
            (["--hostname", "a", "--meta", "[]"], {}, "no JSON object"),
            (["--hostname", "a", "--timeout", "soon"], {}, "seconds"),
            (["--hostname", "a"], {"MUSTER_URL": ""}, "--url"),
        ]
        for options, environment, said in cases:
            with self.subTest(said):
                self.assert_left(self.register(*options, **environment), 2, said)
        self.assertEqual(control.calls, [])

    def test_the_token_goes_over_https_alone_but_on_this_machine(self):
        for url in (
            "http://muster.example.com",
            "muster.example.com",
            "ftp://127.0.0.1/",
            "http://127.0.0.1.example.com/",
            "http://localhost@example.com/",
            "https://user@example.com/",
            "https://example.com/?a=b",
        ):
            with self.subTest(url):
                watch(self.programs, self.directory / "arguments", "curl")
                self.assert_left(self.register("--hostname", "a", MUSTER_URL=url), 2, "the URL must be")
                self.assertFalse((self.directory / "arguments").exists())

    def test_a_missing_tool_is_told(self):
        for name in ("awk", "cat", "date", "mktemp", "od", "rm", "sh", "tr"):
            (self.programs / name).symlink_to(shutil.which(name))
        self.control()
        self.assert_left(self.register("--hostname", "a", PATH=str(self.programs)), 6, "curl is missing")


class Action(Pipeline):
    """The steps' scripts, run as a runner runs them."""

    def runs(self, **inputs):
        environment = {"GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(ROOT)}
        environment["GITHUB_OUTPUT"] = str(self.directory / "output")
        (step,) = ACTION["runs"]["steps"]
        given = {name: told.get("default", "") for name, told in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): value for name, value in inputs.items()}
        self.assertEqual(given.keys(), ACTION["inputs"].keys())
        for name, value in step["env"].items():
            (of,) = re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", value).groups()
            environment[name] = given[of]
        script = self.directory / "step.sh"
        script.write_text(step["run"])
        del self.environment["REGISTRATION_TOKEN"]
        command = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script]
        return run(command, {**self.environment, **environment}, cwd=self.directory)

    def outputs(self):
        lines = (self.directory / "output").read_text().removesuffix("\n").split("\n")
        return dict(line.split("=", 1) for line in lines)

    def test_no_input_is_part_of_a_script(self):
        for step in ACTION["runs"]["steps"]:
            self.assertNotRegex(step.get("run", ""), USES_AN_EXPRESSION)
            self.assertNotIn("uses", step, "nothing else is run")

    def test_every_input_is_handed_over(self):
        (step,) = ACTION["runs"]["steps"]
        handed = re.findall(r"inputs\.([a-z-]+)", "".join(step["env"].values()))
        self.assertEqual(sorted(handed), sorted(ACTION["inputs"]))
        required = {name for name, told in ACTION["inputs"].items() if told.get("required")}
        self.assertEqual(required, {"url", "token", "hostname"})

    def test_registers_and_sets_every_output(self):
        control = self.control((201, {}, {"id": "node_3jmnu3fkqormu", "hostname": "shop", "ip_address": "192.0.2.1"}))
        done = self.runs(
            url=control.url,
            token=f"{TOKEN}\n",
            hostname="Shop",
            ip_address="192.0.2.1",
            tags="prod\neu",
            meta='{"a": 1}',
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(
            control.calls,
            [
                {
                    "token": TOKEN,
                    "hostname": "Shop",
                    "kind": "service",
                    "ip_address": "192.0.2.1",
                    "tags": ["prod", "eu"],
                    "meta": {"a": 1},
                }
            ],
        )
        outputs = self.outputs()
        named = re.findall(r"steps\.register\.outputs\.([a-z-]+)", json.dumps(ACTION["outputs"]))
        self.assertEqual((sorted(outputs), sorted(ACTION["outputs"])), (sorted(named), sorted(named)))
        self.assertEqual(json.loads(outputs.pop("node"))["id"], "node_3jmnu3fkqormu")
        self.assertEqual(
            outputs,
            {"node-id": "node_3jmnu3fkqormu", "outcome": "created", "hostname": "shop", "ip-address": "192.0.2.1"},
        )

    def test_the_step_says_nothing_before_it_masks_the_token(self):
        control = self.control()
        done = self.runs(url=control.url, token=f"{TOKEN}\r\n", hostname="shop")
        self.assertEqual(done.stdout.split("\n")[0], f"::add-mask::{TOKEN}")
        self.assertNotIn("enrt_", done.stdout.partition("\n")[2])

    def test_an_answer_sets_no_output_but_those_that_there_are(self):
        odd = {"id": "node_a\npath=/tmp", "outcome": "created\r\nnode-id=b", "hostname": "a\u0085b", "ip_address": 7}
        control = self.control((201, {}, odd))
        done = self.runs(url=control.url, token=TOKEN, hostname="shop")
        self.assertEqual(done.returncode, 0, done.stderr)
        outputs = self.outputs()
        self.assertEqual(len(outputs), 5)
        self.assertEqual((outputs["node-id"], outputs["outcome"]), ("node_apath=/tmp", "creatednode-id=b"))

    def test_a_refusal_fails_the_step_and_says_why(self):
        control = self.control(problem(403, "token-expired", "100% over.\n::set-output name=a::b\r\nAsk again."))
        done = self.runs(url=control.url, token=TOKEN, hostname="shop")
        self.assertEqual(done.returncode, 3)
        self.assertEqual(
            done.stderr,
            "::error title=Muster::100%25 over.%0A::set-output name=a::b%0AAsk again. (token-expired)\n",
        )
        self.assertEqual(len(control.calls), 1)
        self.assertFalse((self.directory / "output").exists())

    def test_a_secret_that_is_not_there_is_told(self):
        control = self.control()
        done = self.runs(url=control.url, token="", hostname="shop")
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("::error title=Muster::there is no token", done.stderr)

    def test_inputs_that_look_like_commands_are_values(self):
        odd = "$(touch made)`touch made`'\"; touch made\n::error::no\n${{ github.token }}"
        control = self.control()
        done = self.runs(url=control.url, token=TOKEN, hostname="shop", name=odd, group=odd)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((control.calls[0]["name"], control.calls[0]["group"]), (odd, odd))
        self.assertFalse((self.directory / "made").exists())
        self.assertFalse(any(line.startswith("::error") for line in (done.stdout + done.stderr).splitlines()))


if __name__ == "__main__":
    unittest.main()
