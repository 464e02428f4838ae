//! Signing in with the development issuer: in the browser, again without one, and on another device.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::common::api::Api;
use super::common::http::{Answer, Request};
use super::common::local::Local;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::dangerous::insecure_decode;
use muster_local::Config;
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::environment::{Clock, Environment};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

const CALLBACK: &str = "http://localhost:8976/callback";
const VERIFIER: &str = "a-verifier-that-is-as-long-as-one-has-to-be-1234";
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A clock that is set by hand.
struct HandClock(AtomicI64);

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix(self.0.load(Ordering::SeqCst))
    }
}

/// The service, and a client that people sign in for.
struct Client {
    local: Local,
    clock: Arc<HandClock>,
}

impl Client {
    fn start() -> Self {
        let clock = Arc::new(HandClock(AtomicI64::new(1_900_000_000)));
        let mut config = Config::in_memory();
        config.environment = Environment { clock: clock.clone(), ..Environment::system() };
        Self { local: Local::with(config), clock }
    }

    fn address(&self) -> SocketAddr {
        self.local.address()
    }

    fn wait(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::SeqCst);
    }

    fn get(&self, path: &str) -> Answer {
        Request::new("GET", path).send(self.address())
    }

    fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = Request::new("POST", path).body(encoded(form.iter().copied()));
        let kind = "application/x-www-form-urlencoded";
        request.header("content-type", kind).send(self.address())
    }

    /// Signs a person in; what comes back to the client.
    fn sign_in(&self, email: &str, replaced: &[(&str, &str)]) -> Told {
        Told::of(&self.post(&authorize(replaced), &[("email", email)]))
    }

    /// Asks for the tokens of a code, with some of it replaced.
    fn redeem(&self, code: &str, replaced: &[(&str, &str)]) -> Answer {
        let usual = [
            ("grant_type", "authorization_code"),
            ("client_id", "muster"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let kept = usual.iter().filter(|(name, _)| replaced.iter().all(|(other, _)| other != name));
        let form: Vec<_> = kept.chain(replaced).copied().collect();
        self.post("/dev/oauth/token", &form)
    }

    fn refresh(&self, token: &str) -> Answer {
        let grant = [("grant_type", "refresh_token"), ("client_id", "muster")];
        self.post("/dev/oauth/token", &[grant[0], grant[1], ("refresh_token", token)])
    }

    fn poll(&self, device: &Value) -> Answer {
        let code = device["device_code"].as_str().unwrap();
        let grant = [("grant_type", DEVICE), ("client_id", "muster")];
        self.post("/dev/oauth/token", &[grant[0], grant[1], ("device_code", code)])
    }

    fn device(&self) -> Value {
        let form = [("client_id", "muster"), ("scope", "openid email")];
        self.post("/dev/oauth/device", &form).of(200)
    }

    /// The teams that somebody with this token sees.
    fn teams(&self, jwt: &Value) -> Answer {
        Api { address: self.address(), jwt: jwt.as_str().unwrap().to_owned() }.get("/api/teams")
    }
}

/// Where a person is sent to sign in, with some of it replaced; what is empty is left out.
fn authorize(replaced: &[(&str, &str)]) -> String {
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER.as_bytes()));
    let usual = [
        ("response_type", "code"),
        ("client_id", "muster"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "the-state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let kept = usual.iter().filter(|(name, _)| replaced.iter().all(|(other, _)| other != name));
    let parameters = kept.chain(replaced).filter(|(_, value)| !value.is_empty());
    format!("/dev/authorize?{}", encoded(parameters.copied()))
}

fn encoded<'a>(parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    Serializer::new(String::new()).extend_pairs(parameters).finish()
}

/// What a client is told when a person is sent back to it.
struct Told(Url);

impl Told {
    #[track_caller]
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 303, "{}", answer.text());
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        Self(answer.header("location").unwrap().parse().unwrap())
    }

    fn get(&self, name: &str) -> Option<String> {
        let mut found = self.0.query_pairs().filter(|(other, _)| other == name);
        let value = found.next().map(|(_, value)| value.into_owned());
        assert_eq!(found.next(), None, "{name} stands twice");
        value
    }

    fn code(&self) -> String {
        self.get("code").unwrap()
    }
}

#[track_caller]
fn denied(answer: &Answer, error: &str) {
    assert_eq!(answer.of(400)["error"], error);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[track_caller]
fn is_page(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("location"), None);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe") && !policy.contains("script"), "{policy}");
    assert!(!answer.text().contains("<script"), "{}", answer.text());
}

fn claims(jwt: &Value) -> Value {
    insecure_decode::<Value>(jwt.as_str().unwrap()).unwrap().claims
}

#[test]
fn a_person_signs_in_and_is_who_they_say() {
    let client = Client::start();
    let page = client.get(&authorize(&[]));
    is_page(&page, 200);
    for part in ["<label for=\"email\">E-mail</label>", "Sign in</button>", "anyone may sign in"] {
        assert!(page.text().contains(part), "{part} is not in {}", page.text());
    }
    let told = client.sign_in(" Alice@Example.com ", &[("nonce", "n-1")]);
    assert!(told.0.as_str().starts_with(CALLBACK), "{}", told.0);
    assert_eq!(told.get("state").as_deref(), Some("the-state"));
    assert_eq!(told.get("iss").as_deref(), Some(client.local.system.url()));

    let answer = client.redeem(&told.code(), &[]);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let tokens = answer.of(200);
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(43_200)));
    let id = claims(&tokens["id_token"]);
    assert_eq!(
        (&id["email"], &id["email_verified"], &id["nonce"], &id["aud"]),
        (&json!("alice@example.com"), &json!(true), &json!("n-1"), &json!("muster"))
    );
    client.teams(&tokens["id_token"]).of(200);
    client.teams(&tokens["access_token"]).is_problem(403, "forbidden");
    client.teams(&tokens["refresh_token"]).is_refused(401, "Unauthorized");
    client.local.stop();
}

#[test]
fn a_code_is_exchanged_once() {
    let client = Client::start();
    let code = client.sign_in("alice@example.com", &[]).code();
    client.redeem(&code, &[]).of(200);
    denied(&client.redeem(&code, &[]), "invalid_grant");
    denied(&client.redeem("guessed", &[]), "invalid_grant");
    client.local.stop();
}

#[test]
fn a_code_holds_for_a_minute() {
    let client = Client::start();
    let [first, second] =
        ["a@example.com", "b@example.com"].map(|email| client.sign_in(email, &[]));
    client.wait(59);
    client.redeem(&first.code(), &[]).of(200);
    client.wait(1);
    denied(&client.redeem(&second.code(), &[]), "invalid_grant");
    client.local.stop();
}

#[test]
fn a_code_is_spent_by_whoever_can_not_prove_that_it_is_theirs() {
    let client = Client::start();
    for wrong in [
        ("code_verifier", "another-verifier-that-is-as-long-as-it-must-be"),
        ("redirect_uri", "http://localhost:8976/"),
        ("redirect_uri", "http://127.0.0.1:8976/callback"),
    ] {
        let code = client.sign_in("alice@example.com", &[]).code();
        denied(&client.redeem(&code, &[wrong]), "invalid_grant");
        denied(&client.redeem(&code, &[]), "invalid_grant");
    }
    client.local.stop();
}

#[test]
fn a_request_for_tokens_that_lacks_something_is_told_what() {
    let client = Client::start();
    let code = client.sign_in("alice@example.com", &[]).code();
    for name in ["grant_type", "client_id", "code", "redirect_uri", "code_verifier"] {
        let answer = client.redeem(&code, &[(name, "")]);
        denied(&answer, "invalid_request");
        assert_eq!(answer.json()["error_description"], format!("{name} is missing"));
    }
    denied(&client.redeem(&code, &[("client_id", "other")]), "invalid_client");
    denied(&client.redeem(&code, &[("grant_type", "password")]), "unsupported_grant_type");
    denied(&client.redeem(&code, &[("a", "1"), ("a", "2")]), "invalid_request");
    denied(&client.refresh("a.b.c"), "invalid_grant");
    let json = Request::new("POST", "/dev/oauth/token").json(&json!({ "code": code }));
    denied(&json.send(client.address()), "invalid_request");
    let nothing = Request::new("POST", "/dev/oauth/token").body([0xff, 0xfe]);
    denied(&nothing.send(client.address()), "invalid_request");
    client.redeem(&code, &[]).of(200);
    client.local.stop();
}

#[test]
fn a_client_or_a_callback_that_is_not_known_leads_nowhere() {
    let client = Client::start();
    for wrong in [
        ("client_id", ""),
        ("client_id", "Muster"),
        ("redirect_uri", ""),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "http://localhost@evil.example/"),
        ("redirect_uri", "http://localhost.evil.example/"),
        ("redirect_uri", "//evil.example/localhost"),
        ("redirect_uri", "http://evil.example\\@localhost/"),
        ("redirect_uri", "http://localhost:8976@evil.example/"),
        ("redirect_uri", "javascript:alert(document.domain)"),
        ("redirect_uri", "http://localhost/#code"),
    ] {
        let path = authorize(&[wrong]);
        for silent in ["", "&prompt=none"] {
            let (path, form) = (format!("{path}{silent}"), [("email", "alice@example.com")]);
            for answer in [client.get(&path), client.post(&path, &form)] {
                is_page(&answer, 400);
                assert!(!answer.text().contains("evil"), "{}", answer.text());
            }
        }
    }
    let twice = format!("{}&redirect_uri=http%3A%2F%2Fevil.example", authorize(&[]));
    is_page(&client.get(&twice), 400);
    client.local.stop();
}

#[test]
fn a_callback_can_not_write_a_header() {
    let client = Client::start();
    let callback = "http://localhost/\r\nlocation: http://evil.example/\r\n";
    let told =
        client.sign_in("a@example.com", &[("redirect_uri", callback), ("state", "\r\nb: c")]);
    assert_eq!(told.0.host_str(), Some("localhost"));
    assert_eq!(told.get("state").as_deref(), Some("\r\nb: c"));
    client.local.stop();
}

#[test]
fn a_client_that_asks_for_what_is_not_to_be_had_is_told_so() {
    let client = Client::start();
    for (wrong, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "unsupported_response_type"),
        (("scope", ""), "invalid_scope"),
        (("scope", "email openid2"), "invalid_scope"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge", VERIFIER), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("prompt", "none login"), "invalid_request"),
        (("prompt", "none"), "login_required"),
    ] {
        let path = authorize(&[wrong]);
        let told = Told::of(&client.get(&path));
        assert!(told.0.as_str().starts_with(CALLBACK), "{}", told.0);
        assert_eq!(told.get("error").as_deref(), Some(error), "{wrong:?}");
        assert_eq!(told.get("state").as_deref(), Some("the-state"));
        assert_eq!(told.get("iss").as_deref(), Some(client.local.system.url()));
        assert_eq!(told.get("code"), None);
    }
    client.local.stop();
}

#[test]
fn a_callback_may_be_on_any_port_of_this_machine_and_have_a_query() {
    let client = Client::start();
    for callback in [
        "http://localhost:1/",
        "http://127.0.0.1:49152/a/b?c=d",
        "http://[::1]:8976/callback",
        &format!("{}/dashboard/", client.local.system.url()),
    ] {
        let callback = ("redirect_uri", callback);
        is_page(&client.get(&authorize(&[callback])), 200);
        let told = client.sign_in("alice@example.com", &[callback, ("state", "")]);
        assert!(told.0.as_str().starts_with(callback.1), "{}", told.0);
        assert_eq!(told.get("state"), None);
        client.redeem(&told.code(), &[callback]).of(200);
    }
    client.local.stop();
}

#[test]
fn nothing_that_comes_along_becomes_a_part_of_a_page() {
    let client = Client::start();
    let attack = "\"><script>alert(1)</script><img src=x onerror='alert(2)'>&amp;\u{202e}";
    let harmless = |answer: &Answer, status| {
        is_page(answer, status);
        let text = answer.text();
        for part in ["<script", "<img"] {
            assert!(!text.contains(part), "{part} is in {text}");
        }
        let policy = answer.header("content-security-policy").unwrap();
        assert!(!policy.contains("alert"), "{policy}");
    };
    for name in ["login_hint", "state", "nonce", "prompt", "unknown", attack] {
        harmless(&client.get(&authorize(&[(name, attack)])), 200);
    }
    harmless(&client.get(&authorize(&[("client_id", attack)])), 400);
    harmless(&client.get(&authorize(&[("redirect_uri", attack)])), 400);
    let path = format!("http://localhost:1/{attack}");
    harmless(&client.get(&authorize(&[("redirect_uri", &path)])), 200);
    harmless(&client.post(&authorize(&[]), &[("email", attack)]), 400);
    let device = format!("/dev/device?{}", encoded([("user_code", attack)].into_iter()));
    harmless(&client.get(&device), 200);
    let form = [("user_code", attack), ("email", attack)];
    harmless(&client.post("/dev/device", &form), 400);
    let form = [("user_code", attack), ("email", "alice@example.com")];
    harmless(&client.post("/dev/device", &form), 400);
    let told = client.sign_in("a'&b@example.com", &[("state", attack)]);
    assert_eq!(told.get("state").as_deref(), Some(attack));
    client.local.stop();
}

#[test]
fn what_is_no_address_is_asked_for_again() {
    let client = Client::start();
    for email in ["", "alice", "alice@", "alice@example.com;b", "alice @example.com"] {
        let page = client.post(&authorize(&[]), &[("email", email)]);
        is_page(&page, 400);
        assert!(page.text().contains("aria-invalid=\"true\""), "{}", page.text());
        assert_eq!(page.header("set-cookie"), None);
    }
    client.local.stop();
}

#[test]
fn a_page_renews_what_it_has_silently_while_the_browser_is_open() {
    let client = Client::start();
    let signed_in = client.post(&authorize(&[]), &[("email", "alice@example.com")]);
    let cookie = signed_in.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/dev"] {
        assert!(cookie.split("; ").any(|other| other == part), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    let silently = |cookie: &str, hint: &str| {
        let path = authorize(&[("prompt", "none"), ("login_hint", hint)]);
        Told::of(&Request::new("GET", &path).header("cookie", cookie).send(client.address()))
    };
    let mixed = format!("theme=dark; {cookie}");
    for (cookie, hint) in [(cookie, ""), (cookie, "Alice@example.com"), (&mixed, "")] {
        let tokens = client.redeem(&silently(cookie, hint).code(), &[]).of(200);
        assert_eq!(claims(&tokens["id_token"])["email"], "alice@example.com");
    }
    for (cookie, hint) in [
        (cookie, "bob@example.com"),
        (cookie, "alice"),
        ("muster_dev_session=alice", ""),
        ("=", ""),
    ] {
        let told = silently(cookie, hint);
        assert_eq!(told.get("error").as_deref(), Some("login_required"));
    }
    let page = Request::new("GET", &authorize(&[])).header("cookie", cookie);
    assert!(page.send(client.address()).text().contains("value=\"alice@example.com\""));
    client.local.stop();
}

#[test]
fn a_client_renews_its_tokens_for_a_month_at_a_time() {
    let client = Client::start();
    let code = client.sign_in("alice@example.com", &[("nonce", "n-1")]).code();
    let tokens = client.redeem(&code, &[]).of(200);
    client.wait(12 * 60 * 60);
    client.teams(&tokens["id_token"]).is_refused(401, "Unauthorized");
    let refresh = |tokens: &Value| client.refresh(tokens["refresh_token"].as_str().unwrap());
    let renewed = refresh(&tokens).of(200);
    client.teams(&renewed["id_token"]).of(200);
    let id = claims(&renewed["id_token"]);
    assert_eq!((&id["email"], id.get("nonce")), (&json!("alice@example.com"), None));
    for other in ["id_token", "access_token"] {
        denied(&client.refresh(renewed[other].as_str().unwrap()), "invalid_grant");
    }
    client.wait(30 * 24 * 60 * 60 - 1);
    refresh(&renewed).of(200);
    client.wait(1);
    denied(&refresh(&renewed), "invalid_grant");
    client.local.stop();
}

#[test]
fn a_person_signs_in_on_another_device() {
    let client = Client::start();
    let device = client.device();
    let page = device["verification_uri"].as_str().unwrap();
    assert_eq!(page, format!("{}/dev/device", client.local.system.url()));
    let shown = device["user_code"].as_str().unwrap();
    assert_eq!(shown.len(), 9);
    denied(&client.poll(&device), "authorization_pending");

    let complete = device["verification_uri_complete"].as_str().unwrap();
    let page = client.get(complete.strip_prefix(client.local.system.url()).unwrap());
    is_page(&page, 200);
    assert!(page.text().contains(&format!("value=\"{shown}\"")), "{}", page.text());

    let typed = shown.to_lowercase().replace('-', " ");
    let form = [("user_code", typed.as_str()), ("email", "alice@example.com")];
    is_page(&client.post("/dev/device", &form), 200);
    is_page(&client.post("/dev/device", &form), 400);
    let tokens = client.poll(&device).of(200);
    assert_eq!(claims(&tokens["id_token"])["email"], "alice@example.com");
    denied(&client.poll(&device), "invalid_grant");
    client.local.stop();
}

#[test]
fn a_device_that_does_not_wait_has_to_wait_longer() {
    let client = Client::start();
    let device = client.device();
    denied(&client.poll(&device), "authorization_pending");
    denied(&client.poll(&device), "slow_down");
    client.wait(5);
    denied(&client.poll(&device), "slow_down");
    client.wait(11);
    denied(&client.poll(&device), "authorization_pending");
    client.local.stop();
}

#[test]
fn a_code_of_a_device_holds_for_ten_minutes() {
    let client = Client::start();
    let device = client.device();
    client.wait(10 * 60);
    denied(&client.poll(&device), "expired_token");
    let form = [("user_code", device["user_code"].as_str().unwrap()), ("email", "a@example.com")];
    is_page(&client.post("/dev/device", &form), 400);
    let unknown = [("user_code", "BCDF-GHJK"), ("email", "a@example.com")];
    is_page(&client.post("/dev/device", &unknown), 400);
    denied(&client.post("/dev/oauth/device", &[("client_id", "other")]), "invalid_client");
    denied(&client.post("/dev/oauth/device", &[]), "invalid_request");
    client.local.stop();
}

#[test]
fn nobody_signs_in_through_another_hosts_name() {
    let client = Client::start();
    for (method, path) in [
        ("GET", authorize(&[])),
        ("POST", authorize(&[])),
        ("GET", "/dev/device".to_owned()),
        ("POST", "/dev/oauth/token".to_owned()),
        ("POST", "/dev/oauth/device".to_owned()),
    ] {
        let request = Request::new(method, &path).header("host", "evil.example");
        request.send(client.address()).of(403);
    }
    client.local.stop();
}
