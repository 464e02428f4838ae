//! A plaintext stands in the answer that made it, and nowhere else that the service writes.

use super::common::api::{Made, registration};
use super::common::device::Device;
use super::common::directory::Directory;
use super::common::http::{Answer, Request};
use super::common::program::Program;
use serde_json::{Value, json};

/// Everything that was answered, but for the answers that may show a plaintext.
struct Answers {
    program: Program,
    heard: Vec<Answer>,
}

impl Answers {
    fn to(&mut self, request: &Request) -> Answer {
        let answer = request.send(self.program.address());
        self.heard.push(answer.clone());
        answer
    }
}

/// What no file and no answer may contain of a plaintext.
fn traces(plaintext: &str) -> [&str; 2] {
    [plaintext, &plaintext[plaintext.len() - 40..]]
}

fn holds(bytes: &[u8], trace: &str) -> bool {
    let lower = bytes.to_ascii_lowercase();
    lower.windows(trace.len()).any(|window| window == trace.as_bytes())
}

/// Presents a token in every way that it can be presented in, right and wrong.
fn present(answers: &mut Answers, token: &Made, jwt: &str, team: &str) {
    let secret = token.plaintext.as_str();
    let register = || Request::new("POST", "/api/register-node");
    let device = Device::new();
    let url = format!("http://{}/api/register-node", answers.program.address());
    let host = token.id.replace('_', "-");

    // As it is meant.
    answers.to(&registration(token, &host));
    answers.to(&registration(token, &host).header("dpop", device.proof(&url, secret)));
    answers.to(&register().bearer(secret).json(&json!({ "hostname": host })));
    answers.to(&registration(token, &host).bearer(secret));

    // In other fields, and as their names.
    for field in ["hostname", "name", "kind", "group", "os", "ip_address", "unknown", secret] {
        let mut body = json!({ "token": secret, "hostname": host });
        body[field] = secret.into();
        answers.to(&register().json(&body));
        body[field] = secret.to_ascii_uppercase().into();
        answers.to(&register().json(&body));
        body[field] = json!([secret, { secret: secret }]);
        answers.to(&register().json(&body));
    }
    for meta in [json!({ "env": { "ENROLL": secret } }), json!({ secret: 1 }), json!(secret)] {
        answers.to(&register().json(&json!({ "token": secret, "hostname": host, "meta": meta })));
    }
    let tags = json!([&secret[..64], secret, format!("a {secret}")]);
    answers.to(&register().json(&json!({ "token": secret, "hostname": host, "tags": tags })));
    let token_twice = format!(r#"{{"token": "{secret}", "token": "{secret}", "hostname": "a"}}"#);
    for body in
        [secret, &token_twice, &format!("{{\"token\": {secret}}}"), &format!("\"{secret}\"")]
    {
        answers.to(&register().body(body));
    }

    // In the head.
    for value in [
        secret.to_owned(),
        format!("Basic {secret}"),
        format!("Bearer {secret}x"),
        format!("Bearer {secret}, Bearer {secret}"),
        format!("DPoP {secret}"),
    ] {
        let request = register().header("authorization", value);
        answers.to(&request.json(&json!({ "hostname": host })));
    }
    let differing = registration(token, &host).bearer(&format!("{}a", &secret[..68]));
    answers.to(&differing);
    for name in ["dpop", "cookie", "user-agent", "x-token", "x-forwarded-for", "content-type"] {
        answers.to(&registration(token, &host).header(name, secret));
    }

    // In the URL.
    answers.to(&Request::new("POST", &format!("/api/register-node?token={secret}")));
    answers.to(&registration(token, &host).header("referer", format!("{url}?token={secret}")));
    for path in [
        format!("/api/register-node/{secret}"),
        format!("/{secret}"),
        format!("/dev/token?email={secret}"),
        format!("/dev/token?client={secret}%20"),
        format!("/api/teams/{secret}/nodes"),
        format!("/api/teams/{team}/nodes?q={secret}"),
        format!("/api/teams/{team}/nodes?{secret}={secret}&cursor={secret}"),
        format!("/api/teams/{team}/registration-tokens/{secret}"),
        format!("/api/teams/{team}/registration-tokens?status={secret}&sort={secret}"),
    ] {
        answers.to(&Request::new("GET", &path).bearer(jwt));
        answers.to(&Request::new("GET", &path).bearer(secret));
    }
    for path in ["nodes", "registration-tokens", "members"] {
        let path = format!("/api/teams/{team}/{path}/{secret}");
        answers.to(&Request::new("DELETE", &path).bearer(jwt));
    }

    // Damaged.
    for text in [&secret[..68], &secret[1..], &format!("{secret}a"), &secret.to_ascii_uppercase()] {
        let damaged = Made { id: String::new(), plaintext: text.to_owned() };
        answers.to(&registration(&damaged, &host)).is_problem(401, "invalid-token");
    }
    let mut typo = secret.to_owned();
    typo.replace_range(20..21, if &secret[20..21] == "a" { "b" } else { "a" });
    answers.to(&registration(&Made { plaintext: typo, ..token.clone() }, &host));

    // By people who mistake one field for another.
    let post = |path: &str, body: Value| Request::new("POST", path).bearer(jwt).json(&body);
    answers.to(&post("/api/teams", json!({ "name": secret }))).is_problem(400, "invalid-request");
    let tokens = format!("/api/teams/{team}/registration-tokens");
    for body in [
        json!({ "name": secret }),
        json!({ "name": "a", "expires_at": secret }),
        json!({ "name": "a", "allowed_kinds": [secret] }),
        json!({ "name": "a", "max_uses": secret }),
        json!({ "name": "a", "token": secret }),
    ] {
        answers.to(&post(&tokens, body)).is_problem(400, "invalid-request");
    }
    let members = format!("/api/teams/{team}/members");
    let enroll = format!("/api/teams/{team}/self-enroll");
    let member = json!({ "email": format!("{secret}@example.com"), "role": "member" });
    answers.to(&post(&members, member)).is_problem(400, "invalid-request");
    answers.to(&post(&enroll, json!({ "name": secret }))).is_problem(400, "invalid-request");
}

#[test]
fn a_plaintext_is_in_no_log_no_file_and_no_answer_but_the_one_that_made_it() {
    let directory = Directory::new();
    let mut answers = Answers { program: Program::start(&directory), heard: Vec::new() };
    let alice = answers.program.api("alice@example.com");
    let team = alice.team();
    let made = [
        alice.token(&team, &json!({})),
        alice.token(&team, &json!({ "max_uses": 1 })),
        alice.token(&team, &json!({ "max_uses": 5000, "allowed_kinds": ["server"] })),
        alice.self_enroll(&team),
    ];
    for token in &made {
        present(&mut answers, token, &alice.jwt, &team);
    }
    for path in ["registration-tokens", "nodes", "members", "removals"] {
        answers.to(&alice.request("GET", &format!("/api/teams/{team}/{path}"))).of(200);
    }
    for token in &made {
        let path = format!("/api/teams/{team}/registration-tokens/{}", token.id);
        answers.to(&alice.request("GET", &path)).of(200);
        answers.to(&alice.request("DELETE", &path)).of(200);
        answers.to(&registration(token, "late")).is_problem(403, "token-revoked");
    }
    assert!(answers.heard.iter().any(|answer| answer.status == 201));
    assert!(answers.heard.iter().all(|answer| answer.status < 500));

    // Once while it runs, with what is still in the journal, and once after it has closed its files.
    let running = directory.files();
    let told = answers.program.told().to_owned();
    answers.program.signal("INT");
    assert!(answers.program.wait().success());
    let written = running.into_iter().chain(directory.files());
    let written = written.map(|(path, content)| (path.display().to_string(), content));
    let heard = answers.heard.iter().flat_map(|answer| {
        let head = answer.headers.iter().map(|(name, value)| format!("{name}: {value}"));
        let head = head.collect::<Vec<_>>().join("\n");
        [("an answer".to_owned(), answer.body.clone()), ("a head".to_owned(), head.into())]
    });
    let stdout = [("stdout".to_owned(), told.into_bytes())];
    let mut looked_through = 0;
    for (name, content) in written.chain(heard).chain(stdout) {
        for token in &made {
            for trace in traces(&token.plaintext) {
                let text = String::from_utf8_lossy(&content);
                assert!(!holds(&content, trace), "a plaintext is in {name}: {text:.4000}");
            }
        }
        looked_through += content.len();
    }
    assert!(looked_through > 100_000);

    // That it would be found, where it is.
    let hidden = format!("...{}...", made[0].plaintext.to_ascii_uppercase());
    assert!(traces(&made[0].plaintext).iter().all(|trace| holds(hidden.as_bytes(), trace)));
    // The files looked through are the ones: they have the tokens' ids.
    let files = directory.files();
    for file in ["muster.db", "stderr"] {
        let (_, content) = files.iter().find(|(path, _)| path.ends_with(file)).unwrap();
        assert!(holds(content, &made[0].id), "{file}");
    }
}

#[test]
fn no_jwt_is_in_the_log_or_in_a_file() {
    let directory = Directory::new();
    let program = Program::start(&directory);
    let alice = program.api("alice@example.com");
    alice.team();
    alice.request("GET", "/api/teams").bearer("twice").send(program.address());
    alice.get(&format!("/api/teams/{}", alice.jwt)).of(404);
    let signature = alice.jwt.rsplit_once('.').unwrap().1.to_ascii_lowercase();
    for (path, content) in directory.files() {
        assert!(!holds(&content, &signature), "{}", path.display());
    }
}
