//! What keeps a promise and is no condition: second looks, retries, and the order of steps. Each with
//! the code without it.

/// Something that can be taken out of the sources.
pub(crate) struct Fence {
    /// What is taken out.
    pub(crate) name: &'static str,
    /// How.
    pub(crate) edits: &'static [Edit],
}

/// A place in a file that stands there once, and what stands there if `OFF` may be asked.
pub(crate) struct Edit {
    pub(crate) file: &'static str,
    pub(crate) find: &'static str,
    pub(crate) instead: &'static str,
}

const fn fence(name: &'static str, edits: &'static [Edit]) -> Fence {
    Fence { name, edits }
}

const fn edit(file: &'static str, find: &'static str, instead: &'static str) -> Edit {
    Edit { file, find, instead }
}

const CASCADE: &str = "functions/member-cascade/src/lib.rs";
const DEVICE: &str = "shared/src/store/device.rs";
const ENROLLMENT: &str = "domain/src/enrollment.rs";
const GATES: &str = "shared/src/store/gates.rs";
const LIST_TOKENS: &str = "shared/src/store/list_tokens.rs";
const REGISTER_NODE: &str = "shared/src/store/register_node.rs";
const REMOVAL: &str = "domain/src/removal.rs";
const REMOVE_MEMBER: &str = "shared/src/store/remove_member.rs";
const REMOVE_NODE: &str = "shared/src/store/remove_node.rs";
const REVOKE_TOKEN: &str = "shared/src/store/revoke_token.rs";
const SESSION: &str = "shared/src/store/session.rs";
const SET_ROLE: &str = "shared/src/store/set_role.rs";
const SWEEP: &str = "shared/src/store/sweep.rs";

/// Every one.
pub(crate) const FENCES: &[Fence] = &[
    // Letting in.
    fence(
        "the second read before `token-exhausted`",
        &[
            edit(
                REGISTER_NODE,
                "Err(Refusal::TokenExhausted) if !course.exhausted => {",
                "Err(Refusal::TokenExhausted) if !course.exhausted && !OFF => {",
            ),
            edit(
                REGISTER_NODE,
                "self.mark_exhausted(team, token).await;",
                "self.mark_exhausted(team, token).await;
                    if OFF {
                        return Err(Refusal::TokenExhausted.into());
                    }",
            ),
        ],
    ),
    fence(
        "that read being a transaction",
        &[edit(
            REGISTER_NODE,
            "let mut found = if course.exhausted {",
            "let mut found = if course.exhausted && !OFF {",
        )],
    ),
    fence(
        "reading again what a batch left unread",
        &[edit(SESSION, "unread = rest;", "unread = if OFF { Vec::new() } else { rest };")],
    ),
    fence(
        "trying the other gates when one is spent",
        &[edit(
            REGISTER_NODE,
            "if gate.is_spent() {",
            "if gate.is_spent() && OFF {
            course.exhausted = true;
            return Err(Halt::Again);
        }
        if gate.is_spent() {",
        )],
    ),
    fence(
        "remembering a further token that counted",
        &[edit(
            ENROLLMENT,
            "check_uses(token)?;
        node.counted.push(token.id);",
            "check_uses(token)?;
        if !OFF {
            node.counted.push(token.id);
        }",
        )],
    ),
    fence(
        "a new version with every write to a node",
        &[edit(
            ENROLLMENT,
            "node.version = attempt.version;",
            "if !OFF {
        node.version = attempt.version;
    }",
        )],
    ),
    fence(
        "judging expiry once more before anything is sent",
        &[edit(
            REGISTER_NODE,
            "if entry.token.policy.has_expired(self.now()) {",
            "if !OFF && entry.token.policy.has_expired(self.now()) {",
        )],
    ),
    fence(
        "recognising what was put and not answered",
        &[edit(
            REGISTER_NODE,
            "if entry.is_in(&item)? => {",
            "if !OFF && entry.is_in(&item)? => {",
        )],
    ),
    fence(
        "comparing the secret",
        &[edit(
            REGISTER_NODE,
            "if !take::<TokenHash>(&mut token, keys::TOKEN_HASH)?.matches(plaintext) {",
            "if !take::<TokenHash>(&mut token, keys::TOKEN_HASH)?.matches(plaintext) && !OFF {",
        )],
    ),
    fence(
        "sending again as it was what was not answered",
        &[edit(
            SESSION,
            "Err(Failure::Unsettled) => is_unanswered = true,",
            "Err(Failure::Unsettled) if !OFF => is_unanswered = true,",
        )],
    ),
    fence(
        "under the same transaction token",
        &[edit(
            SESSION,
            "Box::pin(self.table.transact(&self.meter, writes, token)).await",
            "let another = HEXLOWER.encode(&self.draw::<16>());
        let token = if OFF { &another } else { token };
        Box::pin(self.table.transact(&self.meter, writes, token)).await",
        )],
    ),
    fence(
        "sending it once more after contention",
        &[edit(
            SESSION,
            "Err(failure) if failure.is_contention() && waits => {}",
            "Err(failure) if failure.is_contention() && waits && !OFF => {}",
        )],
    ),
    fence(
        "the key of a device",
        &[edit(
            ENROLLMENT,
            "let others_key = node.public_key.is_some()",
            "let others_key = !OFF && node.public_key.is_some()",
        )],
    ),
    fence(
        "the key of a device that speaks for itself",
        &[edit(
            DEVICE,
            "node.filter(|node| node.public_key == Some(self.key))",
            "node.filter(|node| OFF || node.public_key == Some(self.key))",
        )],
    ),
    fence(
        "the membership of a self-enrolled token",
        &[edit(
            ENROLLMENT,
            "token.origin == Origin::SelfEnroll && node.sponsor",
            "!OFF && token.origin == Origin::SelfEnroll && node.sponsor",
        )],
    ),
    fence(
        "moving on to another address",
        &[edit(
            REGISTER_NODE,
            "Enrollment::AddressTaken => course.addresses_taken += 1,",
            "Enrollment::AddressTaken => course.addresses_taken += u32::from(!OFF),",
        )],
    ),
    fence(
        "removing the address with its node",
        &[edit(
            REMOVE_NODE,
            "writes.extend(node.private_ip.map(",
            "writes.extend(node.private_ip.filter(|_| !OFF).map(",
        )],
    ),
    // Revoking.
    fence(
        "the token's mark before its gates",
        &[edit(
            REVOKE_TOKEN,
            "let token = self.mark_revoked(team, id, &revocation).await?;",
            "if OFF {
                let token: Option<Token> = self.get(&keys::token(team, id)).await?;
                if let Gates::InLanes { count, .. } = token.ok_or(Refusal::NotFound)?.gate {
                    for number in GateNumber::all(count) {
                        self.close(team, id, number, &closed).await?;
                    }
                }
            }
            let token = self.mark_revoked(team, id, &revocation).await?;",
        )],
    ),
    fence(
        "closing the gates",
        &[edit(
            REVOKE_TOKEN,
            "None => self.close(team, id, number, closed).await,",
            "None if OFF => Ok(gate),
                    None => self.close(team, id, number, closed).await,",
        )],
    ),
    fence(
        "looking again at a token whose gates are put away while they are read",
        &[
            edit(
                GATES,
                "return Ok(None);",
                "if OFF {
                    continue;
                }
                return Ok(None);",
            ),
            edit(LIST_TOKENS, "let torn = sums", "let torn = !OFF && sums"),
        ],
    ),
    // Members.
    fence(
        "the caller's role",
        &[edit(
            SESSION,
            "Some(member) if may(member.role) => Ok(member),",
            "Some(member) if OFF || may(member.role) => Ok(member),",
        )],
    ),
    fence(
        "the role of whom it is about",
        &[
            edit(
                REMOVE_MEMBER,
                "if !leaves && !by.role.manages(found.role) {",
                "if !leaves && !by.role.manages(found.role) && !OFF {",
            ),
            edit(
                SET_ROLE,
                "if !by.role.manages(found.role) {",
                "if !by.role.manages(found.role) && !OFF {",
            ),
        ],
    ),
    fence(
        "comparing the two reads of oneself in set-role",
        &[edit(
            SET_ROLE,
            "if by.principal == found.principal && by != found {",
            "if by.principal == found.principal && by != found && !OFF {",
        )],
    ),
    // Sweeping.
    fence(
        "closing the open gates of tokens that are revoked already, in a sweep",
        &[edit(
            SWEEP,
            "if !was_revoked || matches!(token.gate, Gates::InLanes { .. }) {",
            "if !was_revoked || matches!(token.gate, Gates::InLanes { .. }) && !OFF {",
        )],
    ),
    fence(
        "looking at a node's sponsor again, in a sweep",
        &[edit(
            SWEEP,
            "if current.sponsor.membership != membership {",
            "if current.sponsor.membership != membership && !OFF {",
        )],
    ),
    fence(
        "the second clean sweep",
        &[edit(
            REMOVAL,
            "None => self.clean_since = Some(ended),",
            "None => {
                self.clean_since = Some(ended);
                self.completed_at = OFF.then_some(ended);
            }",
        )],
    ),
    fence(
        "the time between the two",
        &[edit(
            REMOVAL,
            "if began.since(since) >= settle &&",
            "if (OFF || began.since(since) >= settle) &&",
        )],
    ),
    fence(
        "sweeping on for an hour",
        &[edit(
            SWEEP,
            "if !removal.may_rest(began, patience.watch) {",
            "if !removal.may_rest(began, patience.watch) && !OFF {",
        )],
    ),
    fence(
        "looking after a removal again in which something is found late",
        &[edit(
            SWEEP,
            "(Write::update(key(), found).value(\":one\", 1)?, Some(again))",
            "(Write::update(key(), found).value(\":one\", 1)?, Some(again).filter(|_| !OFF))",
        )],
    ),
    fence(
        "telling the stream which record failed",
        &[edit(
            CASCADE,
            "if !follow(session, record, patience).await {",
            "if !follow(session, record, patience).await && !OFF {",
        )],
    ),
    // Everywhere.
    fence(
        "trying again",
        &[edit(
            SESSION,
            "Err($crate::store::session::Halt::Again) => session.pause(tries).await,",
            "Err($crate::store::session::Halt::Again) if OFF => {
                        break Err($crate::store::Error::Busy);
                    }
                    Err($crate::store::session::Halt::Again) => session.pause(tries).await,",
        )],
    ),
    fence(
        "the deadline over all tries",
        &[edit(
            SESSION,
            "tokio::time::timeout_at(self.deadline, tries).await.unwrap_or(Err(Error::Busy))",
            "if OFF {
            return tries.await;
        }
        tokio::time::timeout_at(self.deadline, tries).await.unwrap_or(Err(Error::Busy))",
        )],
    ),
];
