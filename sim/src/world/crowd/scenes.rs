//! Several at one thing at once, as chance alone hardly ever brings them together.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use muster_local::engine::TABLE;
use muster_shared::domain::address::PrivateIp;
use muster_shared::domain::gate::{GateNumber, WIDE_GATES};
use muster_shared::domain::heartbeat;
use serde_json::json;

use crate::clock::Time;
use crate::request::{Device, Token, Want};

use super::{Crowd, ROLES};

/// How far apart the beginnings of a scene's parts are at most.
const APART: Duration = Duration::from_millis(700);
/// Hostnames among which two are looked for that draw the same address: by the birthday paradox two
/// of so many do, mostly.
const HOSTNAMES: usize = 5000;

/// Who comes in through a token that expires: so many at a time, and one after the other.
const HURRIED: usize = 3;
const HURRIED_EACH: usize = 6;

/// How often a machine reports that comes in through a token that is revoked.
const REPORTS: usize = 5;

/// How often a device says that it is there, one time after the other.
const BEATS: usize = 2;

/// What one does in a scene, one thing after the other.
struct Part {
    by: Option<String>,
    wants: Vec<Want>,
}

impl Part {
    fn of(by: &str, wants: Vec<Want>) -> Self {
        Self { by: Some(by.to_owned()), wants }
    }

    fn machine(want: Want) -> Self {
        Self { by: None, wants: vec![want] }
    }
}

impl Crowd {
    /// Plays one.
    pub(super) async fn play(&self) {
        let Some((team, founder)) = self.a_team() else { return };
        let Some(who) = self.chance.pick(&self.people).cloned() else { return };
        let scene =
            if self.leaving && self.chance.happens(0.7) { 5 } else { self.chance.below(10) };
        let parts = match scene {
            0 | 1 => self.acts_while_changed(&team, &founder, &who),
            2 => self.last_uses(&team, &founder).await,
            3 => self.twins(&team, &founder).await,
            4 => self.revoked_meanwhile(&team, &founder).await,
            5 => self.leaves_meanwhile(&team, &founder, &who).await,
            6 => self.same_address(&team).await,
            7 => self.expires_meanwhile(&team, &founder).await,
            8 => self.heard_again(&team, &founder).await,
            _ => self.owners_at_odds(&team, &founder, &who),
        };
        join_all(parts.into_iter().map(|part| async move {
            let pause = if self.chance.happens(0.5) { Duration::ZERO } else { APART };
            tokio::time::sleep(self.chance.time(Duration::ZERO, pause)).await;
            for want in part.wants {
                self.ask(part.by.as_deref(), want).await;
            }
        }))
        .await;
    }

    fn a_team(&self) -> Option<(String, String)> {
        let teams = self.known().teams.clone();
        let n = self.chance.below(teams.len());
        Some((teams.get(n)?.clone(), self.people.get(n)?.clone()))
    }

    /// Does something, and has gone, or changed, and is back meanwhile.
    fn acts_while_changed(&self, team: &str, founder: &str, who: &str) -> Vec<Part> {
        let (team, who) = (team.to_owned(), who.to_owned());
        let other = self.chance.pick(&self.people).cloned().unwrap_or_default();
        let role = *self.chance.pick(&ROLES).unwrap_or(&"member");
        let role_again = *self.chance.pick(&["owner", "admin"]).unwrap_or(&"admin");
        let act = match self.chance.below(5) {
            0 | 1 => self.new_token(&team),
            2 => Want::SelfEnroll { team: team.clone() },
            3 => Want::AddMember { team: team.clone(), who: other, role },
            _ => Want::SetRole { team: team.clone(), who: other, role },
        };
        let set = |role| Want::SetRole { team: team.clone(), who: who.clone(), role };
        let remove = || Want::RemoveMember { team: team.clone(), who: who.clone() };
        let add = |role| Want::AddMember { team: team.clone(), who: who.clone(), role };
        let change = match self.chance.below(4) {
            0 | 1 => vec![remove(), add(role_again)],
            2 => vec![remove(), add(role_again), remove()],
            _ => vec![set("member"), set(role_again)],
        };
        vec![Part::of(&who, vec![act.clone(), act]), Part::of(founder, change)]
    }

    /// More come in than may.
    async fn last_uses(&self, team: &str, founder: &str) -> Vec<Part> {
        let uses = 1 + self.chance.below(2);
        let token = if self.chance.happens(0.3) {
            self.wear_out_one(team, founder).await
        } else {
            self.token_of(team, founder, u64::try_from(uses).ok()).await
        };
        let Some(token) = token else { return Vec::new() };
        let machines = uses + 1 + self.chance.below(4);
        (0..machines).map(|n| Part::machine(self.machine(&token, format!("late-{n}")))).collect()
    }

    /// One hostname comes in several times over.
    async fn twins(&self, team: &str, founder: &str) -> Vec<Part> {
        let uses = self.chance.pick(&[Some(1), Some(3), Some(200)]).copied().flatten();
        let hostname = self.chance.pick(&self.hostnames).cloned().unwrap_or_default();
        let Some(token) = self.token_of(team, founder, uses).await else { return Vec::new() };
        let another = self.one_of(&self.tokens()).filter(|another| another.team == token.team);
        let mut parts: Vec<_> = (0..2 + self.chance.below(3))
            .map(|n| {
                let token = if n == 1 { another.as_ref().unwrap_or(&token) } else { &token };
                Part::machine(self.machine(token, hostname.clone()))
            })
            .collect();
        if self.chance.happens(0.4) {
            let want = Want::RemoveNode { team: team.to_owned(), hostname };
            parts.push(Part::of(founder, vec![want]));
        }
        parts
    }

    /// A token is revoked while machines come in through it, and report again what has changed.
    async fn revoked_meanwhile(&self, team: &str, founder: &str) -> Vec<Part> {
        let uses = self.chance.pick(&[None, Some(5), Some(200)]).copied().flatten();
        let Some(token) = self.token_of(team, founder, uses).await else { return Vec::new() };
        let mut parts = vec![Part::of(founder, vec![Want::Revoke(Arc::clone(&token))])];
        for n in 0..2 + self.chance.below(3) {
            let hostname = format!("barred-{n}");
            let key = self.chance.happens(0.5).then(|| self.key());
            let reports = (0..REPORTS).map(|n| Want::Register {
                token: Arc::clone(&token),
                hostname: hostname.clone(),
                key,
                name: Some(format!("name {n}")),
            });
            parts.push(Part { by: None, wants: reports.collect() });
        }
        parts
    }

    /// A token expires while machines come in that are in each other's way.
    async fn expires_meanwhile(&self, team: &str, founder: &str) -> Vec<Part> {
        let after = self.chance.time(Duration::from_secs(1), Duration::from_secs(3));
        let at = Time::second(self.api.time.elapsed() + after);
        let max_uses = self.chance.pick(&[None, Some(200)]).copied().flatten();
        let expires_at = Some((at.as_unix(), at.to_string()));
        let want = Want::CreateToken { team: team.to_owned(), max_uses, expires_at };
        let Some(token) = self.ask(Some(founder), want).await else { return Vec::new() };
        let hostnames = same_gate(HURRIED * HURRIED_EACH);
        hostnames
            .chunks(HURRIED_EACH)
            .map(|some| {
                let wants = some.iter().map(|hostname| self.machine(&token, hostname.clone()));
                Part { by: None, wants: wants.collect() }
            })
            .collect()
    }

    /// A device that has been there for a while says so, or others say that they are it, while it is
    /// changed or goes.
    async fn heard_again(&self, team: &str, founder: &str) -> Vec<Part> {
        let uses = self.chance.pick(&[None, Some(5), Some(200)]).copied().flatten();
        let Some(token) = self.token_of(team, founder, uses).await else { return Vec::new() };
        let (team, hostname) = (team.to_owned(), format!("agent-of-{}", token.id));
        let key = self.key();
        let enter = |name: Option<&str>| Want::Register {
            token: Arc::clone(&token),
            hostname: hostname.clone(),
            key: Some(key),
            name: name.map(str::to_owned),
        };
        self.ask(None, enter(None)).await;
        tokio::time::sleep(self.chance.time(Duration::ZERO, heartbeat::APART / 4)).await;
        tokio::time::sleep(heartbeat::APART).await;
        let device = |key| Device { team: team.clone(), hostname: hostname.clone(), key };
        let beats = |key| {
            let beats = (0..BEATS).map(|_| Want::Beat(device(key)));
            Part { by: None, wants: beats.collect() }
        };
        let other = if self.chance.happens(0.5) { key } else { key.wrapping_add(1) };
        let mut parts = vec![beats(key), beats(other)];
        match self.chance.below(4) {
            0 => parts.push(Part::machine(Want::Leave(device(other)))),
            1 => parts.push(Part::machine(enter(Some("changed")))),
            2 => parts.push(Part::of(founder, vec![Want::RemoveNode { team, hostname }])),
            _ => {}
        }
        parts
    }

    /// Somebody is removed while machines come in through a token of theirs; by other hands than the
    /// API's, or twice at once.
    async fn leaves_meanwhile(&self, team: &str, founder: &str, who: &str) -> Vec<Part> {
        let (team, who) = (team.to_owned(), who.to_owned());
        let uses = self.chance.pick(&[None, Some(200)]).copied().flatten();
        if self.leaving && founder != who {
            // Whoever may not make tokens leaves nothing behind.
            for want in [
                Want::AddMember { team: team.clone(), who: who.clone(), role: "admin" },
                Want::SetRole { team: team.clone(), who: who.clone(), role: "admin" },
            ] {
                self.ask(Some(founder), want).await;
            }
        }
        let Some(token) = self.token_of(&team, &who, uses).await else { return Vec::new() };
        let machines = if self.leaving { 6 } else { 2 + self.chance.below(3) };
        // Nobody else's, or the next would take over what is left of one.
        let mut parts: Vec<_> = (0..machines)
            .map(|n| Part::machine(self.machine(&token, format!("orphan-{n}-of-{}", token.id))))
            .collect();
        if self.chance.happens(0.4) {
            join_all(parts.drain(..).flat_map(|part| part.wants).map(|want| self.ask(None, want)))
                .await;
            self.delete_by_hand(&team, &who).await;
            return parts;
        }
        let remove = Want::RemoveMember { team: team.clone(), who: who.clone() };
        if self.chance.happens(0.5) {
            parts.push(Part::of(&who, vec![remove.clone()]));
        }
        let add = Want::AddMember { team, who, role: "admin" };
        parts.push(Part::of(founder, vec![remove, add]));
        parts
    }

    /// Devices come in whose hostnames draw the same address.
    async fn same_address(&self, team: &str) -> Vec<Part> {
        let tokens = self.tokens();
        let tokens: Vec<_> = tokens.iter().filter(|token| token.team == team).collect();
        let Some(token) = self.chance.pick(&tokens) else { return Vec::new() };
        let (Some(pair), Some(founder)) = (same_address(team), self.people.first()) else {
            return Vec::new();
        };
        let key = Some(self.key());
        let token = self.token_of(team, founder, None).await.unwrap_or_else(|| Arc::clone(token));
        pair.map(|hostname| {
            let enter = Want::Register { token: Arc::clone(&token), hostname, key, name: None };
            Part::machine(enter)
        })
        .into()
    }

    /// Two owners are at each other.
    fn owners_at_odds(&self, team: &str, founder: &str, who: &str) -> Vec<Part> {
        let against = |whom: &str| {
            let (team, who) = (team.to_owned(), whom.to_owned());
            if self.chance.happens(0.5) {
                Want::SetRole { team, who, role: "member" }
            } else {
                Want::RemoveMember { team, who }
            }
        };
        let stays = Want::SetRole { team: team.to_owned(), who: who.to_owned(), role: "owner" };
        let own = if self.chance.happens(0.5) { stays } else { against(founder) };
        vec![Part::of(who, vec![own]), Part::of(founder, vec![against(who)])]
    }

    fn machine(&self, token: &Arc<Token>, hostname: String) -> Want {
        let key = self.chance.happens(0.5).then(|| self.key());
        let name = self.chance.happens(0.5).then(|| format!("name {}", self.chance.below(3)));
        Want::Register { token: Arc::clone(token), hostname, key, name }
    }

    async fn token_of(&self, team: &str, who: &str, uses: Option<u64>) -> Option<Arc<Token>> {
        let team = team.to_owned();
        self.ask(Some(who), Want::CreateToken { team, max_uses: uses, expires_at: None }).await
    }

    /// Whoever administers the table deletes a member who is no owner.
    async fn delete_by_hand(&self, team: &str, who: &str) {
        let member = json!({
            "TableName": TABLE,
            "Key": { "pk": { "S": format!("TEAM#{team}") }, "sk": { "S": format!("MEMBER#{who}") } },
            "ConditionExpression": "attribute_exists(pk) AND #role <> :owner",
            "ExpressionAttributeNames": { "#role": "role" },
            "ExpressionAttributeValues": { ":owner": { "S": "owner" } },
        });
        let (of, sk) = (format!("PRINCIPAL#{who}"), format!("TEAM#{team}"));
        let mine = json!({ "TableName": TABLE, "Key": { "pk": { "S": of }, "sk": { "S": sk } } });
        let both = json!({ "TransactItems": [{ "Delete": member }, { "Delete": mine }] });
        let _ = self.dynamodb.call(0, "TransactWriteItems", both).await;
    }
}

/// So many hostnames that try the same gate of a wide token first.
fn same_gate(count: usize) -> Vec<String> {
    let home = |name: &String| name.parse().ok().map(|name| GateNumber::home(&name, WIDE_GATES));
    let mut names = (0..).map(|n| format!("hurried-{n}"));
    let first = names.next();
    let gate = first.as_ref().and_then(home);
    first.into_iter().chain(names.filter(|name| home(name) == gate)).take(count).collect()
}

/// Two hostnames that draw the same address in a team, if there are any.
fn same_address(team: &str) -> Option<[String; 2]> {
    let team = team.parse().ok()?;
    let mut drawn = std::collections::HashMap::new();
    (0..HOSTNAMES).find_map(|n| {
        let hostname = format!("twin-{n}");
        let ip = PrivateIp::of(team, &hostname.parse().ok()?, 0);
        drawn.insert(ip, hostname.clone()).map(|other| [other, hostname])
    })
}
