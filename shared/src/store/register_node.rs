//! The hot path: two calls for a new node, one for a node that is there as reported.

use std::ops::ControlFlow;

use crate::domain::address::PrivateIp;
use crate::domain::enrollment::{self, Attempt, Outcome, Step};
use crate::domain::gate::{Gate, GateNumber, Gates, WIDE_GATES};
use crate::domain::id::{NodeId, TeamId};
use crate::domain::key::PublicKey;
use crate::domain::node::Node;
use crate::domain::plaintext::{Plaintext, TokenHash};
use crate::domain::refusal::Refusal;
use crate::domain::report::Report;
use crate::domain::timestamp::Timestamp;
use crate::domain::token::Token;
use crate::domain::version::Version;

use super::conditions::{ADDRESS_ABSENT, GATE_PASSABLE, NODE_ABSENT, NODE_AS_READ, TOKEN_PASSABLE};
use super::entity::{from_item, take};
use super::gates::GateItem;
use super::outcome::{Actions, Enrollment};
use super::session::{Halt, until_settled};
use super::table::{Failure, Fault, Item, Write};
use super::{Error, Session, keys};

/// A machine's request to be let in.
#[derive(Debug)]
pub struct Registration {
    /// The token it presents.
    pub plaintext: Plaintext,
    /// What it says of itself.
    pub report: Report,
    /// The key it has proved to hold.
    pub key: Option<PublicKey>,
}

/// A node that is in.
#[derive(Debug)]
pub struct Registered {
    /// The team it is in.
    pub team: TeamId,
    /// The node.
    pub node: Node,
    /// What this request has done to it.
    pub outcome: Outcome,
    /// Whether this request took a use of its token.
    pub took_use: bool,
}

/// What is to be written, or was sent to be.
struct Entry {
    /// When it was decided, or is sent once more.
    at: Timestamp,
    token: Token,
    node: Node,
    replaces: Option<Version>,
    claims_address: bool,
    /// Through which gate of the token, if it takes a use.
    passes: Option<GateNumber>,
    outcome: Outcome,
}

impl Entry {
    /// What the request comes to that wrote it.
    fn registered(self, team: TeamId) -> Registered {
        let Self { node, passes, outcome, .. } = self;
        Registered { team, node, outcome, took_use: passes.is_some() }
    }
}

/// What the tries of one request have learned.
struct Course {
    /// What was not applied, and is to be sent again without reading: through another gate if it
    /// passes one, and nothing that was read is known to have changed.
    again: Option<Box<Entry>>,
    /// The gate to read and pass next.
    gate: GateNumber,
    /// How many addresses were found taken.
    addresses_taken: u32,
    /// Whether all uses were known to be gone before the node was read.
    exhausted: bool,
}

/// What one read has shown.
struct Seen {
    token: Token,
    gate: Option<Gate>,
    node: Option<Node>,
}

impl Session {
    /// Lets a machine in, or updates it.
    pub async fn register_node(&self, registration: &Registration) -> Result<Registered, Error> {
        let mut course = Course {
            again: None,
            gate: GateNumber::home(&registration.report.hostname, WIDE_GATES),
            addresses_taken: 0,
            exhausted: false,
        };
        until_settled!(self, { self.try_to_register(registration, &mut course).await })
    }

    async fn try_to_register(
        &self,
        registration: &Registration,
        course: &mut Course,
    ) -> Result<Registered, Halt> {
        let team = registration.plaintext.team();
        let entry = match course.again.take() {
            Some(entry) => entry,
            None => match self.decide(registration, course).await? {
                ControlFlow::Break(registered) => return Ok(registered),
                ControlFlow::Continue(entry) => entry,
            },
        };
        // A pause, or looking for a gate, may have taken its time.
        if entry.token.policy.has_expired(self.now()) {
            return Err(Refusal::TokenExpired.into());
        }
        match self.offer(|| entry.writes(team)).await {
            Ok(()) => return Ok(entry.registered(team)),
            // An answer was lost, and this is what was put.
            Err(Failure::Condition(Some(item))) if entry.is_in(&item)? => {
                return Ok(entry.registered(team));
            }
            Err(Failure::Busy) => course.again = self.once_more(entry, course),
            Err(Failure::Cancelled(reasons)) => match entry.actions().judge(&reasons) {
                Enrollment::Broken(message) => return Err(Fault(message).into()),
                Enrollment::AddressTaken => course.addresses_taken += 1,
                Enrollment::Busy => course.again = self.once_more(entry, course),
                Enrollment::NodeChanged | Enrollment::GateRefused => {}
            },
            Err(failure) => return Err(failure.into()),
        }
        Err(Halt::Again)
    }

    /// Reads, and decides what to write, unless the node is in as it is.
    async fn decide(
        &self,
        registration: &Registration,
        course: &mut Course,
    ) -> Result<ControlFlow<Registered, Box<Entry>>, Halt> {
        let Registration { plaintext, report, key } = registration;
        let seen = self.look(plaintext, report, course).await?;
        let attempt = Attempt {
            report,
            key: *key,
            now: self.now(),
            id: NodeId::from_bytes(self.draw()),
            version: Version::from_bytes(self.draw()),
        };
        let step = match enrollment::judge(&seen.token, seen.node.as_ref(), &attempt) {
            Err(Refusal::TokenExhausted) if !course.exhausted => {
                course.exhausted = true;
                return Err(Halt::Again);
            }
            judged => judged?,
        };
        let enrollment::Write { mut node, replaces, takes_use, claims_address, outcome } =
            match step {
                Step::Keep(node) => {
                    let (team, outcome, took_use) = (plaintext.team(), Outcome::Unchanged, false);
                    return Ok(ControlFlow::Break(Registered { team, node, outcome, took_use }));
                }
                Step::Write(write) => write,
            };
        if takes_use {
            if course.exhausted {
                return Err(Refusal::TokenExhausted.into());
            }
            self.choose_gate(plaintext.team(), &seen, course).await?;
        }
        if claims_address {
            let ip = PrivateIp::of(plaintext.team(), &node.hostname, course.addresses_taken);
            node.private_ip = Some(ip);
        }
        let (at, token, passes) = (attempt.now, seen.token, takes_use.then_some(course.gate));
        let entry = Entry { at, token, node, replaces, claims_address, passes, outcome };
        Ok(ControlFlow::Continue(Box::new(entry)))
    }

    /// One read of all that decides. A wrong secret and an unknown token read alike.
    ///
    /// Once the uses are known to be gone, what is read decides whether that is final, so it must
    /// not show the half of a transaction that took the last one: it is read in one of its own.
    async fn look(
        &self,
        plaintext: &Plaintext,
        report: &Report,
        course: &Course,
    ) -> Result<Seen, Halt> {
        let team = plaintext.team();
        let token_key = keys::token(team, plaintext.token());
        let gate_key = keys::gate(team, plaintext.token(), course.gate);
        let node_key = keys::node(team, &report.hostname);
        let wanted = [token_key.clone(), gate_key.clone(), node_key.clone()];
        let mut found = if course.exhausted {
            self.get_together(&wanted).await?
        } else {
            self.get_all(&wanted).await?
        };
        let mut token = found.remove(&token_key).ok_or(Refusal::InvalidToken)?;
        if !take::<TokenHash>(&mut token, keys::TOKEN_HASH)?.matches(plaintext) {
            return Err(Refusal::InvalidToken.into());
        }
        let gate: Option<GateItem> = found.remove(&gate_key).map(from_item).transpose()?;
        Ok(Seen {
            token: from_item(token)?,
            gate: gate.map(|item| item.gate),
            node: found.remove(&node_key).map(from_item).transpose()?,
        })
    }

    /// Chooses the gate to pass: the one that was read, or, where that is spent, any that is not.
    async fn choose_gate(
        &self,
        team: TeamId,
        seen: &Seen,
        course: &mut Course,
    ) -> Result<(), Halt> {
        let token = &seen.token;
        let Gates::InLanes { count, .. } = token.gate else { return Ok(()) };
        let own = course.gate.within(count);
        if own != std::mem::replace(&mut course.gate, own) {
            // The token has fewer than are made now, and none of its own was read. The condition
            // tells whether this one is spent.
            return Ok(());
        }
        // A revoke has put the gates away since the token was read, if they are not there.
        let Some(gate) = &seen.gate else {
            self.note(format!("{} has no gate {}", token.id, course.gate.number()));
            return Err(Halt::Again);
        };
        if gate.is_spent() {
            let gates = self.gates(team, token.id, count).await?.ok_or(Halt::Again)?;
            let left: Vec<_> =
                gates.into_iter().filter(|(_, gate)| !gate.is_spent()).map(|(n, _)| n).collect();
            match left.get(self.draw_below(left.len())) {
                Some(number) => course.gate = *number,
                None => {
                    course.exhausted = true;
                    self.mark_exhausted(team, token).await;
                    return Err(Halt::Again);
                }
            }
        }
        Ok(())
    }

    /// What was not applied, through another gate if it passes one. Where the token has no other,
    /// it is likely to be spent by those who were quicker, and a read tells that for less.
    fn once_more(&self, mut entry: Box<Entry>, course: &mut Course) -> Option<Box<Entry>> {
        if let Some(gate) = &mut entry.passes {
            let Gates::InLanes { count, .. } = entry.token.gate else { return None };
            *gate = GateNumber::all(count).nth(self.draw_below(count.into()))?;
            course.gate = *gate;
        }
        entry.at = self.now();
        Some(entry)
    }

    /// Spares those who come later reading every gate. Where it fails, the next one marks it.
    async fn mark_exhausted(&self, team: TeamId, token: &Token) {
        let mark = Write::update(
            keys::token(team, token.id),
            "SET exhausted_at = if_not_exists(exhausted_at, :now)",
        );
        if let Ok(mark) = mark.value(":now", self.now())
            && let Err(failure) = self.write(mark).await
        {
            tracing::debug!(token = %token.id, ?failure, "exhaustion not marked");
        }
    }
}

impl Entry {
    /// Whether an item is the node as this has put it.
    fn is_in(&self, item: &Item) -> Result<bool, Fault> {
        Ok(from_item::<Node>(item.clone())?.version == self.node.version)
    }

    /// Which actions [`Self::writes`] has.
    fn actions(&self) -> Actions {
        Actions { address: self.claims_address, gate: self.passes.is_some() }
    }

    /// What is to be sent.
    fn writes(&self, team: TeamId) -> Result<Vec<Write>, Fault> {
        let put = Write::put(keys::node(team, &self.node.hostname), &self.node)?;
        let mut writes = vec![match self.replaces {
            None => put.when(NODE_ABSENT),
            Some(read) => put.when(NODE_AS_READ).value(":read", read)?,
        }];
        if let Some(ip) = self.node.private_ip.filter(|_| self.claims_address) {
            let held = AddressItem { node: self.node.id, hostname: self.node.hostname.as_str() };
            writes.push(Write::put(keys::address(team, ip), &held)?.when(ADDRESS_ABSENT));
        }
        if let Some(gate) = self.passes {
            let token = self.token.id;
            let (key, passable) = match self.token.gate {
                Gates::Own(_) => (keys::token(team, token), TOKEN_PASSABLE),
                Gates::InLanes { .. } => (keys::gate(team, token, gate), GATE_PASSABLE),
            };
            let pass = "SET gate.used = gate.used + :one, gate.last_used_at = :now";
            let pass = Write::update(key, pass).when(passable);
            writes.push(pass.value(":one", 1)?.value(":now", self.at)?);
        }
        Ok(writes)
    }
}

/// Who holds an address.
#[derive(serde::Serialize)]
struct AddressItem<'a> {
    node: NodeId,
    hostname: &'a str,
}
