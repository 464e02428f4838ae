//! Requests of every kind on their way to a function and back.

use super::common::api::registration;
use super::common::device::Device;
use super::common::http::{Request, send};
use super::common::local::Local;
use serde_json::{Value, json};

#[test]
fn only_requests_to_this_machine_are_served() {
    let local = Local::start();
    let address = local.address();
    let paths =
        ["/api/teams", "/dev/token?email=a@b.example", "/.well-known/jwks.json", "/nowhere"];
    for path in paths {
        for host in ["evil.example", "127.0.0.1.evil.example:8000", "evil@127.0.0.1", ""] {
            let answer = Request::new("GET", path).header("host", host).send(address);
            let message = answer.of(403)["message"].as_str().unwrap().to_owned();
            assert!(message.contains("Host header"), "{message}");
        }
    }
    let two = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\
               connection: close\r\n\r\n";
    assert!([400, 403].contains(&send(address, two.as_bytes()).unwrap().status));
    let none = "GET /.well-known/jwks.json HTTP/1.0\r\n\r\n";
    send(address, none.as_bytes()).unwrap().of(403);
    let absolute = "GET http://evil.example/.well-known/jwks.json HTTP/1.1\r\nhost: localhost\r\n\
                    connection: close\r\n\r\n";
    send(address, absolute.as_bytes()).unwrap().of(403);
    for host in ["localhost", "127.0.0.1", "[::1]:8000", &format!("localhost:{}", address.port())] {
        Request::new("GET", "/.well-known/jwks.json").header("host", host).send(address).of(200);
    }
    local.stop();
}

#[test]
fn what_is_no_route_is_not_found_in_api_gateways_words() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let routes = [
        ("GET", "/"),
        ("GET", "/api/team"),
        ("PUT", "/api/teams"),
        ("GET", "/api/teams/"),
        ("GET", "/api/teams//members"),
        ("GET", "/api/register-node"),
        ("BREW", "/api/teams"),
        ("OPTIONS", "*"),
        ("DELETE", "/api/teams/a/nodes/b/c"),
    ];
    for (method, path) in routes {
        let answer = alice.request(method, path).send(local.address());
        answer.is_refused(404, "Not Found");
    }
    local.stop();
}

#[test]
fn whoever_is_not_let_in_is_told_what_to_bring() {
    let local = Local::start();
    let ask = |jwt: Option<&str>| {
        let request = Request::new("GET", "/api/teams");
        let request = jwt.into_iter().fold(request, Request::bearer);
        let answer = request.send(local.address());
        answer.is_refused(401, "Unauthorized");
        answer.header("www-authenticate").unwrap().to_owned()
    };
    assert_eq!(ask(None), "Bearer");
    assert!(ask(Some("a.b.c")).starts_with("Bearer scope=\"\" error=\"invalid_token\""));
    local.stop();
}

#[test]
fn a_principal_in_a_path_is_percent_encoded() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let team = alice.team();
    for (address, encoded) in
        [("bob@example.com", "bob%40example.com"), ("b+b@example.com", "b%2Bb%40example.com")]
    {
        alice.add(&team, address, "member");
        let path = format!("/api/teams/{team}/members/{encoded}");
        let changed = alice.request("PATCH", &path).json(&json!({"role": "admin"}));
        assert_eq!(changed.send(local.address()).of(200)["principal"], address);
        assert_eq!(alice.delete(&path).of(202)["principal"], address);
        alice.delete(&path).is_problem(404, "not-found");
    }
    local.stop();
}

#[test]
fn a_body_that_is_no_text_is_a_problem_and_no_more() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let garbage: Vec<u8> = (0..=255).collect();
    let bodies: [&[u8]; 6] =
        [b"\xff\xfe", b"{\"name\": \"\xff\"}", &garbage, b"\0", b"{", b"\xef\xbb\xbf{}"];
    for body in bodies {
        for kind in ["application/json", "application/octet-stream", "text/plain", "\u{e4}", ""] {
            for path in ["/api/teams", "/api/register-node"] {
                let request = Request::new("POST", path).header("content-type", kind).body(body);
                let request =
                    if path == "/api/teams" { request.bearer(&alice.jwt) } else { request };
                request.send(local.address()).is_problem(400, "invalid-request");
            }
        }
    }
    local.stop();
}

#[test]
fn a_body_of_any_content_type_reaches_the_function_whole() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let name = "T\u{e9}am \u{1f4a9}";
    let body = json!({ "name": name }).to_string();
    for kind in ["application/json", "application/x-www-form-urlencoded", "image/png"] {
        let request = alice.request("POST", "/api/teams").header("content-type", kind).body(&body);
        assert_eq!(request.send(local.address()).of(201)["name"], name);
    }
    let without = alice.request("POST", "/api/teams").body(&body);
    assert_eq!(without.send(local.address()).of(201)["name"], name);
    let (head, tail) = body.split_at(7);
    let chunked = format!(
        "POST /api/teams HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{head}\r\n{:x}\r\n{tail}\r\n0\r\n\r\n",
        alice.jwt,
        head.len(),
        tail.len()
    );
    let answer = send(local.address(), chunked.as_bytes()).unwrap();
    assert_eq!(answer.of(201)["name"], name);
    local.stop();
}

#[test]
fn a_body_over_64_kib_is_too_large_for_a_function_and_over_10_mb_for_api_gateway() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let padded = |bytes: usize| {
        let mut body = json!({ "name": "Example" }).to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        alice.request("POST", "/api/teams").body(body)
    };
    padded(64 * 1024).send(local.address()).of(201);
    padded(64 * 1024 + 1).send(local.address()).is_problem(413, "too-large");
    padded(10 * 1024 * 1024).send(local.address()).is_problem(413, "too-large");
    let announced = alice.request("POST", "/api/teams").header("content-length", "10485761");
    announced.send(local.address()).is_refused(413, "Request Entity Too Large");
    local.stop();
}

#[test]
fn a_head_over_10_kb_is_too_large_for_api_gateway() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let long = alice.request("GET", "/api/teams").header("x-long", "a".repeat(10_240));
    long.send(local.address()).is_refused(431, "Request Header Fields Too Large");
    let path = format!("/api/teams?q={}", "%ff".repeat(4_000));
    alice.get(&path).is_refused(431, "Request Header Fields Too Large");
    local.stop();
}

#[test]
fn nothing_that_can_be_sent_kills_the_service_or_makes_it_fail() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let team = alice.team();
    let segments = [
        "%",
        "%zz",
        "%00",
        "%0a",
        "%23",
        "%3f",
        "%2f",
        "..%2f..",
        "%5c",
        "%ff%fe",
        "%e2%82",
        "%25",
        "@",
        ":",
        "'",
        "%22",
        "{member}",
        "*",
        "..",
        "\u{e4}",
        "%F0%9F%92%A9",
        &"a".repeat(5_000),
    ];
    let queries =
        ["", "?", "?%", "?limit=%ff", "?&&&", "?=", "?limit", "?limit=1&limit=2", "?\\^`{}"];
    for segment in segments {
        for query in queries {
            for (method, path) in [
                ("DELETE", format!("/api/teams/{segment}/members/{segment}{query}")),
                ("DELETE", format!("/api/teams/{team}/nodes/{segment}{query}")),
                ("GET", format!("/api/teams/{team}/registration-tokens/{segment}{query}")),
                ("GET", format!("/api/teams/{team}/nodes{query}")),
                ("GET", format!("{segment}{query}")),
                ("GET", format!("/.well-known/{segment}{query}")),
                ("GET", format!("/dev/authorize{query}")),
                ("POST", format!("/dev/device{query}")),
                ("POST", format!("/dev/oauth/{segment}{query}")),
            ] {
                let request = alice.request(method, &path).header("x-odd", [0xff, 0xfe]);
                let answer = request.header("cookie", [0xe4]).send(local.address());
                assert!(answer.status < 500, "{method} {path}: {}", answer.text());
            }
        }
    }
    let heads: [(&str, &[u8]); 7] = [
        ("authorization", b"\xff"),
        ("authorization", b""),
        ("authorization", b"Bearer"),
        ("dpop", b"\xff"),
        ("dpop", b"a.b.c"),
        ("x-forwarded-for", b"\xff"),
        ("x-forwarded-proto", b"gopher"),
    ];
    for (name, value) in heads {
        for (method, path) in [("GET", "/api/teams"), ("POST", "/api/register-node")] {
            let answer = Request::new(method, path).header(name, value).send(local.address());
            assert!((400..500).contains(&answer.status), "{name} {value:?}: {}", answer.text());
        }
    }
    alice.get("/api/teams").of(200);
    local.stop();
}

#[test]
fn a_device_proves_its_key_for_the_url_that_it_calls() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let team = alice.team();
    let device = Device::new();
    for host in ["127.0.0.1", "localhost"] {
        let token = alice.self_enroll(&team);
        let host = format!("{host}:{}", local.address().port());
        let proof =
            |base: &str| device.proof(&format!("{base}/api/register-node"), &token.plaintext);
        let register = |proof: String| {
            let request = registration(&token, "laptop").header("host", &host);
            request.header("dpop", proof).send(local.address())
        };
        register(proof(&format!("https://{host}"))).is_problem(401, "invalid-proof");
        register(proof("http://127.0.0.1:1")).is_problem(401, "invalid-proof");
        let node = register(proof(&format!("http://{host}")));
        assert!([200, 201].contains(&node.status), "{}", node.text());
        assert!(node.json()["private_ip"].as_str().unwrap().starts_with("100."));
    }
    local.stop();
}

#[test]
fn the_join_command_is_one_that_works_here() {
    let local = Local::start();
    let alice = local.api("alice@example.com");
    let team = alice.team();
    let path = format!("/api/teams/{team}/registration-tokens");
    let made = alice.post(&path, &json!({"name": "sample"})).of(201);
    let joined = std::process::Command::new("sh")
        .args(["-c", made["join_command"].as_str().unwrap()])
        .output()
        .unwrap();
    let node: Value = serde_json::from_slice(&joined.stdout).unwrap();
    assert_eq!(node["token_id"], made["id"]);
    assert_eq!(alice.nodes(&team).len(), 1);
    local.stop();
}

#[test]
fn the_development_issuer_is_an_oidc_issuer() {
    let local = Local::start();
    let get = |path: &str| Request::new("GET", path).send(local.address());
    let discovery = get("/.well-known/openid-configuration").of(200);
    assert_eq!(discovery["issuer"], local.system.url());
    for endpoint in ["authorization", "token", "device_authorization"] {
        let url = discovery[format!("{endpoint}_endpoint")].as_str().unwrap();
        let path = url.strip_prefix(local.system.url()).unwrap();
        assert_ne!(get(path).status, 404, "{path}");
    }
    let keys = discovery["jwks_uri"].as_str().unwrap().strip_prefix(local.system.url()).unwrap();
    let key = &get(keys).of(200)["keys"][0];
    assert_eq!(
        (&key["kty"], &key["alg"], &key["use"]),
        (&json!("RSA"), &json!("RS256"), &json!("sig"))
    );
    for secret in ["d", "p", "q", "dp", "dq", "qi"] {
        assert_eq!(key.get(secret), None);
    }
    let wrong = [
        "",
        "?",
        "?email=",
        "?email=alice",
        "?email=a@b&client=c",
        "?client=",
        "?client=a%20b",
        "?email=a+b@example.com",
        "?name=alice",
        "?email=%ff@b.example",
    ];
    for query in wrong {
        let answer = get(&format!("/dev/token{query}")).of(400);
        assert!(
            answer["message"].as_str().unwrap().contains("?email=alice@example.com"),
            "{query}"
        );
    }
    local.stop();
}
