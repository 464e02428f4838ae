"""docs/examples: each is what its program reads, says what the command and the API take, and shows no token."""

import json
import os
import re
import shutil
import string
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

from workbench import ROOT, TOKEN, ControlPlane, run, stand_in

EXAMPLES = ROOT / "docs/examples"
FILES = sorted(path for path in EXAMPLES.rglob("*") if path.is_file())
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
# Options of `muster`, and what `install.sh` takes besides.
COMMAND = "".join(path.read_text() for path in sorted((ROOT / "cli/src").rglob("*.rs")))
OPTIONS = {
    f"--{name or field.replace('_', '-')}"
    for name, field in re.findall(r'#\[arg\(long(?: = "([a-z-]+)")?[^\]]*\)\]\s*(\w+):', COMMAND)
} | {"--daemon"}
OWN_OPTIONS = {"--prefix", "--no-join", "--token", "--uninstall", "--purge"}


def text(name):
    return (EXAMPLES / name).read_text()


def document(name):
    return yaml.safe_load(text(name))


def documents(name):
    return list(yaml.safe_load_all(text(name)))


def everything(value):
    """Every mapping in a document."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from everything(part)


def unit(name):
    """The sections of a unit of systemd: each key with all its values."""
    sections = {}
    for line in text(f"systemd/muster-{name}.service").splitlines():
        if line.startswith("["):
            keys = sections[line.strip("[]")] = {}
        elif line and not line.startswith("#"):
            key, value = line.split("=", 1)
            keys.setdefault(key, []).append(value)
    return sections


UNITS = {name: unit(name) for name in ("join", "heartbeats")}
# What both units are held by, besides what each is.
HARDENING = {
    "CapabilityBoundingSet": [""],
    "DynamicUser": ["yes"],
    "LockPersonality": ["yes"],
    "MemoryDenyWriteExecute": ["yes"],
    "NoNewPrivileges": ["yes"],
    "PrivateDevices": ["yes"],
    "ProtectClock": ["yes"],
    "ProtectControlGroups": ["yes"],
    "ProtectHome": ["yes"],
    "ProtectHostname": ["yes"],
    "ProtectKernelLogs": ["yes"],
    "ProtectKernelModules": ["yes"],
    "ProtectKernelTunables": ["yes"],
    "ProtectProc": ["invisible"],
    "ProtectSystem": ["strict"],
    "RestrictAddressFamilies": ["AF_INET AF_INET6 AF_NETLINK AF_UNIX"],
    "RestrictNamespaces": ["yes"],
    "RestrictRealtime": ["yes"],
    "StateDirectory": ["muster"],
    "StateDirectoryMode": ["0700"],
    "SystemCallArchitectures": ["native"],
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "UMask": ["0077"],
    "User": ["muster"],
}
KEYS = {
    "Unit": {"After", "Before", "ConditionPathExists", "Description", "OnSuccess", "Wants"},
    "Service": {
        *HARDENING,
        *("Environment", "EnvironmentFile", "ExecStart", "ExecStartPost", "ExecStartPre", "LoadCredential"),
        *("MemoryMax", "Restart", "RestartPreventExitStatus", "RestartSec", "TasksMax", "TimeoutStartSec", "Type"),
    },
    "Install": {"WantedBy"},
}


def scripts():
    """The shell scripts in the examples, each with where it stands."""
    for step in document("github-actions.yml")["jobs"]["deploy"]["steps"]:
        if "run" in step:
            yield step["name"], step["run"]
    job = document("gitlab-ci.yml")["deploy"]
    yield "gitlab-ci.yml", "\n".join([*job["before_script"], *job["script"]])
    yield "cloud-init.yaml", "\n".join(document("cloud-init.yaml")["runcmd"])
    for name in ("own-state", "join"):
        yield name, container(name)["command"][-1]
    for name, sections in UNITS.items():
        for key in ("ExecStartPre", "ExecStart", "ExecStartPost"):
            for line in sections["Service"].get(key, []):
                script = re.fullmatch(r"[-+]*/bin/sh -c '([^']*)'", line)
                if script:
                    yield name, unescaped(script[1])
    for number, block in enumerate(re.findall(r"```sh\n(.*?)```", text("README.md"), re.DOTALL)):
        yield f"README.md {number}", block


def unescaped(line):
    return line.replace("$$", "$").replace("%S", "/var/lib")


def daemon_set():
    (daemon_set,) = (part for part in documents("kubernetes-daemonset.yaml") if part["kind"] == "DaemonSet")
    return daemon_set


def containers():
    pod = daemon_set()["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]


def container(name):
    (found,) = (container for container in containers() if container["name"] == name)
    return found


class Workplace(unittest.TestCase):
    """A directory with programs that stand in for others."""

    def setUp(self):
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.environment = {"PATH": f"{self.directory}/bin:{os.environ['PATH']}"}

    def stand_in(self, program, *lines):
        stand_in(self.directory / "bin" / program, "\n".join(lines))

    def written(self, name):
        path = self.directory / name
        return path.read_text() if path.exists() else None


class All(unittest.TestCase):
    def test_every_example_is_in_the_table_and_every_link_leads_somewhere(self):
        links = re.findall(r"\]\(([^)]+)\)", text("README.md"))
        for link in links:
            self.assertTrue((EXAMPLES / link).exists(), link)
        listed = {(EXAMPLES / link).resolve() for link in links}
        self.assertEqual({path for path in FILES if path.name != "README.md"} - listed, set())

    def test_no_example_has_a_token(self):
        for path in FILES:
            self.assertNotRegex(path.read_text(), r"enrt_[a-z2-7]{8}")

    def test_every_yaml_file_can_be_read(self):
        for path in FILES:
            if path.suffix in (".yml", ".yaml"):
                self.assertTrue(all(documents(path.relative_to(EXAMPLES))), path)

    def test_every_option_of_the_command_is_one(self):
        self.assertLessEqual({"--token", "--control", "--group", "--tag", "--interval"}, OPTIONS)
        calls = 0
        for path in FILES:
            content = path.read_text().replace("\\\n", " ")
            for rest in re.findall(r"muster,? (?:up|agent|status|leave)\b([^\n<|&']*)", content):
                calls += 1
                self.assertLessEqual(set(re.findall(r"--[a-z-]+", rest)), OPTIONS, path)
            for rest in re.findall(r"sh,? \S*install\.sh\b([^\n<|&']*)", content):
                calls += 1
                self.assertLessEqual(set(re.findall(r"--[a-z-]+", rest)), OPTIONS | OWN_OPTIONS, path)
        self.assertGreaterEqual(calls, 7)

    def test_no_token_is_an_argument(self):
        for path in FILES:
            for line in path.read_text().splitlines():
                if "enrt_" in line and not line.startswith("#"):
                    self.assertRegex(line, r"^    content: enrt_…$|^export [^;]*REGISTRATION_TOKEN=enrt_…$", path)

    def test_every_script_is_one_that_shellcheck_finds_nothing_in(self):
        places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        shellcheck = shutil.which("shellcheck", path=places)
        self.assertIsNotNone(shellcheck, "it is among the tools of .venv")
        found = list(scripts())
        self.assertGreaterEqual(len(found), 9)
        with tempfile.TemporaryDirectory() as directory:
            paths = []
            for number, (name, script) in enumerate(found):
                paths.append(Path(directory) / f"{number}-{re.sub('[^a-z]+', '-', name.lower())}.sh")
                paths[-1].write_text(f"#!/bin/sh\n{script}\n")
                done = run(["sh", "-n", paths[-1]], os.environ)
                self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            done = run([shellcheck, *paths], os.environ)
            self.assertEqual(done.stdout, "")


class GitHub(unittest.TestCase):
    def test_the_workflow_hands_the_action_what_it_takes(self):
        workflow = document("github-actions.yml")
        # YAML 1.1 takes `on` for true.
        self.assertEqual(sorted(map(str, workflow)), ["True", "concurrency", "jobs", "name", "permissions"])
        self.assertEqual(workflow["permissions"], {})
        (job,) = workflow["jobs"].values()
        (step,) = (step for step in job["steps"] if "uses" in step)
        self.assertRegex(step["uses"], r"^[a-z]+/muster@[0-9a-f]{40}$")
        required = {name for name, told in ACTION["inputs"].items() if told.get("required")}
        self.assertLessEqual(required, set(step["with"]))
        self.assertLessEqual(set(step["with"]), set(ACTION["inputs"]))
        self.assertRegex(step["with"]["token"], r"^\$\{\{ secrets\.\w+ \}\}$")
        self.assertEqual(step["id"], "muster")

    def test_the_workflow_reads_outputs_that_there_are_and_puts_none_into_a_script(self):
        workflow = document("github-actions.yml")
        read = re.findall(r"steps\.muster\.outputs\.([a-z-]+)", json.dumps(workflow))
        self.assertTrue(read)
        self.assertLessEqual(set(read), set(ACTION["outputs"]))
        for part in everything(workflow):
            self.assertNotIn("${{", str(part.get("run", "")))


class GitLab(Workplace):
    def test_the_job_enters_the_node_and_keeps_it(self):
        job = document("gitlab-ci.yml")["deploy"]
        (self.directory / "ci").mkdir()
        shutil.copy(ROOT / "scripts/register.sh", self.directory / "ci")
        control = ControlPlane()
        self.addCleanup(control.stop)
        known = {
            "CI_COMMIT_REF_SLUG": "main",
            "CI_PROJECT_PATH": "example/shop",
            "CI_COMMIT_SHA": "4f1c2ab",
            "CI_PIPELINE_ID": "77",
        }
        variables = {name: string.Template(value).substitute(known) for name, value in job["variables"].items()}
        self.assertFalse([name for name in variables if "TOKEN" in name], "it is set in the project")
        environment = {**self.environment, **variables, "MUSTER_URL": control.url, "REGISTRATION_TOKEN": TOKEN}
        done = run(["sh", "-e", "-c", "\n".join(job["script"])], environment, cwd=self.directory)
        self.assertEqual(done.stdout.splitlines()[-1], "shop.example.com was created", done.stderr)
        (call,) = control.calls
        self.assertEqual((call["kind"], call["tags"]), ("service", ["production", "main"]))
        self.assertEqual(call["meta"], {"project": "example/shop", "commit": "4f1c2ab", "pipeline": 77})
        self.assertEqual(job["artifacts"]["paths"], ["node.json"])
        self.assertNotIn(TOKEN, self.written("node.json"))


class Ansible(unittest.TestCase):
    PLAYBOOKS = ("ansible/register.yml", "ansible/join.yml")

    def tasks(self):
        for name in self.PLAYBOOKS:
            (play,) = document(name)
            yield from play["tasks"]

    def module(self, task):
        (module,) = (key for key in task if key.startswith("ansible.builtin."))
        return module, task[module]

    def test_every_task_has_a_name_and_one_module(self):
        for task in self.tasks():
            self.assertTrue(task["name"])
            self.module(task)

    def test_no_task_that_has_the_token_is_logged(self):
        with_token = [task for task in self.tasks() if "muster_token" in json.dumps(task)]
        self.assertEqual(len(with_token), 2)
        for task in with_token:
            self.assertIs(task["no_log"], True)
            self.assertNotIn("muster_token", json.dumps(task.get("ansible.builtin.command", {})), "it is no argument")

    def test_no_playbook_has_the_token_itself(self):
        for name in self.PLAYBOOKS:
            (play,) = document(name)
            self.assertIn("lookup('ansible.builtin.env', ", play["vars"]["muster_token"])

    def test_a_host_has_changed_if_the_service_says_so(self):
        (play,) = document("ansible/register.yml")
        enters, _ = play["tasks"]
        self.assertIn(".json.outcome", enters["changed_when"])
        self.assertIn("!= 'unchanged'", enters["changed_when"])
        for task in self.tasks():
            module, _ = self.module(task)
            if module in ("ansible.builtin.command", "ansible.builtin.uri"):
                self.assertIn("changed_when", task, task["name"])

    def test_the_call_has_fields_that_there_are(self):
        api = yaml.safe_load((ROOT / "infra/openapi.yaml").read_text())
        call = api["paths"]["/api/register-node"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = api["components"]["schemas"][call["$ref"].rpartition("/")[2]]
        (play,) = document("ansible/register.yml")
        _, asked = self.module(play["tasks"][0])
        self.assertTrue(asked["url"].endswith("/api/register-node"))
        self.assertLessEqual(set(asked["body"]), set(schema["properties"]))
        self.assertEqual(asked["follow_redirects"], "none")

    def test_what_is_tried_again_is_not_what_is_refused(self):
        (play,) = document("ansible/register.yml")
        again = set(map(int, re.findall(r"-?\d+", play["tasks"][0]["until"])))
        self.assertEqual(again, {-1, 429, 500, 502, 503, 504})

    def test_the_installers_checksum_has_to_be_given(self):
        (play,) = document("ansible/join.yml")
        self.assertRegex(play["vars"]["muster_installer_sha256"], r"^0{64}$")
        self.assertIn("checksum", play["tasks"][0]["ansible.builtin.get_url"])
        self.assertTrue((EXAMPLES / "ansible" / play["tasks"][5]["ansible.builtin.copy"]["src"]).exists())

    def test_what_was_installed_or_joined_anew_is_restarted(self):
        (play,) = document("ansible/join.yml")
        service = play["tasks"][-1]["ansible.builtin.systemd_service"]
        self.assertEqual(service["name"], "muster-heartbeats.service")
        for changed in ("muster_installed", "muster_unit", "muster_joined"):
            self.assertIn(f"{changed} is changed", service["state"].partition(" else ")[0])


class CloudInit(Workplace):
    def test_is_user_data_with_keys_that_there_are(self):
        self.assertTrue(text("cloud-init.yaml").startswith("#cloud-config\n"))
        config = document("cloud-init.yaml")
        self.assertEqual(set(config), {"write_files", "runcmd"})
        self.assertTrue(all(isinstance(command, str) for command in config["runcmd"]))
        for file in config["write_files"]:
            self.assertLessEqual(set(file), {"path", "owner", "permissions", "content"})
            self.assertEqual(file["permissions"], "0600", "a string, for a number would be decimal")
            self.assertTrue(file["path"].startswith("/run/"))

    def boots(self, exits):
        """Runs what a machine runs at its first boot, with `curl` and the installer replaced."""
        config = document("cloud-init.yaml")
        (file,) = config["write_files"]
        (self.directory / "muster-token").write_text(TOKEN)
        installer = f'printf "%s\\n" "$@" >"{self.directory}/arguments"\necho "$MUSTER_TOKEN" >"{self.directory}/token"'
        (self.directory / "installer").write_text(f"{installer}\nexit {exits}\n")
        asked = f'printf "%s\\n" "$@" >"{self.directory}/asked"'
        self.stand_in("curl", asked, f"cp '{self.directory}/installer' '{self.directory}/muster-install.sh'")
        script = "\n".join(config["runcmd"]).replace("/run/", f"{self.directory}/")
        self.assertEqual(file["path"], "/run/muster-token")
        return run(["sh", "-c", script], self.environment)

    def test_joins_with_the_token_in_the_environment_and_forgets_it(self):
        done = self.boots(exits=0)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        arguments = self.written("arguments").splitlines()
        self.assertEqual(arguments, ["--control", "https://muster.example.com", "--group", "servers", "--daemon"])
        self.assertEqual(self.written("token"), f"{TOKEN}\n")
        self.assertIn("--proto\n=https\n", self.written("asked"))
        self.assertIsNone(self.written("muster-token"))

    def test_keeps_the_token_if_it_did_not_join(self):
        self.assertEqual(self.boots(exits=4).returncode, 4)
        self.assertEqual(self.written("muster-token"), TOKEN)


class Systemd(Workplace):
    def test_both_units_are_hardened_alike(self):
        for name, sections in UNITS.items():
            self.assertEqual({key: sections["Service"].get(key) for key in HARDENING}, HARDENING, name)

    def test_both_units_have_keys_that_there_are(self):
        for sections in UNITS.values():
            self.assertEqual(set(sections), set(KEYS))
            for section, keys in sections.items():
                self.assertLessEqual(set(keys), KEYS[section])

    # Where there is no systemd, the keys have been looked at above.
    def test_systemd_finds_nothing_in_them(self):
        if not shutil.which("systemd-analyze"):
            return
        for name in UNITS:
            unit = text(f"systemd/muster-{name}.service").replace("/usr/local/bin/muster", "/bin/true")
            (self.directory / f"muster-{name}.service").write_text(unit)
        done = run(["systemd-analyze", "verify", *self.directory.glob("*.service")], os.environ)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_token_comes_from_a_credential_to_standard_input(self):
        join = UNITS["join"]["Service"]
        self.assertEqual(join["LoadCredential"], ["token:/etc/muster/token"])
        self.assertEqual(UNITS["join"]["Unit"]["ConditionPathExists"], ["/etc/muster/token"])
        self.assertEqual(join["ExecStartPost"], ["+/bin/rm -f /etc/muster/token"])
        (self.directory / "token").write_text(TOKEN)
        self.stand_in("muster", f'printf "%s\\n" "$@" >"{self.directory}/arguments"; cat >"{self.directory}/read"')
        script = re.fullmatch(r"/bin/sh -c '([^']*)'", join["ExecStart"][0])[1]
        script = unescaped(script).replace("/usr/local/bin/", "")
        run(["sh", "-c", script], {**self.environment, "CREDENTIALS_DIRECTORY": str(self.directory)})
        self.assertEqual(self.written("read"), TOKEN)
        self.assertEqual(self.written("arguments").split(), ["up", "--token", "-", "--group", "servers"])

    def test_none_is_a_file_that_the_command_makes(self):
        made = set(re.findall(r"[a-z-]+\.service", (ROOT / "cli/src/service.rs").read_text()))
        self.assertIn("muster-agent.service", made)
        self.assertEqual(made & {path.name for path in FILES}, set())

    def test_what_is_final_is_not_started_again(self):
        final = {name: sections["Service"]["RestartPreventExitStatus"] for name, sections in UNITS.items()}
        self.assertEqual(final, {"join": ["2 3"], "heartbeats": ["2 5"]})


class Kubernetes(Workplace):
    def test_is_a_namespace_and_a_daemon_set_that_finds_its_pods(self):
        parts = documents("kubernetes-daemonset.yaml")
        self.assertEqual([part["kind"] for part in parts], ["Namespace", "DaemonSet"])
        namespace, daemons = parts
        self.assertEqual(daemons["metadata"]["namespace"], namespace["metadata"]["name"])
        self.assertEqual(daemons["apiVersion"], "apps/v1")
        template = daemons["spec"]["template"]
        self.assertEqual(daemons["spec"]["selector"]["matchLabels"], template["metadata"]["labels"])
        self.assertEqual([part["name"] for part in containers()], ["own-state", "join", "agent"])
        self.assertEqual(len({part["image"] for part in containers()}), 1)
        self.assertRegex(containers()[0]["image"], r":\d+\.\d+\.\d+$")

    def test_nothing_has_rights_that_it_does_not_need(self):
        pod = daemon_set()["spec"]["template"]["spec"]
        self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertIs(pod["securityContext"]["runAsNonRoot"], True)
        self.assertGreater(pod["securityContext"]["runAsUser"], 0)
        self.assertIs(pod["automountServiceAccountToken"], False)
        for part in containers():
            context = part["securityContext"]
            self.assertIs(context["allowPrivilegeEscalation"], False)
            self.assertIs(context["readOnlyRootFilesystem"], True)
            self.assertEqual(context["capabilities"].pop("drop"), ["ALL"])
            is_root = part["name"] == "own-state"
            self.assertEqual(context["capabilities"], {"add": ["CHOWN"]} if is_root else {})
            self.assertEqual(context.get("runAsUser"), 0 if is_root else None)
            self.assertNotIn("privileged", context)

    def test_everything_has_limits_and_writes_into_the_state_alone(self):
        (volume,) = daemon_set()["spec"]["template"]["spec"]["volumes"]
        self.assertEqual(volume["hostPath"], {"path": "/var/lib/muster", "type": "DirectoryOrCreate"})
        for part in containers():
            for kind in ("requests", "limits"):
                self.assertEqual(set(part["resources"][kind]), {"cpu", "memory"})
            self.assertEqual(part["volumeMounts"], [{"name": volume["name"], "mountPath": "/var/lib/muster"}])

    def test_only_what_joins_has_the_token_and_from_a_secret(self):
        for part in containers():
            variables = {variable["name"]: variable for variable in part.get("env", [])}
            if part["name"] == "join":
                self.assertTrue(variables["MUSTER_TOKEN"]["valueFrom"]["secretKeyRef"]["optional"])
                self.assertEqual(variables["NODE_NAME"]["valueFrom"], {"fieldRef": {"fieldPath": "spec.nodeName"}})
                self.assertTrue(variables["MUSTER_URL"]["value"].startswith("https://"))
            else:
                self.assertNotIn("MUSTER_TOKEN", variables)

    def test_a_node_that_is_in_does_not_use_its_token_again(self):
        script = container("join")["command"][-1]
        for status, joins in ((0, False), (5, True)):
            self.stand_in(
                "muster", f'[ "$1" != status ] || exit {status}', f'printf "%s\\n" "$@" >"{self.directory}/joined"'
            )
            done = run(["sh", "-c", script], {**self.environment, "NODE_NAME": "node-1.example.com"})
            self.assertEqual(done.returncode, 0)
            self.assertEqual(self.written("joined") is not None, joins)
        self.assertEqual(self.written("joined").split()[:3], ["up", "--hostname", "node-1.example.com"])

    def test_the_state_is_given_away_once(self):
        script = container("own-state")["command"][-1]
        self.stand_in("chmod", f'echo "chmod $*" >>"{self.directory}/done"')
        self.stand_in("chown", f'echo "chown $*" >>"{self.directory}/done"')
        for owner, done in ((65532, None), (0, "chmod 700 /var/lib/muster\nchown 65532:65532 /var/lib/muster\n")):
            self.stand_in("stat", f"echo {owner}")
            self.assertEqual(run(["sh", "-c", script], self.environment).returncode, 0)
            self.assertEqual(self.written("done"), done)


if __name__ == "__main__":
    unittest.main()
