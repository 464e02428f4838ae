"""What schemathesis cannot know of the API: how to sign in, how a device proves its key, and what no schema says."""

import base64
import hashlib
import json
import os
import secrets
import time
import urllib.parse
import urllib.request
from collections import Counter, defaultdict

import schemathesis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from schemathesis.generation.meta import TestPhase

MUSTER = os.environ["MUSTER_URL"]
REGISTER = "/api/register-node"
# What devices call about themselves.
OWN = ["/api/nodes/self", "/api/nodes/self/heartbeat"]
EMAIL = "fuzz@example.com"
# A development token holds for hours; a run that goes on for longer signs in anew.
REFRESH_SECONDS = 600
# A device has one key for its life, so the run has a few.
KEYS = [Ed25519PrivateKey.generate() for _ in range(3)]


def ask(path, token=None, body=None, proof=None):
    """The answer to a call that has to go well."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    if proof:
        headers["DPoP"] = proof
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(MUSTER + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def sign_in():
    return ask(f"/dev/token?{urllib.parse.urlencode({'email': EMAIL})}")["id_token"]


@schemathesis.auth(refresh_interval=REFRESH_SECONDS).skip_for(path=[REGISTER, *OWN])
class SignedIn:
    def get(self, case, context):
        return sign_in()

    def set(self, case, data, context):
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.auth(refresh_interval=None).apply_to(path=OWN)
class Proved:
    """That there is a proof; `before_call` makes the one that holds."""

    def get(self, case, context):
        return "a.b.c"

    def set(self, case, data, context):
        case.headers["DPoP"] = data


def is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


class Known:
    """What is really there: no schema tells the id of a team that exists, or where a list really goes on."""

    # One request of so many keeps the made-up ids that it was generated with.
    MADE_UP = 5

    def __init__(self):
        # Of each team its token ids, members, hostnames, plaintexts, and the hostnames of devices.
        self.teams = {}
        self.cursors = set()
        self.asked = Counter()

    def note(self, answer, team_id=None):
        """Remembers what an answer about a team shows to be there."""
        if answer.get("id", "").startswith("team_"):
            self.teams[answer["id"]] = defaultdict(list)
        team = self.teams.get(answer.get("team_id", team_id))
        if team is None:
            return
        if "hostname" in answer:
            self.forget("hostname", answer["hostname"])
            team["hostname"].append(answer["hostname"])
        if "joined_at" in answer:
            team["member"].append(answer["membership_id"])
        if "token" in answer:
            team["token_id"].append(answer["id"])
            # One that lets anything in, without a key, for as long as it is not revoked.
            if answer["origin"] == "admin" and answer["allowed_kinds"] is None:
                team["token"].append(answer["token"])

    def forget(self, name, value):
        """Forgets what is not there any more, or lets nothing in."""
        for team in self.teams.values():
            team[name] = [known for known in team[name] if known != value]

    def begin(self):
        """Makes a team with something of everything, so that there is something to do with it."""
        jwt = sign_in()
        team = ask("/api/teams", jwt, {"name": "Fuzz"})
        rest = f"/api/teams/{team['id']}"
        self.note(team)
        self.note(ask(f"{rest}/members", jwt, {"email": "begin@example.com", "role": "member"}), team["id"])
        token = ask(f"{rest}/registration-tokens", jwt, {"name": "Fuzz"})
        self.note(token, team["id"])
        self.note(ask(REGISTER, token["token"], {"hostname": "begin"}))
        device = "device"
        proved = proof(device, "POST", REGISTER, token["token"])
        self.note(ask(REGISTER, token["token"], {"hostname": device}, proved))
        self.teams[team["id"]]["device"].append(device)
        return team["id"]

    @staticmethod
    def place(case, cursor):
        query = case.query or {}
        return case.operation.label, query.get("sort", "created_at"), query.get("order", "desc"), cursor

    def make_real(self, case):
        """Puts what is there in the place of what is not, most of the time."""
        if "cursor" in (case.query or {}) and self.place(case, case.query["cursor"]) not in self.cursors:
            del case.query["cursor"]
        call = case.operation.label
        self.asked[call] += 1
        # Along links everything is real, or is meant to be gone.
        if case.meta.phase.name == TestPhase.STATEFUL or self.asked[call] % self.MADE_UP == 0:
            return
        if case.path in OWN:
            case.query.update(self.device())
        parameters = case.path_parameters or {}
        if "team_id" in parameters and not self.is_there(**parameters):
            team_id = self.team_with(parameters)
            if not all(self.teams[team_id][name] for name in parameters if name != "team_id"):
                team_id = self.begin()
            there = self.teams[team_id].items()
            parameters.update({name: known[-1] for name, known in there if known and name in parameters})
            parameters["team_id"] = team_id
        if case.path == REGISTER and isinstance(case.body, dict):
            tokens = self.teams[self.team_with(["token"])]["token"]
            if tokens and not any(case.body.get("token") in team["token"] for team in self.teams.values()):
                case.body["token"] = tokens[-1]

    def device(self):
        """A device that is in, as its own calls name it."""
        team_id = self.team_with(["device"])
        if not self.teams[team_id]["device"]:
            team_id = self.begin()
        return {"team_id": team_id, "hostname": self.teams[team_id]["device"][-1]}

    def is_there(self, team_id, **rest):
        team = self.teams.get(team_id)
        return team is not None and all(value in team[name] for name, value in rest.items())

    def team_with(self, names):
        """The newest team of those that have the most of what is asked for."""
        return max(reversed(self.teams), key=lambda team: sum(bool(self.teams[team].get(name)) for name in names))


KNOWN = Known()


def in_the_future(when):
    """The same time 400 years on, or as often: the calendar repeats itself."""
    return f"{2400 + int(when[:4]) % 400}{when[4:]}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def proof(hostname, method, path, token=None):
    """A DPoP proof (RFC 9449) by the key that the device with this hostname has."""
    key = KEYS[len(hostname) % len(KEYS)]
    public = base64url(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    header = {"typ": "dpop+jwt", "alg": "EdDSA", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": public}}
    claims = {
        "jti": secrets.token_hex(16),
        "htm": method,
        "htu": MUSTER + path,
        "iat": int(time.time()),
    }
    if token is not None:
        claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(key.sign(signed.encode()))}"


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes good what only looks good to the schemas; what is wrong on purpose stays wrong."""
    if not is_positive(case):
        return
    KNOWN.make_real(case)
    body = case.body if isinstance(case.body, dict) else {}
    if isinstance(body.get("expires_at"), str):
        body["expires_at"] = in_the_future(body["expires_at"])
    if case.path == REGISTER and "DPoP" in (case.headers or {}):
        case.headers["DPoP"] = proof(body["hostname"], "POST", REGISTER, body.get("token") or "")
    if case.path in OWN:
        case.headers["DPoP"] = proof(case.query["hostname"], case.method.upper(), case.path)


@schemathesis.hook
def after_call(context, case, response):
    """Takes note of what has come and gone."""
    parameters = case.path_parameters or {}
    if response.status_code in (200, 201):
        answer = response.json()
        if answer.get("next_cursor"):
            KNOWN.cursors.add(KNOWN.place(case, answer["next_cursor"]))
        KNOWN.note(answer, parameters.get("team_id"))
    elif response.status_code == 202:
        KNOWN.forget("member", response.json()["membership_id"])
    elif response.status_code == 204:
        named = case.query if case.path in OWN else parameters
        for name in ("hostname", "device"):
            KNOWN.forget(name, named["hostname"].lower().removesuffix("."))
    elif response.status_code == 403 and case.path == REGISTER and isinstance(case.body, dict):
        KNOWN.forget("token", case.body.get("token"))


KNOWN.begin()
