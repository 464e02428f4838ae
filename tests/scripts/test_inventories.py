"""The inventories enter what runs: by the API's rules, under the same names each time, without showing the token."""

import collections
import http.server
import ipaddress
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unicodedata
import unittest
import urllib.parse
from pathlib import Path

from loopback import Server

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "scripts"
RECORDINGS = Path(__file__).resolve().parent / "recordings"
TOKEN = "enrt_" + "a2" * 32
DIGITALOCEAN_TOKEN = "dop_v1_" + "0123456789abcdef" * 4
DASH = ["dash"] if shutil.which("dash") else ["sh"]
ENV, GREP = shutil.which("env"), shutil.which("grep")
BUSYBOX = shutil.which("busybox")

# What register-node takes, by docs/API.md.
FIELDS = {"token", "hostname", "name", "ip_address", "kind", "group", "tags", "meta", "os"}
HOSTNAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,252}")
LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def setUpModule():
    for tool in ("jq", "curl", "busybox"):
        if not shutil.which(tool):
            raise AssertionError(f"{tool} is missing; these tests need it (Debian: apt-get install {tool})")


def recording(name):
    return json.loads((RECORDINGS / name).read_text())


def printable(text, most):
    controls = any(unicodedata.category(char) == "Cc" for char in text)
    return 1 <= len(text) <= most and not controls and bool(text.strip())


def broken_rules(body):
    """The rules of register-node that the body breaks."""
    if len(body) > 64 * 1024:
        yield "the body is over 64 KiB"
    node = json.loads(body)
    hostname = node["hostname"]
    if set(node) - FIELDS:
        yield f"unknown fields: {set(node) - FIELDS}"
    if not re.fullmatch(r"enrt_[a-z2-7]{64}", node["token"]):
        yield "token"
    if not HOSTNAME.fullmatch(hostname) or ".." in hostname or hostname.endswith("."):
        yield f"hostname: {hostname}"
    if not printable(node["name"], 100) or not printable(node.get("os", "Linux"), 100):
        yield f"name or os: {node}"
    if not LABEL.fullmatch(node["kind"]) or not LABEL.fullmatch(node.get("group", "default")):
        yield f"kind or group: {node}"
    if len(node["tags"]) > 50 or not all(printable(tag, 64) for tag in node["tags"]):
        yield f"tags: {node['tags']}"
    if len(json.dumps(node["meta"], ensure_ascii=False, separators=(",", ":")).encode()) > 16 * 1024:
        yield "meta"
    if "ip_address" in node:
        try:
            ipaddress.ip_address(node["ip_address"])
        except ValueError:
            yield f"ip_address: {node['ip_address']}"


class Muster(Server):
    """Plays register-node, and keeps each request.

    `answers` are those of a hostname, or of "" for all, in order, before it is registered: a status, headers and a body.
    Each takes `pause` seconds, until `hurried` is set.
    """

    def __init__(self, answers=None, pause=0):
        self.answers = {hostname: list(given) for hostname, given in (answers or {}).items()}
        self.pause, self.lock, self.hurried = pause, threading.Lock(), threading.Event()
        self.nodes, self.broken, self.requests = {}, [], []
        self.under_way = self.most = 0
        super().__init__(RegisterNode)

    def tries(self, hostname):
        return [node["hostname"] for node in self.requests].count(hostname)

    def answer(self, node):
        given = self.answers.get(node["hostname"]) or self.answers.get("")
        if given:
            return given.pop(0)
        before = self.nodes.get(node["hostname"])
        self.nodes[node["hostname"]] = node
        outcome = "created" if before is None else "unchanged" if before == node else "updated"
        return 201 if before is None else 200, {}, {"hostname": node["hostname"], "outcome": outcome}


class RegisterNode(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        muster = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with muster.lock:
            muster.under_way += 1
            muster.most = max(muster.most, muster.under_way)
        muster.hurried.wait(muster.pause)
        with muster.lock:
            muster.under_way -= 1
            muster.broken += broken_rules(body)
            if self.path != "/api/register-node" or self.headers["Content-Type"] != "application/json":
                muster.broken.append(f"{self.path}, {self.headers['Content-Type']}")
            node = json.loads(body)
            muster.requests.append(node)
            status, headers, answer = muster.answer(node)
        text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(text), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


class DigitalOcean(Server):
    """Plays the list of droplets: `pages`, whose links lead to `next_at`; before them, the answers `first`."""

    def __init__(self, pages, first=(), next_at=None):
        self.pages, self.first, self.next_at, self.calls = pages, list(first), next_at, []
        super().__init__(Droplets)


class Droplets(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        api = self.server
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        api.calls.append((url.path, query, self.headers["Authorization"]))
        page = api.pages[int(query.get("page", 1)) - 1]
        status, headers, answer = api.first.pop(0) if api.first else (200, {}, page)
        text = json.dumps(answer).replace("https://api.digitalocean.com", api.next_at or api.url).encode()
        self.send_response(status)
        for name, value in {"Content-Length": len(text), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def problem(status, code, detail, **headers):
    return status, headers, {"type": f"urn:muster:problem:{code}", "code": code, "detail": detail, "status": status}


BUSY = problem(503, "busy", "Try again.")
REVOKED = problem(403, "token-revoked", "The token was revoked.")


class Inventory(unittest.TestCase):
    """A directory of its own with stand-ins for the tools, in front of the real ones."""

    shell = DASH

    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        self.bin, self.temporary = self.root / "bin", self.root / "tmp"
        self.bin.mkdir()
        self.temporary.mkdir()
        self.environment = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.root),
            "TMPDIR": str(self.temporary),
            "REGISTRATION_TOKEN": TOKEN,
            "http_proxy": "http://127.0.0.1:9",
        }
        self.muster = None

    def muster_with(self, **how):
        self.muster = Muster(**how)
        self.addCleanup(self.muster.stop)
        self.environment["MUSTER_URL"] = self.muster.url
        return self.muster

    def tool(self, name, script):
        """A stand-in that notes its arguments, and the tokens in its environment."""
        path = self.bin / name
        note = f'echo "{name} $*" >>{self.root}/calls\n{ENV} | {GREP} -e enrt_ -e dop_v1_ >>{self.root}/shown\n'
        path.write_text(f"#!/bin/sh\n{note}{script}")
        path.chmod(0o755)

    def calls(self):
        return (self.root / "calls").read_text().splitlines()

    def stand_ins(self, **answers):
        """All tools. `answers` replaces what a recording has."""
        for name in ("docker-inspect", "lxc-list", "kubectl-pods"):
            value = answers.get(name.replace("-", "_"), recording(f"{name}.json"))
            (self.root / name).write_text(json.dumps(value))
        self.tool(
            "docker",
            f"case $1 in ps) echo 6f4e; echo a831;; info) echo Docker-1;; *) cat {self.root}/docker-inspect; esac",
        )
        server = json.dumps({"environment": {"server_name": "lxd-1", "server_clustered": False}})
        self.tool("lxc", f"case $1 in query) echo '{server}';; *) cat {self.root}/lxc-list; esac")
        self.tool("kubectl", f"cat {self.root}/kubectl-pods")

    def run_(self, script, *arguments, **environment):
        done = subprocess.run(
            [*self.shell, SCRIPTS / f"{script}-inventory.sh", *arguments],
            env={name: value for name, value in {**self.environment, **environment}.items() if value is not None},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertNotIn(TOKEN, done.stdout + done.stderr)
        self.assertNotIn(DIGITALOCEAN_TOKEN, done.stdout + done.stderr)
        self.assertEqual(list(self.temporary.iterdir()), [], "what is temporary is gone")
        if self.muster:
            self.assertEqual(self.muster.broken, [])
        return done

    def entered(self, script, *arguments, **environment):
        """The nodes, by hostname, of a run that must succeed."""
        done = self.run_(script, *arguments, **environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return self.muster.nodes

    def assert_ends(self, done, code, summary):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(done.stdout.splitlines()[-1], summary, done.stderr)

    def assert_wrong(self, done, said):
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(said, done.stderr)


class Facts(Inventory):
    """What becomes what, on a Muster that holds it to the API's rules."""

    def setUp(self):
        super().setUp()
        self.muster_with()
        self.stand_ins()

    def assert_nothing_secret(self):
        self.assertNotIn("never-send-this", json.dumps(self.muster.requests))

    def test_a_container_is_entered_with_what_docker_knows(self):
        nodes = self.entered("docker")
        web = nodes["shop-web-1.docker-1"]
        self.assertEqual((web["name"], web["kind"], web["ip_address"]), ("shop-web-1", "container", "172.20.0.3"))
        self.assertLessEqual({"host=docker-1", "com.docker.compose.service=web", "env=prod"}, set(web["tags"]))
        meta = web["meta"]
        self.assertEqual((meta["image"], meta["labels"]["env"]), ("nginx:1.27", "prod"))
        self.assertEqual(meta["addresses"]["shop_default"], ["172.19.0.2", "2001:db8:1::3"])
        self.assertEqual(meta["ports"], ["0.0.0.0:8080 -> 80/tcp", ":::8080 -> 80/tcp"])
        self.assertNotIn("group", web, "nobody asked for one")
        self.assertNotIn("ip_address", nodes["node_exporter.docker-1"], "it has the host's network")
        self.assert_nothing_secret()

    def test_a_container_that_no_longer_runs_is_not_entered(self):
        self.assertFalse([hostname for hostname in self.entered("docker") if hostname.startswith("migrate")])

    def test_a_task_of_a_swarm_keeps_its_hostname_from_deploy_to_deploy(self):
        node = self.entered("docker")["api.1.docker-1"]
        self.assertEqual(node["name"], "api.1.b81xkc6ea0w8l4ryzpj2m5vtu", "the later of the two")

    def test_containers_of_two_machines_are_two_nodes(self):
        self.entered("docker", "--suffix", "A.example.com")
        nodes = self.entered("docker", "--suffix=")
        self.assertLessEqual({"node_exporter.a.example.com", "node_exporter"}, set(nodes))
        self.assertFalse([call for call in self.calls() if call.startswith("docker info")])

    def test_an_instance_is_entered_with_what_lxd_knows(self):
        nodes = self.entered("lxd", "--all-projects")
        self.assertEqual(len(nodes), 3, "the stopped one is not among them")
        web = nodes["web-1.lxd-1"]
        self.assertEqual((web["kind"], web["ip_address"], web["os"]), ("container", "10.99.30.5", "ubuntu 24.04"))
        self.assertLessEqual({"project=default", "profile=web", "user.env=prod"}, set(web["tags"]))
        self.assertEqual((web["meta"]["cpus"], web["meta"]["memory"]), ("2", "2GiB"))
        (machine,) = (node for node in nodes.values() if node["name"] == "WebVM")
        self.assertEqual((machine["kind"], machine["meta"]["type"]), ("container", "virtual-machine"))
        self.assertEqual(machine["ip_address"], "10.99.30.77", "IPv4 comes first")
        self.assertIn("lxc list --format json --all-projects", self.calls())
        self.assert_nothing_secret()

    def test_instances_of_one_name_in_two_projects_are_two_nodes(self):
        blue = [node for node in self.entered("lxd").values() if "project=Team_Blue" in node["tags"]]
        self.assertRegex(blue[0]["hostname"], r"^web-1\.team_blue-[0-9a-f]{8}\.lxd-1$")

    def test_a_member_of_a_cluster_of_lxd_does_not_name_the_instances(self):
        server = json.dumps({"environment": {"server_name": "member-2", "server_clustered": True}})
        self.tool("lxc", f"case $1 in query) echo '{server}';; *) cat {self.root}/lxc-list; esac")
        self.assertIn("web-1", self.entered("lxd", "--project", "default"))
        self.assertIn("lxc list --format json --project default", self.calls())

    def test_a_pod_is_entered_with_what_kubernetes_knows(self):
        nodes = self.entered("kubernetes")
        web = nodes["web-7d4b9c6f5d-x2x7k.shop"]
        self.assertEqual((web["kind"], web["ip_address"], web["os"]), ("pod", "10.244.1.17", "linux"))
        self.assertLessEqual({"namespace=shop", "app.kubernetes.io/name=web", "tier"}, set(web["tags"]))
        meta = web["meta"]
        self.assertEqual((meta["node"], meta["owner"]), ("node-a", "ReplicaSet/web-7d4b9c6f5d"))
        self.assertEqual(meta["images"]["web"], "nginx:1.27")
        self.assertLessEqual({"db-0.shop", "db-0.staging", "kube-apiserver-node-a.kube-system"}, set(nodes))
        self.assertFalse([hostname for hostname in nodes if hostname.startswith("going")], "it is being deleted")
        self.assertIn("kubectl get pods --all-namespaces --field-selector=status.phase=Running -o json", self.calls())
        self.assert_nothing_secret()

    def test_pods_may_be_those_of_a_namespace_and_of_a_cluster_that_is_named(self):
        nodes = self.entered("kubernetes", "--namespace", "shop", "--context=prod", "--suffix", "prod")
        self.assertIn("cluster=prod", nodes["db-0.shop.prod"]["tags"])
        wanted = "kubectl get pods --namespace shop --context prod --field-selector=status.phase=Running -o json"
        self.assertIn(wanted, self.calls())

    def test_a_group_is_that_of_all(self):
        self.assertEqual({node["group"] for node in self.entered("kubernetes", "--group", "k8s").values()}, {"k8s"})


class Names(Inventory):
    def setUp(self):
        super().setUp()
        self.muster_with()

    def test_names_that_are_no_hostnames_become_some_and_no_two_the_same(self):
        odd = [
            "Web",
            "web",
            "WEB",
            "we b",
            "we/b",
            "we_b",
            "-web",
            "web.",
            "a..b",
            "a.b",
            "wéb",
            "日本",
            "日木",
            "ab" * 200,
        ]
        (base, *_) = recording("docker-inspect.json")
        self.stand_ins(docker_inspect=[{**base, "Name": f"/{name}"} for name in odd])
        nodes = self.entered("docker", "--suffix", "host")
        self.assertEqual(len(nodes), len(odd))
        self.assertEqual({node["meta"]["name"] for node in nodes.values()}, set(odd), "the true name stays")
        self.assertLessEqual({"web.host", "we_b.host", "a.b.host"}, set(nodes), "what is a hostname is left alone")
        again = Muster()
        self.addCleanup(again.stop)
        self.stand_ins(docker_inspect=[{**base, "Name": f"/{name}"} for name in reversed(odd)])
        self.run_("docker", "--suffix", "host", MUSTER_URL=again.url)
        self.assertEqual(set(again.nodes), set(nodes), "whatever else runs")

    def test_a_long_name_is_cut_and_told_in_full_in_meta(self):
        self.stand_ins()
        (node,) = (node for node in self.entered("kubernetes").values() if "namespace=batch" in node["tags"])
        self.assertEqual((len(node["hostname"]), len(node["name"])), (253, 100))
        self.assertEqual(len(node["meta"]["name"]), 253)
        self.assertRegex(node["hostname"], r"-[0-9a-f]{8}\.batch$")

    def test_labels_beyond_the_limits_are_left_out(self):
        (base, *_) = recording("docker-inspect.json")
        labels = {f"label-{n}": "é" * (55 if n % 2 else 200) for n in range(200)} | {"tab": "a\tb\u0085", " ": ""}
        self.stand_ins(docker_inspect=[{**base, "Config": {**base["Config"], "Labels": labels}}])
        (node,) = self.entered("docker").values()
        self.assertEqual(len(node["tags"]), 50)
        self.assertEqual(node["meta"]["left_out"], ["labels"])
        self.assertEqual(node["meta"]["image"], "nginx:1.27")

    def test_two_that_come_to_the_same_hostname_are_told_and_nothing_is_sent(self):
        pods = recording("kubectl-pods.json")
        self.stand_ins(kubectl_pods={**pods, "items": [*pods["items"], pods["items"][1]]})
        done = self.run_("kubernetes")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("kubernetes-inventory.sh: two have the hostname db-0.shop", done.stderr)
        self.assertEqual(self.muster.requests, [])


class Runs(Inventory):
    def test_run_again_it_changes_nothing(self):
        self.muster_with()
        self.stand_ins()
        first = self.run_("docker")
        self.assertIn("created shop-web-1.docker-1\n", first.stdout)
        self.assert_ends(first, 0, "4 created, 0 updated, 0 unchanged, 0 failed")
        containers = recording("docker-inspect.json")
        containers[0]["Config"]["Image"] = "nginx:1.28"
        self.stand_ins(docker_inspect=containers)
        second = self.run_("docker")
        self.assertIn("updated shop-web-1.docker-1\n", second.stdout)
        self.assert_ends(second, 0, "0 created, 1 updated, 3 unchanged, 0 failed")

    def test_without_an_outcome_the_status_tells(self):
        self.stand_ins()
        self.muster_with(
            answers={"db-0.shop": [(201, {}, {"id": "node_1"})], "db-0.staging": [(200, {}, {"id": "node_2"})]}
        )
        self.assert_ends(self.run_("kubernetes"), 0, "4 created, 1 updated, 0 unchanged, 0 failed")

    def test_what_is_no_muster_has_registered_nothing(self):
        self.stand_ins()
        self.muster_with(answers={"db-0.shop": [(200, {}, b"<html>Please sign in</html>")]})
        done = self.run_("kubernetes")
        self.assertIn("failed db-0.shop: what answers with 200 is no Muster", done.stderr)
        self.assert_ends(done, 1, "4 created, 0 updated, 0 unchanged, 1 failed")

    def test_hundreds_are_sent_so_many_at_a_time(self):
        self.muster_with(pause=0.02)
        (pod, *_) = recording("kubectl-pods.json")["items"]
        pods = [{**pod, "metadata": {**pod["metadata"], "name": f"web-{n}"}} for n in range(300)]
        self.stand_ins(kubectl_pods={"apiVersion": "v1", "kind": "List", "items": pods})
        self.assert_ends(self.run_("kubernetes", "--jobs", "6"), 0, "300 created, 0 updated, 0 unchanged, 0 failed")
        self.assertEqual(len(self.muster.requests), 300)
        self.assertGreater(self.muster.most, 1)
        self.assertLessEqual(self.muster.most, 6)

    def test_a_dry_run_prints_what_it_would_send_and_sends_nothing(self):
        self.muster_with()
        self.stand_ins()
        done = self.run_("docker", "--dry-run", "--group", "edge", REGISTRATION_TOKEN=None, MUSTER_URL=None)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        would = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(self.muster.requests, [])
        self.entered("docker", "--group", "edge")
        sent = {hostname: {**node} for hostname, node in self.muster.nodes.items()}
        self.assertEqual({node.pop("token") for node in sent.values()}, {TOKEN})
        self.assertEqual({node["hostname"]: node for node in would}, sent)

    def test_where_nothing_runs_that_is_said(self):
        self.muster_with()
        self.stand_ins(docker_inspect=[], lxc_list=[], kubectl_pods={"items": []})
        self.tool(
            "docker", "case $1 in ps) ;; info) echo docker-1;; *) echo 'requires at least 1 argument' >&2; exit 1; esac"
        )
        for script in ("docker", "lxd", "kubernetes"):
            with self.subTest(script):
                done = self.run_(script)
                self.assertIn("there are no running", done.stderr)
                self.assert_ends(done, 0, "0 created, 0 updated, 0 unchanged, 0 failed")
        self.assertEqual(self.muster.requests, [])

    def test_a_container_that_goes_meanwhile_does_not_keep_the_others_out(self):
        self.muster_with()
        self.stand_ins()
        gone = "echo 'Error response from daemon: No such container: 6f4e' >&2; exit 1"
        self.tool(
            "docker", f"case $1 in ps) echo 6f4e;; info) echo one;; *) cat {self.root}/docker-inspect; {gone}; esac"
        )
        self.assertEqual(len(self.entered("docker")), 4)

    def test_what_the_tool_complains_of_is_shown_and_nothing_is_sent(self):
        self.muster_with()
        self.stand_ins()
        broken = "echo 'cannot connect: is it running?' >&2; exit 1"
        docker = f"case $1 in ps) echo 6f4e;; info) echo one;; *) cat {self.root}/docker-inspect; {broken}; esac"
        for tool, script, fails in (
            ("docker", "docker", broken),
            ("docker", "docker", docker),
            ("docker", "docker", docker.replace("info) echo one", f"info) {broken}")),
            ("lxc", "lxd", broken),
            ("lxc", "lxd", f"case $1 in list) echo '[]';; *) {broken}; esac"),
            ("kubectl", "kubernetes", broken),
        ):
            with self.subTest(fails):
                self.tool(tool, fails)
                done = self.run_(script)
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("cannot connect: is it running?", done.stderr)
                self.assertIn(f"{script}-inventory.sh: ", done.stderr)
        self.assertEqual(self.muster.requests, [])

    def test_what_a_tool_says_that_is_no_json_is_refused(self):
        self.muster_with()
        self.tool("kubectl", "echo No resources found")
        done = self.run_("kubernetes")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("what kubectl says is not what was expected; nothing was registered", done.stderr)
        self.assertEqual(self.muster.requests, [])

    def interrupted(self):
        """A run that is interrupted while the first nodes are on their way."""
        # Far longer than it may take to end: what is on its way is not waited for.
        self.muster_with(pause=25)
        (pod, *_) = recording("kubectl-pods.json")["items"]
        pods = [{**pod, "metadata": {**pod["metadata"], "name": f"web-{n}"}} for n in range(60)]
        self.stand_ins(kubectl_pods={"items": pods})
        command = [*self.shell, SCRIPTS / "kubernetes-inventory.sh"]
        running = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(running.kill)
        deadline = time.monotonic() + 20
        while not self.muster.under_way:
            self.assertIsNone(running.poll(), "it goes on")
            self.assertLess(time.monotonic(), deadline, "nothing was sent")
            time.sleep(0.01)
        running.send_signal(signal.SIGTERM)
        self.assertEqual(running.wait(timeout=10), 143)
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.muster.hurried.set()
        running.communicate(timeout=10)
        self.assertEqual(list(self.temporary.iterdir()), [], "nor do the workers leave anything")
        self.assertLessEqual(len(self.muster.requests), 8, "those that were on their way")

    def test_interrupted_it_ends_at_once_and_leaves_nothing(self):
        self.interrupted()

    def test_interrupted_it_takes_away_what_a_worker_writes_meanwhile(self):
        late = f"""[ "$1" = -f ] || [ -e {self.root}/late ] || {{ touch {self.root}/late "$2/late"; exit 1; }}"""
        self.tool("rm", f'{late}\nexec {shutil.which("rm")} "$@"')
        self.interrupted()
        self.assertTrue((self.root / "late").exists())


class Refusals(Inventory):
    def setUp(self):
        super().setUp()
        self.stand_ins()
        # It does not sleep, and notes how long it would have.
        self.tool("sleep", f"echo $1 >>{self.root}/slept")

    def slept(self):
        return [float(line) for line in (self.root / "slept").read_text().split()]

    def test_a_refusal_is_final_and_tells_why(self):
        finals = [
            problem(400, "invalid-request", "Correct what `errors` names."),
            problem(404, "not-found", "There is no such thing."),
            problem(409, "hostname-conflict", "The hostname is another device's."),
            problem(413, "too-large", "The body is over 64 KiB."),
            problem(403, "token-exhausted", "All uses are used up."),
        ]
        finals[0][2]["errors"] = [{"pointer": "/tags/1", "detail": "must be a string"}]
        for final in finals:
            with self.subTest(final[2]["code"]):
                muster = self.muster_with(answers={"db-0.shop": [final]})
                done = self.run_("kubernetes", "--jobs", "1")
                errors = " /tags/1 must be a string" if "errors" in final[2] else ""
                self.assertEqual(done.stderr, f"failed db-0.shop: {final[2]['detail']}{errors} ({final[2]['code']})\n")
                self.assert_ends(done, 1, "4 created, 0 updated, 0 unchanged, 1 failed")
                self.assertEqual(muster.tries("db-0.shop"), 1)

    def test_what_passes_is_tried_again_with_jitter(self):
        passing = [
            BUSY,
            (429, {"Retry-After": "2"}, b'{"message": "Too Many Requests"}'),
            (502, {}, b"<html>"),
            (504, {}, b""),
        ]
        muster = self.muster_with(answers={"db-0.shop": [*passing, problem(500, "internal", "Something is wrong.")]})
        self.assert_ends(self.run_("kubernetes"), 0, "5 created, 0 updated, 0 unchanged, 0 failed")
        self.assertEqual(muster.tries("db-0.shop"), 6)
        slept = self.slept()
        self.assertEqual(len(slept), 5)
        after = slept.pop(1)
        self.assertTrue(2 <= after < 3, "Retry-After is the least to wait, and jitter comes on top")
        self.assertTrue(all(0 <= pause < 1 for pause in slept))
        self.assertGreater(len(set(slept)), 1)

    def test_what_does_not_pass_is_given_up_alone(self):
        muster = self.muster_with(
            answers={"db-0.shop": [BUSY] * 99, "db-0.staging": [problem(500, "internal", "Something is wrong.")] * 99}
        )
        done = self.run_("kubernetes")
        self.assertIn("failed db-0.shop: Try again. (busy)\n", done.stderr)
        self.assert_ends(done, 1, "3 created, 0 updated, 0 unchanged, 2 failed")
        self.assertEqual((muster.tries("db-0.shop"), muster.tries("db-0.staging")), (20, 5))

    def test_who_asks_to_wait_for_hours_is_not_waited_for(self):
        muster = self.muster_with(
            answers={"db-0.shop": [(429, {"Retry-After": "3600"}, {"message": "Too Many Requests"})]}
        )
        done = self.run_("kubernetes")
        self.assertIn("failed db-0.shop: answered with 429: Too Many Requests\n", done.stderr)
        self.assertEqual(muster.tries("db-0.shop"), 1)

    def test_an_answer_without_a_body_is_not_taken_for_the_one_before(self):
        self.muster_with(answers={"db-0.shop": [BUSY, (404, {}, b"")]})
        self.assertIn("failed db-0.shop: answered with 404\n", self.run_("kubernetes").stderr)

    def test_a_token_that_lets_nobody_in_stops_it(self):
        refusals = [
            REVOKED,
            problem(403, "token-expired", "The token's time is over."),
            problem(401, "invalid-token", "The token is not known."),
            problem(403, "kind-not-allowed", "The token does not admit the kind."),
            (401, {}, {"message": "Unauthorized"}),
        ]
        (pod, *_) = recording("kubectl-pods.json")["items"]
        pods = [{**pod, "metadata": {**pod["metadata"], "name": f"web-{n}"}} for n in range(50)]
        self.stand_ins(kubectl_pods={"items": pods})
        for refusal in refusals:
            with self.subTest(refusal[2]):
                muster = self.muster_with(answers={"": [refusal] * 99})
                done = self.run_("kubernetes", "--jobs", "3")
                said = refusal[2].get("detail") or refusal[2]["message"]
                self.assertEqual(done.stderr.count(said), 1, "said once")
                self.assertIn("not tried because of that: 49 more", done.stderr)
                self.assert_ends(done, 1, "0 created, 0 updated, 0 unchanged, 50 failed")
                self.assertLessEqual(len(muster.requests), 6)

    def test_an_exhausted_token_still_updates_the_nodes_that_are_in(self):
        exhausted = problem(403, "token-exhausted", "All uses are used up.")
        self.muster_with(answers={"db-0.shop": [exhausted], "db-0.staging": [exhausted]})
        self.assert_ends(self.run_("kubernetes", "--jobs=1"), 1, "3 created, 0 updated, 0 unchanged, 2 failed")

    def test_where_nobody_answers_it_tries_twenty_times_and_stops(self):
        muster = self.muster_with()
        muster.stop()
        done = self.run_("kubernetes", "--jobs", "1")
        self.assertEqual(done.stderr.count("no answer"), 1)
        self.assert_ends(done, 1, "0 created, 0 updated, 0 unchanged, 5 failed")
        self.assertEqual(len(self.slept()), 19)

    def test_a_redirect_is_not_followed(self):
        elsewhere = Muster()
        self.addCleanup(elsewhere.stop)
        (self.root / ".curlrc").write_text("location\n")
        location = {"Location": f"{elsewhere.url}/api/register-node"}
        self.muster_with(answers={"db-0.shop": [(307, location, b"")]})
        done = self.run_("kubernetes")
        self.assertIn("failed db-0.shop: answered with 307\n", done.stderr)
        self.assertEqual(elsewhere.requests, [])


class Given(Inventory):
    """What is missing or wrong is told in one line, before anything is read."""

    def setUp(self):
        super().setUp()
        self.stand_ins()
        self.environment["MUSTER_URL"] = "https://muster.example.com"

    def test_what_must_be_set_is_asked_for(self):
        for script in ("docker", "lxd", "kubernetes", "digitalocean"):
            for missing in ("MUSTER_URL", "REGISTRATION_TOKEN"):
                with self.subTest(f"{script} without {missing}"):
                    self.assert_wrong(self.run_(script, **{missing: None}), f"{missing} is not set; set it to ")
        self.assert_wrong(self.run_("digitalocean"), "DIGITALOCEAN_TOKEN is not set; set it to ")
        self.assertFalse((self.root / "calls").exists(), "nothing was read")

    def test_a_token_that_is_none_is_not_repeated(self):
        for token in ("enrt_abc", "secret", TOKEN[:-1] + "1", TOKEN + "a", TOKEN + "\n", TOKEN[:-1] + '"', "x" * 69):
            with self.subTest(token):
                done = self.run_("docker", REGISTRATION_TOKEN=token)
                self.assert_wrong(done, "REGISTRATION_TOKEN is no enrollment token")
                self.assertNotIn(token, done.stderr)

    def test_the_token_goes_nowhere_without_tls_but_to_this_machine(self):
        for url in (
            "http://muster.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "http://localhost:80@example.com/",
            "http://localhost.example.com:80",
            "http://[::1]@example.com",
            "http://[::1].example.com",
            "http://[2001:db8::1]:8000",
            "ftp://127.0.0.1",
            "muster.example.com",
            "https://",
        ):
            with self.subTest(url):
                self.assert_wrong(self.run_("docker", MUSTER_URL=url), "MUSTER_URL must be")
        for url in ("http://localhost:9", "http://127.1.2.3:9/", "http://[::1]:9"):
            with self.subTest(url):
                self.tool("sleep", "")
                self.assertEqual(self.run_("kubernetes", MUSTER_URL=url).returncode, 1)

    def test_a_tool_that_is_missing_is_named(self):
        for script, tool in (("docker", "docker"), ("lxd", "lxc"), ("kubernetes", "kubectl")):
            for missing in (tool, "jq", "curl"):
                with self.subTest(f"{script} without {missing}"):
                    path = self.root / f"{script}-without-{missing}"
                    path.mkdir()
                    for name in {"dirname", "tr", "rm", "mktemp", tool, "jq", "curl"} - {missing}:
                        found = self.bin / name if (self.bin / name).exists() else shutil.which(name)
                        (path / name).symlink_to(found)
                    self.shell = [shutil.which(self.shell[0]), *self.shell[1:]]
                    self.assert_wrong(self.run_(script, PATH=str(path)), f"{missing} is missing")

    def test_an_option_that_is_none_is_told(self):
        for arguments, said in (
            (["--frobnicate"], "--frobnicate"),
            (["web"], "web"),
            (["--group"], "--group asks for a value"),
            (["--group", "Edge"], "--group must"),
            (["--group", "a" * 65], "--group must"),
            (["--jobs", "0"], "--jobs must"),
            (["--jobs", "many"], "--jobs must"),
            (["--jobs=65"], "--jobs must"),
            (["--suffix", "a b"], "--suffix must"),
            (["--suffix", "a..b"], "--suffix must"),
        ):
            with self.subTest(arguments):
                self.assert_wrong(self.run_("docker", *arguments), said)

    def test_help_tells_the_options_and_needs_nothing(self):
        for script in ("docker", "lxd", "kubernetes", "digitalocean"):
            with self.subTest(script):
                done = self.run_(script, "--help", REGISTRATION_TOKEN=None, MUSTER_URL=None)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                for word in ("--group", "--jobs", "--suffix", "--dry-run", "MUSTER_URL", "REGISTRATION_TOKEN"):
                    self.assertIn(word, done.stdout)
                self.assertTrue(all(len(line) <= 120 for line in done.stdout.splitlines()))


class Secrets(Inventory):
    def test_no_program_is_shown_a_token(self):
        self.muster_with(answers={"db-0.shop": [BUSY]})
        self.stand_ins()
        api = DigitalOcean(recording("digitalocean-droplets.json"))
        self.addCleanup(api.stop)
        for tool in ("curl", "jq", "cat", "tr", "awk", "od"):
            self.tool(tool, f'exec {shutil.which(tool)} "$@"')
        for script in ("docker", "lxd", "kubernetes"):
            self.entered(script)
        self.entered("digitalocean", DIGITALOCEAN_TOKEN=DIGITALOCEAN_TOKEN, DIGITALOCEAN_URL=api.url)
        calls = "\n".join(self.calls())
        for tool in ("curl", "jq", "docker", "lxc", "kubectl"):
            self.assertIn(f"{tool} ", calls)
        for secret in ("enrt_", "dop_v1_"):
            self.assertNotIn(secret, calls)
        self.assertEqual((self.root / "shown").read_text(), "", "nor in its environment")


class DigitalOceanInventory(Inventory):
    def setUp(self):
        super().setUp()
        self.muster_with()
        self.environment["DIGITALOCEAN_TOKEN"] = DIGITALOCEAN_TOKEN

    def api(self, pages=None, **how):
        api = DigitalOcean(pages or recording("digitalocean-droplets.json"), **how)
        self.addCleanup(api.stop)
        self.environment["DIGITALOCEAN_URL"] = api.url
        return api

    def test_all_pages_of_droplets_are_entered(self):
        api = self.api()
        nodes = self.entered("digitalocean")
        wanted = [("/v2/droplets", {"per_page": "200"}), ("/v2/droplets", {"page": "2", "per_page": "200"})]
        self.assertEqual([(path, query) for path, query, _ in api.calls], wanted)
        self.assertEqual({token for _, _, token in api.calls}, {f"Bearer {DIGITALOCEAN_TOKEN}"})
        web = nodes["web.example.com"]
        self.assertEqual(
            (web["kind"], web["ip_address"], web["os"]), ("droplet", "203.0.113.10", "Ubuntu 24.04 (LTS) x64")
        )
        self.assertEqual(web["tags"], ["web", "env:prod", "region=fra1", "size=s-1vcpu-2gb"])
        meta = web["meta"]
        self.assertEqual((meta["id"], meta["image"], meta["memory_mib"]), (3164444, "ubuntu-24-04-x64", 2048))
        self.assertEqual(meta["public_addresses"], ["203.0.113.10", "2001:db8:a:b::18a:1"])
        self.assertEqual(meta["private_addresses"], ["10.135.0.3"])
        self.assertNotIn("parked", nodes, "it is off")

    def test_droplets_of_one_name_are_told_apart_by_their_ids(self):
        self.api()
        nodes = self.entered("digitalocean")
        self.assertEqual({hostname for hostname in nodes if "worker" in hostname}, {"worker", "worker-3170001"})
        self.assertEqual((nodes["worker"]["name"], nodes["worker"]["ip_address"]), ("Worker", "10.135.0.4"))

    def test_the_token_does_not_follow_a_link_to_another_host(self):
        elsewhere = DigitalOcean(recording("digitalocean-droplets.json"))
        self.addCleanup(elsewhere.stop)
        for next_at in (elsewhere.url, self.api().url + ".example.com", "http://localhost@127.0.0.1"):
            with self.subTest(next_at):
                self.api(next_at=next_at)
                done = self.run_("digitalocean")
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("nothing was registered", done.stderr)
        self.assertEqual((elsewhere.calls, self.muster.requests), ([], []))

    def test_what_passes_is_tried_again(self):
        self.tool("sleep", f"echo $1 >>{self.root}/slept")
        api = self.api(first=[(429, {"Retry-After": "7"}, {"id": "too_many_requests"}), (503, {}, {})])
        self.assertEqual(len(self.entered("digitalocean")), 3)
        self.assertEqual(len(api.calls), 4)
        self.assertEqual([int(float(pause)) for pause in (self.root / "slept").read_text().split()], [7, 0])

    def test_a_refusal_is_told_and_nothing_is_sent(self):
        api = self.api(first=[(401, {}, {"id": "Unauthorized", "message": "Unable to authenticate you"})])
        done = self.run_("digitalocean")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("DigitalOcean answers with 401: Unable to authenticate you; nothing was registered", done.stderr)
        self.assertEqual((len(api.calls), self.muster.requests), (1, []))

    def test_what_is_no_list_of_droplets_is_refused(self):
        self.api(pages=[{"droplets": None}])
        done = self.run_("digitalocean")
        self.assertEqual((done.returncode, self.muster.requests), (1, []))
        self.assertIn("no list of droplets", done.stderr)

    def test_where_there_are_no_droplets_that_is_said(self):
        self.api(pages=[{"droplets": [], "links": {}, "meta": {"total": 0}}])
        done = self.run_("digitalocean")
        self.assertIn("there are no active droplets", done.stderr)
        self.assert_ends(done, 0, "0 created, 0 updated, 0 unchanged, 0 failed")

    def test_its_token_must_be_one_and_go_where_it_is_safe(self):
        self.assert_wrong(
            self.run_("digitalocean", DIGITALOCEAN_TOKEN='a"\nurl = "b'), "DIGITALOCEAN_TOKEN is no token"
        )
        self.assert_wrong(self.run_("digitalocean", DIGITALOCEAN_URL="http://example.com"), "DIGITALOCEAN_URL must")

    def test_a_dry_run_asks_digitalocean_alone(self):
        self.api()
        done = self.run_("digitalocean", "--dry-run", REGISTRATION_TOKEN=None, MUSTER_URL=None)
        self.assertEqual((done.returncode, done.stdout.count("\n"), self.muster.requests), (0, 3, []))


class Busybox(Inventory):
    """The same with busybox's shell and its tools."""

    shell = (BUSYBOX, "sh")

    def setUp(self):
        super().setUp()
        for tool in (
            "awk",
            "cat",
            "dirname",
            "env",
            "grep",
            "mkdir",
            "mktemp",
            "od",
            "rm",
            "sleep",
            "tr",
            "wc",
            "xargs",
        ):
            (self.bin / tool).symlink_to(BUSYBOX)
        self.stand_ins()

    def test_it_enters_what_runs_and_tries_again(self):
        muster = self.muster_with(answers={"node_exporter.docker-1": [BUSY], "db-0.shop": [BUSY]})
        self.environment |= {"DIGITALOCEAN_TOKEN": DIGITALOCEAN_TOKEN}
        api = DigitalOcean(recording("digitalocean-droplets.json"))
        self.addCleanup(api.stop)
        for script in ("docker", "lxd", "kubernetes", "digitalocean"):
            self.entered(script, DIGITALOCEAN_URL=api.url)
        kinds = collections.Counter(node["kind"] for node in muster.nodes.values())
        self.assertEqual(kinds, {"container": 7, "pod": 5, "droplet": 3})
        self.assertEqual(muster.tries("db-0.shop"), 2)

    def test_it_stops_where_the_token_is_revoked(self):
        self.muster_with(answers={"": [REVOKED] * 9})
        done = self.run_("kubernetes", "--jobs", "1")
        self.assertIn("The token was revoked. (token-revoked)", done.stderr)
        self.assert_ends(done, 1, "0 created, 0 updated, 0 unchanged, 5 failed")


if __name__ == "__main__":
    unittest.main()
