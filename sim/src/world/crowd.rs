//! Who uses the system, and for what.

mod scenes;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use muster_shared::domain::plaintext::Plaintext;
use muster_shared::environment::Entropy as _;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::client::Api;
use crate::clock::Time;
use crate::dynamodb::DynamoDb;
use crate::history::Answer;
use crate::request::{Device, Request, Token, Want};

/// Requests of a world, about.
const REQUESTS: usize = 100;
/// How often somebody asks before they must have an answer: the last of these tries are made when
/// the weather has long cleared.
const TRIES: u32 = 30;
/// Most may do something.
const ROLES: [&str; 5] = ["owner", "owner", "admin", "admin", "member"];
/// What people want: see [`Crowd::want_something`].
const OTHER_THINGS: usize = 9;
/// How many of the machines speak for themselves, rather than want in.
const DEVICES: f64 = 0.15;
/// How long a crowd stays at one thing.
const FASHION: Duration = Duration::from_secs(2);

/// Everybody.
pub(super) struct Crowd {
    api: Arc<Api>,
    dynamodb: Arc<DynamoDb>,
    chance: Chance,
    until: Duration,
    people: Vec<String>,
    hostnames: Vec<String>,
    keys: u8,
    /// How likely a machine is to want in, rather than a person something else.
    machines: f64,
    /// How likely each of those other things is, next to the others.
    tastes: Vec<f64>,
    /// How likely several play a scene, rather than one does one thing.
    scenes: f64,
    /// Whether most scenes are of somebody who leaves.
    leaving: bool,
    /// How likely it is about what others are at just now.
    crowding: f64,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    teams: Vec<String>,
    tokens: Vec<Arc<Token>>,
}

impl Crowd {
    pub(super) fn new(
        api: Arc<Api>,
        dynamodb: Arc<DynamoDb>,
        chance: Chance,
        until: Duration,
        leaving: bool,
    ) -> Self {
        let people = (0..3 + chance.below(4)).map(|n| format!("p{n}@example.com")).collect();
        let hostnames = (0..2 + chance.below(9)).map(|n| format!("host-{n}")).collect();
        let keys = u8::try_from(1 + chance.below(4)).unwrap_or(1);
        let machines = *chance.pick(&[0.1, 0.3, 0.5, 0.7]).unwrap_or(&0.5);
        // Some things are hardly ever wanted, so that others come thick.
        let tastes = (0..OTHER_THINGS).map(|_| chance.between(0.0, 1.0).powi(3)).collect();
        let scenes = if leaving { 0.3 } else { *chance.pick(&[0.0, 0.1, 0.3]).unwrap_or(&0.1) };
        let crowding = *chance.pick(&[0.0, 0.5, 0.8]).unwrap_or(&0.5);
        Self {
            api,
            dynamodb,
            chance,
            until,
            people,
            hostnames,
            keys,
            machines,
            tastes,
            scenes,
            leaving,
            crowding,
            known: Mutex::default(),
        }
    }

    /// The tokens whose plaintext was seen.
    pub(super) fn tokens(&self) -> Vec<Arc<Token>> {
        self.known().tokens.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everybody have what they want in so many teams, until they are done.
    pub(super) async fn live(self: &Arc<Self>, teams: usize) {
        let founders = self.people.iter().take(teams);
        for founder in founders {
            self.ask(Some(founder), Want::CreateTeam).await;
        }
        let teams = self.known().teams.clone();
        for (team, founder) in teams.iter().zip(&self.people) {
            for who in self.people.iter().filter(|who| *who != founder) {
                let role = *self.chance.pick(&ROLES).unwrap_or(&"member");
                let want = Want::AddMember { team: team.clone(), who: who.clone(), role };
                self.ask(Some(founder), want).await;
            }
            for _ in 0..=self.chance.below(3) {
                let want = self.new_token(team);
                self.ask(Some(founder), want).await;
            }
            if self.chance.happens(0.3) {
                self.wear_out_one(team, founder).await;
            }
        }
        let clients = 2 + self.chance.below(12);
        let clients = (0..clients).map(|_| {
            let crowd = Arc::clone(self);
            tokio::spawn(async move {
                for _ in 0..REQUESTS / clients {
                    let pause =
                        crowd.until.div_f64(2.0) / u32::try_from(REQUESTS / clients).unwrap_or(1);
                    if crowd.chance.happens(0.6) {
                        tokio::time::sleep(crowd.chance.time(Duration::ZERO, pause)).await;
                    }
                    if crowd.chance.happens(crowd.scenes) {
                        crowd.play().await;
                    } else {
                        crowd.want_something().await;
                    }
                }
            })
        });
        join_all(clients).await;
    }

    async fn want_something(&self) {
        let (team, token, who) = {
            let known = self.known();
            let team = self.chance.pick(&known.teams).cloned();
            (team, self.one_of(&known.tokens), self.one_of(&self.people))
        };
        let (Some(team), Some(who)) = (team, who) else { return };
        let of_members = || self.one_of(&self.people).unwrap_or_default();
        let role = || *self.chance.pick(&ROLES).unwrap_or(&"member");
        let hostname = || self.one_of(&self.hostnames).unwrap_or_default();
        let want = match self.taste() {
            0 => self.new_token(&team),
            1 => Want::SelfEnroll { team },
            2 => match token {
                Some(token) => Want::Revoke(self.or_what_is_not_there(token)),
                None => return,
            },
            3 => Want::AddMember { team, who: of_members(), role: role() },
            4 => Want::SetRole { team, who: of_members(), role: role() },
            5 => {
                let (leaver, role) = (of_members(), role());
                let want = Want::RemoveMember { team: team.clone(), who: leaver.clone() };
                self.ask(Some(&who), want).await;
                if self.chance.happens(0.5) {
                    return;
                }
                Want::AddMember { team, who: leaver, role }
            }
            6 => Want::RemoveNode { team, hostname: hostname() },
            7 => {
                let lists = ["members", "nodes", "registration-tokens", "removals"];
                Want::See { team, what: self.chance.pick(&lists).unwrap_or(&"nodes") }
            }
            8 => match token {
                Some(token) => Want::SeeToken(token),
                None => return,
            },
            _ => {
                if self.chance.happens(DEVICES) {
                    let device = Device { team, hostname: hostname(), key: self.key() };
                    self.ask(None, self.of_itself(device)).await;
                    return;
                }
                let Some(token) = token else { return };
                let token = self.or_a_forged_one(token);
                let key = self.chance.happens(if token.self_enrolled { 0.9 } else { 0.5 });
                let name =
                    self.chance.happens(0.5).then(|| format!("name {}", self.chance.below(3)));
                let key = key.then(|| self.key());
                self.ask(None, Want::Register { token, hostname: hostname(), key, name }).await;
                return;
            }
        };
        self.ask(Some(&who), want).await;
    }

    /// What a device wants that speaks for itself.
    fn of_itself(&self, device: Device) -> Want {
        match self.chance.below(4) {
            0 => Want::SeeOwn(device),
            1 => Want::Leave(device),
            _ => Want::Beat(device),
        }
    }

    /// Now and then one that has everything of the token but its secret.
    fn or_a_forged_one(&self, token: Arc<Token>) -> Arc<Token> {
        if !self.chance.happens(0.02) {
            return token;
        }
        let (Ok(team), Ok(id)) = (token.team.parse(), token.id.parse()) else { return token };
        let mut secret = [0; 20];
        self.chance.fill(&mut secret);
        let plaintext = Plaintext::new(team, id, secret).expose().to_string();
        let (team, id) = (token.team.clone(), token.id.clone());
        Arc::new(Token { team, id, plaintext, ..*token })
    }

    /// The number of some key.
    fn key(&self) -> u8 {
        u8::try_from(1 + self.chance.below(self.keys.into())).unwrap_or(1)
    }

    /// Now and then a token that nobody has made.
    fn or_what_is_not_there(&self, token: Arc<Token>) -> Arc<Token> {
        if !self.chance.happens(0.1) {
            return token;
        }
        let id = "tok_aaaaaaaaaaaaa".to_owned();
        let (team, plaintext) = (token.team.clone(), token.plaintext.clone());
        let (max_uses, expires_at, worn, self_enrolled) = (None, None, 0, false);
        Arc::new(Token { team, id, plaintext, max_uses, expires_at, worn, self_enrolled })
    }

    /// One of several: often the one that everybody is at just now.
    fn one_of<T: Clone>(&self, of: &[T]) -> Option<T> {
        if self.chance.happens(self.crowding) {
            let now = usize::try_from(self.api.time.elapsed().as_secs() / FASHION.as_secs());
            return of.get(now.ok()?.checked_rem(of.len())?).cloned();
        }
        self.chance.pick(of).cloned()
    }

    /// What is wanted now.
    fn taste(&self) -> usize {
        if self.chance.happens(self.machines) {
            return OTHER_THINGS;
        }
        let mut drawn = self.chance.between(0.0, self.tastes.iter().sum());
        for (n, taste) in self.tastes.iter().enumerate() {
            drawn -= taste;
            if drawn < 0.0 {
                return n;
            }
        }
        OTHER_THINGS
    }

    fn new_token(&self, team: &str) -> Want {
        let max_uses = match self.chance.below(8) {
            0 => None,
            1 => Some(200),
            n => u64::try_from(n).ok().map(|n| n - 1),
        };
        let expires_at = self.chance.happens(0.3).then(|| {
            let after = self.chance.time(Duration::from_secs(5), Duration::from_secs(40));
            let at = Time::second(self.api.time.elapsed() + after);
            (at.as_unix(), at.to_string())
        });
        Want::CreateToken { team: team.to_owned(), max_uses, expires_at }
    }

    /// A wide token of which hardly a use is left.
    async fn wear_out_one(&self, team: &str, founder: &str) -> Option<Arc<Token>> {
        let want =
            Want::CreateToken { team: team.to_owned(), max_uses: Some(150), expires_at: None };
        let request = Request { by: Some(founder.to_owned()), want };
        let answer = self.api.ask(request.clone(), TRIES).await?;
        let id = answer.text("id").to_owned();
        let mut worn = 0;
        for (key, item) in self.dynamodb.items() {
            if !key.sk.starts_with(&format!("GATE#{id}#")) {
                continue;
            }
            let quota = crate::dynamodb::number(&item, "gate.quota").unwrap_or(0);
            let left = u64::from(self.chance.happens(0.15));
            let used = quota.saturating_sub(left);
            let written = self
                .dynamodb
                .call(
                    0,
                    "UpdateItem",
                    json!({
                        "TableName": muster_local::engine::TABLE,
                        "Key": { "pk": { "S": key.pk }, "sk": { "S": key.sk } },
                        "UpdateExpression": "SET gate.used = :used",
                        "ConditionExpression": "attribute_not_exists(gate.closed_at)",
                        "ExpressionAttributeValues": { ":used": { "N": used.to_string() } },
                    }),
                )
                .await;
            // It may be closed already, and the very transaction that made the gate may still hold it, if
            // it was sent twice.
            if written.is_ok() {
                worn += used;
            }
        }
        self.learn(&request, &answer, worn)
    }

    /// Asks, and remembers what came of it: a token, perhaps. Who gets no final answer at all has been
    /// let down.
    async fn ask(&self, by: Option<&str>, want: Want) -> Option<Arc<Token>> {
        let request = Request { by: by.map(str::to_owned), want };
        // Some go away.
        let tries = if self.chance.happens(0.05) { 1 } else { TRIES };
        match self.api.ask(request.clone(), tries).await {
            Some(answer) => self.learn(&request, &answer, 0),
            None if tries == TRIES => {
                self.api.history.violated(format!("liveness: no final answer to {request}"));
                None
            }
            None => None,
        }
    }

    fn learn(&self, request: &Request, answer: &Answer, worn: u64) -> Option<Arc<Token>> {
        if !answer.is_success() {
            return None;
        }
        let text = |name: &str| answer.text(name).to_owned();
        let mut known = self.known();
        let (team, max_uses, expires_at, self_enrolled) = match &request.want {
            Want::CreateTeam => {
                known.teams.push(text("id"));
                return None;
            }
            Want::CreateToken { team, max_uses, expires_at } => {
                (team, *max_uses, expires_at.as_ref().map(|(at, _)| *at), false)
            }
            // It expires long after the world has ended.
            Want::SelfEnroll { team } => (team, Some(1), None, true),
            _ => return None,
        };
        let (id, plaintext) = (text("id"), text("token"));
        let made = answer.body.get("token").is_some_and(Value::is_string);
        if !made {
            return None;
        }
        let team = team.clone();
        let token = Token { team, id, plaintext, max_uses, expires_at, worn, self_enrolled };
        let token = Arc::new(token);
        known.tokens.push(Arc::clone(&token));
        Some(token)
    }
}
