//! One request's dealings with the table: reads that are tried again, the pause between tries, the
//! deadline over all of them, and what they cost.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::time::Duration;

use data_encoding::HEXLOWER;
use futures_util::future::join;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::domain::id::TeamId;
use crate::domain::member::Member;
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::role::Role;
use crate::domain::timestamp::Timestamp;
use crate::environment::Environment;

use super::Error;
use super::entity::from_item;
use super::keys::{self, Key, Range};
use super::table::{Cost, Failure, Fault, Item, Meter, Table, Write};

/// The longest first pause between two tries; it doubles with every try, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);
/// Keys that one batch may read.
const BATCH: usize = 100;

/// Why one try of a use case ended without a result.
#[derive(Debug)]
pub(super) enum Halt {
    /// Read again and decide anew, after a pause.
    Again,
    /// It is over.
    Over(Error),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unsettled | Failure::Busy | Failure::Condition(_) => Self::Again,
            Failure::Cancelled(reasons) => reasons.into(),
            Failure::Broken(fault) => Self::Over(fault.into()),
        }
    }
}

impl From<Refusal> for Halt {
    fn from(refusal: Refusal) -> Self {
        Self::Over(refusal.into())
    }
}

impl From<Fault> for Halt {
    fn from(fault: Fault) -> Self {
        Self::Over(fault.into())
    }
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Over(error)
    }
}

/// Runs an attempt again and again, with a pause in between, until it comes to a result or the
/// session to its deadline. The attempt is a block that ends in a `Result` with [`Halt`].
///
/// A macro, because a future made by a closure that borrows can't be told to be `Send`.
macro_rules! until_settled {
    ($session:expr, $attempt:block) => {{
        let session: &$crate::store::Session = $session;
        let tries = async {
            let mut tries = 0;
            loop {
                match $crate::store::session::attempt(async { $attempt }).await {
                    Ok(result) => break Ok(result),
                    Err($crate::store::session::Halt::Over(error)) => break Err(error),
                    Err($crate::store::session::Halt::Again) => session.pause(tries).await,
                }
                tries += 1;
            }
        };
        session.within_deadline(tries).await
    }};
}
pub(super) use until_settled;

/// Says what an attempt comes to.
pub(super) fn attempt<T, F: Future<Output = Result<T, Halt>>>(attempt: F) -> F {
    attempt
}

/// What is done where something else has an item, or capacity is wanting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Contention {
    Waits,
    GivesUp,
}

/// What one request does with the table.
#[derive(Debug)]
pub struct Session {
    table: Table,
    environment: Environment,
    deadline: Instant,
    meter: Meter,
}

impl Session {
    pub(super) fn new(table: Table, environment: Environment, patience: Duration) -> Self {
        let deadline = Instant::now() + patience;
        Self { table, environment, deadline, meter: Meter::default() }
    }

    /// What the request has cost so far.
    pub fn cost(&self) -> Cost {
        self.meter.cost()
    }

    /// Why the last call that had to be tried again had to be, for the log.
    pub fn unsettled(&self) -> Option<String> {
        self.meter.unsettled()
    }

    /// Says why it has to be tried again.
    pub(super) fn note(&self, why: String) {
        self.meter.note(why);
    }

    /// What surrounds the functions.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The current second.
    pub fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    pub(super) fn draw<const N: usize>(&self) -> [u8; N] {
        self.environment.draw()
    }

    /// A number below `bound`, or 0 if that is 0.
    pub(super) fn draw_below(&self, bound: usize) -> usize {
        let drawn = u64::from_be_bytes(self.draw());
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        drawn.checked_rem(bound).and_then(|n| usize::try_from(n).ok()).unwrap_or(0)
    }

    /// Gives up at the deadline.
    pub(super) async fn within_deadline<T>(
        &self,
        tries: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::time::timeout_at(self.deadline, tries).await.unwrap_or(Err(Error::Busy))
    }

    /// Waits before the next try: full jitter, over a time that doubles with every try.
    pub(super) async fn pause(&self, tries: u32) {
        let longest = FIRST_PAUSE.saturating_mul(1 << tries.min(16)).min(LONGEST_PAUSE);
        let nanos = usize::try_from(longest.as_nanos()).unwrap_or(usize::MAX);
        let drawn = u64::try_from(self.draw_below(nanos)).unwrap_or(0);
        tokio::time::sleep(Duration::from_nanos(drawn)).await;
    }

    /// Reads one entity.
    pub(super) async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, Error> {
        let item = until_settled!(self, { Ok(Box::pin(self.table.get(&self.meter, key)).await?) })?;
        Ok(item.map(from_item).transpose()?)
    }

    /// Reads the items at `keys`, all of them: what a batch leaves unread is unknown, not absent.
    pub(super) async fn get_all(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Error> {
        let mut found = HashMap::with_capacity(keys.len());
        for chunk in keys.chunks(BATCH) {
            let mut unread = chunk.to_vec();
            until_settled!(self, {
                let (items, rest) = Box::pin(self.table.batch_get(&self.meter, &unread)).await?;
                found.extend(items.into_iter().filter_map(|item| Some((Key::of(&item)?, item))));
                unread = rest;
                if unread.is_empty() { Ok(()) } else { Err(Halt::Again) }
            })?;
        }
        Ok(found)
    }

    /// Reads the items at `keys` as they are together: no transaction is seen by halves.
    pub(super) async fn get_together(&self, keys: &[Key]) -> Result<HashMap<Key, Item>, Error> {
        let items = until_settled!(self, {
            Ok(Box::pin(self.table.transact_get(&self.meter, keys)).await?)
        })?;
        let found = keys.iter().cloned().zip(items);
        Ok(found.filter_map(|(key, item)| Some((key, item?))).collect())
    }

    /// Walks a range, entity by entity, in the order of its sort keys, from after `after`, `page`
    /// items at a time.
    pub(super) fn walk<T: DeserializeOwned>(
        &self,
        range: Range,
        after: Option<&Key>,
        page: Option<i32>,
    ) -> Walk<'_, T> {
        Walk {
            session: self,
            range,
            page,
            read: Vec::new().into_iter(),
            next: after.map_or(Start::Beginning, |key| Start::After(key.attributes())),
            entity: PhantomData,
        }
    }

    /// Reads a whole range.
    pub(super) async fn all<T: DeserializeOwned>(&self, range: Range) -> Result<Vec<T>, Error> {
        let mut walk = self.walk(range, None, None);
        let mut found = Vec::new();
        while let Some(entity) = walk.next().await? {
            found.push(entity);
        }
        Ok(found)
    }

    /// Reads the first `limit` entities of a range after `after`.
    pub(super) async fn first<T: DeserializeOwned>(
        &self,
        range: Range,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<T>, Error> {
        let page = i32::try_from(limit).ok();
        let mut found = Vec::new();
        let mut walk = self.walk(range, after, page);
        while found.len() < limit
            && let Some(entity) = walk.next().await?
        {
            found.push(entity);
        }
        Ok(found)
    }

    /// Sends one write, once.
    pub(super) async fn write(&self, write: Write) -> Result<Option<Item>, Failure> {
        Box::pin(self.table.write(&self.meter, write)).await
    }

    /// Sends one update, once, and answers with the item as it is then.
    pub(super) async fn update(&self, update: Write) -> Result<Item, Failure> {
        let item = self.write(update).await?;
        Ok(item.ok_or_else(|| Fault("an update answered without its item".to_owned()))?)
    }

    /// Sends writes, in a transaction unless it is a put alone, until they are through or a condition
    /// refuses them.
    ///
    /// What was not answered may be applied later, even after a refusal that a fresh read would lead
    /// to. Sent again as it was, it goes through once, or its conditions tell that it can't any more.
    /// A put alone has no token: where an answer was lost, its condition may refuse what it has put.
    pub(super) async fn send(&self, writes: Vec<Write>) -> Result<(), Failure> {
        self.send_through(|| Ok(writes.clone()), Contention::Waits).await
    }

    /// Sends writes as [`Session::send`] does, but gives up at the first contention, unless what was
    /// sent before was not answered: contention says nothing of that. The writes are made for each
    /// call, which costs less than to keep them for another that is hardly ever made.
    pub(super) async fn offer(
        &self,
        writes: impl Fn() -> Result<Vec<Write>, Fault>,
    ) -> Result<(), Failure> {
        self.send_through(writes, Contention::GivesUp).await
    }

    /// Sends writes in a transaction, once.
    pub(super) async fn send_once(&self, writes: Vec<Write>) -> Result<(), Failure> {
        self.transact(writes, &self.transaction_token()).await
    }

    fn transaction_token(&self) -> String {
        HEXLOWER.encode(&self.draw::<16>())
    }

    async fn transact(&self, writes: Vec<Write>, token: &str) -> Result<(), Failure> {
        Box::pin(self.table.transact(&self.meter, writes, token)).await
    }

    async fn send_through(
        &self,
        writes: impl Fn() -> Result<Vec<Write>, Fault>,
        contention: Contention,
    ) -> Result<(), Failure> {
        let token = self.transaction_token();
        let (mut tries, mut is_unanswered) = (0, false);
        loop {
            let answer = match <[Write; 1]>::try_from(writes()?) {
                Ok([put]) if put.is_put() => self.write(put).await.map(drop),
                Ok(alone) => self.transact(alone.into(), &token).await,
                Err(several) => self.transact(several, &token).await,
            };
            let waits = is_unanswered || contention == Contention::Waits;
            match answer {
                Err(Failure::Unsettled) => is_unanswered = true,
                Err(failure) if failure.is_contention() && waits => {}
                settled => return settled,
            }
            self.pause(tries).await;
            tries += 1;
        }
    }

    /// The caller's membership of `team`, if its role is one that `may`. A team that the caller is
    /// no member of does not exist for them.
    pub(super) async fn authorize(
        &self,
        team: TeamId,
        caller: &Principal,
        may: impl FnOnce(Role) -> bool,
    ) -> Result<Member, Error> {
        let member: Option<Member> = self.get(&keys::member(team, caller)).await?;
        match member {
            None => Err(Refusal::NotFound.into()),
            Some(member) if may(member.role) => Ok(member),
            Some(_) => Err(Refusal::Forbidden.into()),
        }
    }

    /// Reads while [`Session::authorize`] does, and gives out what was read only if the caller may
    /// see it. Whoever is signed in can have it read, so it must be little.
    pub(super) async fn authorize_beside<T>(
        &self,
        team: TeamId,
        caller: &Principal,
        may: impl FnOnce(Role) -> bool,
        read: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let (member, read) = join(self.authorize(team, caller, may), read).await;
        member?;
        read
    }
}

/// Where the next page of a range begins.
enum Start {
    Beginning,
    After(Item),
    Nowhere,
}

/// A range being read.
pub(super) struct Walk<'a, T> {
    session: &'a Session,
    range: Range,
    page: Option<i32>,
    read: std::vec::IntoIter<Item>,
    next: Start,
    entity: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Walk<'_, T> {
    /// The next entity, or `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<T>, Error> {
        let Session { table, meter, .. } = self.session;
        loop {
            if let Some(item) = self.read.next() {
                return Ok(Some(from_item(item)?));
            }
            let after = match &self.next {
                Start::Beginning => None,
                Start::After(key) => Some(key),
                Start::Nowhere => return Ok(None),
            };
            let page = until_settled!(self.session, {
                Ok(Box::pin(table.query(meter, &self.range, after.cloned(), self.page)).await?)
            })?;
            self.read = page.items.into_iter();
            self.next = page.next.map_or(Start::Nowhere, Start::After);
        }
    }
}
