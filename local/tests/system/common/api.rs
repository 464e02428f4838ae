//! The calls of the API that a story is told in.

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{Answer, Request};

const PATIENCE: Duration = Duration::from_mins(1);

/// The API, as somebody uses it.
#[derive(Clone)]
pub struct Api {
    pub address: SocketAddr,
    pub jwt: String,
}

/// A token just made.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: String,
    pub plaintext: String,
}

impl Api {
    pub fn new(address: SocketAddr, email: &str) -> Self {
        let path = format!("/dev/token?email={}", email.replace('+', "%2B"));
        let jwt = Request::new("GET", &path).send(address).of(200);
        Self { address, jwt: jwt["id_token"].as_str().unwrap().to_owned() }
    }

    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(method, path).bearer(&self.jwt)
    }

    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send(self.address)
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.request("POST", path).json(body).send(self.address)
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.request("DELETE", path).send(self.address)
    }

    /// Makes a team.
    pub fn team(&self) -> String {
        id_of(&self.post("/api/teams", &json!({ "name": "Example" })).of(201))
    }

    /// Adds a member.
    pub fn add(&self, team: &str, email: &str, role: &str) -> String {
        let path = format!("/api/teams/{team}/members");
        let member = self.post(&path, &json!({ "email": email, "role": role })).of(201);
        member["membership_id"].as_str().unwrap().to_owned()
    }

    /// Makes a token.
    pub fn token(&self, team: &str, policy: &Value) -> Made {
        let mut request = json!({ "name": "sample" });
        request.as_object_mut().unwrap().extend(policy.as_object().unwrap().clone());
        let path = format!("/api/teams/{team}/registration-tokens");
        made(&self.post(&path, &request).of(201))
    }

    /// Makes a token for one device.
    pub fn self_enroll(&self, team: &str) -> Made {
        made(&self.post(&format!("/api/teams/{team}/self-enroll"), &json!({})).of(201))
    }

    /// Everything that a list has, page by page.
    pub fn all(&self, team: &str, list: &str, name: &str) -> Vec<Value> {
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/teams/{team}/{list}?limit=100{cursor}")).of(200);
            found.extend(page[name].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return found,
            }
        }
    }

    pub fn nodes(&self, team: &str) -> Vec<Value> {
        self.all(team, "nodes", "nodes")
    }

    pub fn tokens(&self, team: &str) -> Vec<Value> {
        self.all(team, "registration-tokens", "tokens")
    }

    pub fn use_count(&self, team: &str, token: &Made) -> u64 {
        let path = format!("/api/teams/{team}/registration-tokens/{}", token.id);
        self.get(&path).of(200)["use_count"].as_u64().unwrap()
    }

    /// Waits until the first removal of a team is done.
    pub fn await_removal(&self, team: &str) -> Value {
        let removal = || self.all(team, "removals", "removals").remove(0);
        eventually(|| Some(removal()).filter(|removal| removal["state"] == "done"))
    }
}

/// Registers a machine.
pub fn registration(token: &Made, hostname: &str) -> Request {
    let body = json!({ "token": token.plaintext, "hostname": hostname });
    Request::new("POST", "/api/register-node").json(&body)
}

/// What is there before long.
pub fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "it does not come about");
        thread::sleep(Duration::from_millis(50));
    }
}

pub fn made(answer: &Value) -> Made {
    let plaintext = answer["token"].as_str().unwrap().to_owned();
    Made { id: id_of(answer), plaintext }
}

pub fn id_of(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}
