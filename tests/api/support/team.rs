//! A team as one of its people sees it.

use lambda_http::http::Method;
use serde_json::{Value, json};

use super::answer::Answer;
use super::api::{Api, Person, Request, encoded};
use super::views;

/// A team, and who calls.
#[derive(Clone)]
pub(crate) struct Team {
    pub(crate) who: Person,
    pub(crate) id: String,
}

/// A token just made.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) plaintext: String,
    /// The whole answer.
    pub(crate) answer: Value,
}

impl Made {
    pub(crate) fn of(answer: Value) -> Self {
        views::is_made(&answer);
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { id: text("id"), plaintext: text("token"), answer }
    }
}

impl Team {
    pub(crate) fn of(who: &Person, id: &str) -> Self {
        Self { who: who.clone(), id: id.to_owned() }
    }

    /// The same team, called by somebody else.
    pub(crate) fn seen_by(&self, who: &Person) -> Self {
        Self::of(who, &self.id)
    }

    pub(crate) fn api(&self) -> &Api {
        &self.who.api
    }

    /// A request to `rest` of the team.
    pub(crate) fn request(&self, method: Method, rest: &str) -> Request {
        self.who.request(method, &format!("/api/teams/{}{rest}", self.id))
    }

    pub(crate) async fn get(&self, rest: &str) -> Answer {
        self.request(Method::GET, rest).send().await
    }

    pub(crate) async fn post(&self, rest: &str, body: &Value) -> Answer {
        self.request(Method::POST, rest).json(body).send().await
    }

    pub(crate) async fn delete(&self, rest: &str) -> Answer {
        self.request(Method::DELETE, rest).send().await
    }

    /// Adds a member.
    pub(crate) async fn adds(&self, email: &str, role: &str) -> Answer {
        self.post("/members", &json!({ "email": email, "role": role })).await
    }

    /// Adds somebody new; answers with the team as they see it.
    pub(crate) async fn welcomes(&self, name: &str, role: &str) -> Self {
        let person = self.api().newcomer(name).await;
        self.adds(&person.email, role).await.of(201);
        self.seen_by(&person)
    }

    /// Gives a member another role.
    pub(crate) async fn sets_role(&self, member: &str, role: &str) -> Answer {
        let path = format!("/members/{}", encoded(member));
        self.request(Method::PATCH, &path).json(&json!({ "role": role })).send().await
    }

    /// Removes a member.
    pub(crate) async fn removes(&self, member: &str) -> Answer {
        self.delete(&format!("/members/{}", encoded(member))).await
    }

    /// Makes a token with this name and policy.
    pub(crate) async fn token(&self, request: Value) -> Made {
        let mut body = json!({ "name": "sample" });
        let Value::Object(request) = request else { panic!("a request is an object") };
        body.as_object_mut().unwrap().extend(request);
        Made::of(self.post("/registration-tokens", &body).await.of(201))
    }

    /// Makes a token for one device of the caller's.
    pub(crate) async fn self_enroll(&self) -> Made {
        Made::of(self.post("/self-enroll", &json!({})).await.of(201))
    }

    /// A token as it is now.
    pub(crate) async fn look_at(&self, made: &Made) -> Value {
        let token = self.get(&format!("/registration-tokens/{}", made.id)).await.of(200);
        views::is_token(&token);
        token
    }

    pub(crate) async fn use_count(&self, made: &Made) -> u64 {
        self.look_at(made).await["use_count"].as_u64().unwrap()
    }

    pub(crate) async fn revokes(&self, made: &Made) -> Answer {
        self.delete(&format!("/registration-tokens/{}", made.id)).await
    }

    /// Registers a machine that tells its hostname alone; answers with the node.
    pub(crate) async fn registers(&self, made: &Made, hostname: &str) -> Value {
        self.api()
            .register(made, json!({ "hostname": hostname }))
            .send()
            .await
            .registered("created")
    }

    /// Everything that a list has for a query, page by page.
    pub(crate) async fn all(&self, list: &str, query: &str) -> Vec<Value> {
        let name = if list == "registration-tokens" { "tokens" } else { list };
        let mut found = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/{list}?{query}{cursor}")).await.of(200);
            views::is_page(&page, name);
            found.extend(page[name].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { return found };
            cursor = format!("&cursor={next}");
        }
    }

    pub(crate) async fn nodes(&self, query: &str) -> Vec<Value> {
        self.all("nodes", query).await
    }

    pub(crate) async fn tokens(&self, query: &str) -> Vec<Value> {
        self.all("registration-tokens", query).await
    }

    pub(crate) async fn members(&self) -> Vec<Value> {
        self.all("members", "").await
    }

    pub(crate) async fn removals(&self) -> Vec<Value> {
        self.all("removals", "").await
    }
}

/// The value of one field of each entry.
pub(crate) fn each<'a>(entries: &'a [Value], field: &str) -> Vec<&'a str> {
    entries.iter().map(|entry| entry[field].as_str().unwrap_or_default()).collect()
}
