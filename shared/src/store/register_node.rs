//! The hot path: two calls for a new node, one for a node that is there as reported.

use crate::domain::address::PrivateIp;
use crate::domain::enrollment::{self, Attempt, Step};
use crate::domain::gate::{Gate, GateNumber, Gates, WIDE_GATES};
use crate::domain::id::{NodeId, TeamId};
use crate::domain::key::PublicKey;
use crate::domain::node::Node;
use crate::domain::plaintext::Plaintext;
use crate::domain::refusal::Refusal;
use crate::domain::report::Report;
use crate::domain::token::Token;
use crate::domain::version::Version;

use super::conditions::{
    ADDRESS_ABSENT, Condition, GATE_PASSABLE, NODE_ABSENT, NODE_AS_READ, TOKEN_PASSABLE,
};
use super::gates::GateItem;
use super::keys::Key;
use super::outcome::{Actions, Enrollment};
use super::session::{Halt, until_settled};
use super::table::{Failure, Fault, Write, from_item};
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
    /// Whether this request entered it.
    pub created: bool,
    /// Whether this request took a use of its token.
    pub took_use: bool,
}

/// What one try gave to the node that it wrote, or tried to: ids and versions of its own, for the
/// node that a lost answer was about may have been removed by now.
struct Try {
    id: NodeId,
    version: Version,
    took_use: bool,
}

/// What the tries of one request have learned.
struct Course {
    tries: Vec<Try>,
    /// The gate to read and pass next.
    gate: GateNumber,
    /// How many addresses were found taken.
    addresses_taken: u32,
    /// Whether all uses were known to be gone before the node was read.
    exhausted: bool,
}

impl Course {
    /// The try that has written the node, or made it.
    fn wrote(&self, node: &Node) -> Option<&Try> {
        let written = self.tries.iter().find(|one| one.version == node.version);
        written.or_else(|| self.tries.iter().find(|one| one.id == node.id))
    }
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
            tries: Vec::new(),
            gate: GateNumber::home(&registration.report.hostname, WIDE_GATES),
            addresses_taken: 0,
            exhausted: false,
        };
        let node = until_settled!(self, { self.try_to_register(registration, &mut course).await })?;
        let created = course.tries.iter().any(|one| one.id == node.id);
        let took_use = course.wrote(&node).is_some_and(|one| one.took_use);
        Ok(Registered { team: registration.plaintext.team(), node, created, took_use })
    }

    async fn try_to_register(
        &self,
        registration: &Registration,
        course: &mut Course,
    ) -> Result<Node, Halt> {
        let Registration { plaintext, report, key } = registration;
        let seen = self.look(plaintext, report, course).await?;
        if let Some(node) = seen.node.as_ref().filter(|node| course.wrote(node).is_some()) {
            // Ours is there: an answer was lost. Whatever became of the token since, it is in.
            return Ok(node.clone());
        }
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
        let enrollment::Write { mut node, replaces, takes_use, claims_address } = match step {
            Step::Keep(node) => return Ok(node),
            Step::Write(write) => write,
        };
        let gate = if takes_use {
            if course.exhausted {
                return Err(Refusal::TokenExhausted.into());
            }
            Some(self.choose_gate(plaintext.team(), &seen, course).await?)
        } else {
            None
        };
        course.tries.push(Try {
            id: attempt.id,
            version: attempt.version,
            took_use: gate.is_some(),
        });
        if claims_address {
            let ip = PrivateIp::of(plaintext.team(), &node.hostname, course.addresses_taken);
            node.private_ip = Some(ip);
        }
        let put = Write::put(keys::node(plaintext.team(), &node.hostname), &node)?;
        let put = match replaces {
            None => put.when(NODE_ABSENT),
            Some(read) => put.when(NODE_AS_READ).value(":read", read)?,
        };
        if gate.is_none() && !claims_address {
            self.write(put).await?;
            return Ok(node);
        }
        let actions = Actions { address: claims_address, gate: gate.is_some() };
        let mut writes = vec![put];
        if let Some(ip) = node.private_ip.filter(|_| claims_address) {
            let held = AddressItem { node: node.id, hostname: node.hostname.as_str() };
            writes
                .push(Write::put(keys::address(plaintext.team(), ip), &held)?.when(ADDRESS_ABSENT));
        }
        if let Some(gate) = gate {
            let pass = "SET gate.used = gate.used + :one, gate.last_used_at = :now";
            let (key, passable) = gate;
            let pass = Write::update(key, pass).when(passable);
            writes.push(pass.value(":one", 1)?.value(":now", attempt.now)?);
        }
        match self.transact(writes).await {
            Ok(()) => Ok(node),
            Err(Failure::Cancelled(reasons)) => {
                match actions.judge(&reasons) {
                    Enrollment::AddressTaken => course.addresses_taken += 1,
                    Enrollment::GateBusy => self.try_another_gate(&seen.token, course),
                    Enrollment::NodeChanged | Enrollment::GateRefused => {}
                    Enrollment::Broken(message) => return Err(Fault(message).into()),
                }
                Err(Halt::Again)
            }
            Err(failure) => Err(failure.into()),
        }
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
        let token: Option<Token> = found.remove(&token_key).map(from_item).transpose()?;
        let token = token.filter(|token| token.hash.matches(plaintext));
        let gate: Option<GateItem> = found.remove(&gate_key).map(from_item).transpose()?;
        Ok(Seen {
            token: token.ok_or(Refusal::InvalidToken)?,
            gate: gate.map(|item| item.gate),
            node: found.remove(&node_key).map(from_item).transpose()?,
        })
    }

    /// The gate to pass: the one that was read, or, where that is spent, any that is not.
    async fn choose_gate(
        &self,
        team: TeamId,
        seen: &Seen,
        course: &mut Course,
    ) -> Result<(Key, Condition), Halt> {
        let token = &seen.token;
        let count = match token.gate {
            Gates::Own(_) => return Ok((keys::token(team, token.id), TOKEN_PASSABLE)),
            Gates::InLanes { count } => count,
        };
        let gate = seen
            .gate
            .as_ref()
            .ok_or_else(|| Fault(format!("{} has no gate {}", token.id, course.gate.number())))?;
        if gate.is_spent() {
            let gates = self.gates(team, token.id, count).await?;
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
        Ok((keys::gate(team, token.id, course.gate), GATE_PASSABLE))
    }

    fn try_another_gate(&self, token: &Token, course: &mut Course) {
        if let Gates::InLanes { count } = token.gate {
            let number = self.draw_below(usize::from(count));
            course.gate = GateNumber::all(count).nth(number).unwrap_or(course.gate);
        }
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

/// Who holds an address.
#[derive(serde::Serialize)]
struct AddressItem<'a> {
    node: NodeId,
    hostname: &'a str,
}
