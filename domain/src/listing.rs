//! Lists of tokens: filtered, searched, sorted and cut into pages.

use std::cmp::Ordering;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Invalid;
use super::gate::Usage;
use super::id::TokenId;
use super::timestamp::Timestamp;
use super::token::{Status, Token};

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// When the token was made.
    #[default]
    CreatedAt,
    /// How often it was used.
    UseCount,
    /// Its name, in whatever case.
    Name,
}

impl FromStr for Sort {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "created_at" => Ok(Self::CreatedAt),
            "use_count" => Ok(Self::UseCount),
            "name" => Ok(Self::Name),
            _ => Err(Invalid("must be created_at, use_count or name")),
        }
    }
}

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The smallest.
    Asc,
    /// The largest.
    Desc,
}

impl FromStr for Order {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(Invalid("must be asc or desc")),
        }
    }
}

/// Which tokens are asked for, and in which order.
#[derive(Debug, Clone)]
pub struct TokenQuery {
    /// Tokens in this state.
    pub status: Option<Status>,
    /// Tokens whose name or maker contains this, in whatever case.
    pub q: Option<String>,
    /// What they are sorted by.
    pub sort: Sort,
    /// Which end comes first.
    pub order: Order,
}

/// Where a token stands in a list sorted one way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    sort: Sort,
    order: Order,
    key: Key,
    id: TokenId,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
enum Key {
    Number(i64),
    Text(String),
}

impl Place {
    /// Whether this is a place in the list that `query` asks for.
    pub fn is_of(&self, query: &TokenQuery) -> bool {
        self.sort == query.sort && self.order == query.order
    }

    fn cmp(&self, other: &Self) -> Ordering {
        let ascending = (&self.key, self.id).cmp(&(&other.key, other.id));
        match self.order {
            Order::Asc => ascending,
            Order::Desc => ascending.reverse(),
        }
    }
}

impl TokenQuery {
    /// The tokens that the query admits, in its order, after `after`, at most `limit`.
    pub fn select<'a>(
        &self,
        tokens: &'a [(Token, Usage)],
        after: Option<&Place>,
        limit: usize,
        now: Timestamp,
    ) -> Vec<&'a (Token, Usage)> {
        let q = self.q.as_ref().map(|q| q.to_lowercase());
        let mut placed: Vec<_> = tokens
            .iter()
            .filter(|(token, usage)| self.status.is_none_or(|s| token.status(*usage, now) == s))
            .filter(|(token, _)| q.as_ref().is_none_or(|q| is_found(token, q)))
            .map(|listed| (self.place(&listed.0, listed.1), listed))
            .filter(|(place, _)| after.is_none_or(|after| after.cmp(place).is_lt()))
            .collect();
        let by_place = |a: &(Place, _), b: &(Place, _)| a.0.cmp(&b.0);
        if limit < placed.len() {
            placed.select_nth_unstable_by(limit, by_place);
            placed.truncate(limit);
        }
        placed.sort_unstable_by(by_place);
        placed.into_iter().map(|(_, listed)| listed).collect()
    }

    /// Where a token stands in the list that the query asks for.
    pub fn place(&self, token: &Token, usage: Usage) -> Place {
        let key = match self.sort {
            Sort::CreatedAt => Key::Number(token.created_at.as_unix()),
            Sort::UseCount => Key::Number(i64::try_from(usage.used).unwrap_or(i64::MAX)),
            Sort::Name => Key::Text(token.name.as_str().to_lowercase()),
        };
        Place { sort: self.sort, order: self.order, key, id: token.id }
    }
}

fn is_found(token: &Token, q: &str) -> bool {
    token.name.as_str().to_lowercase().contains(q)
        || token.created_by.as_str().to_lowercase().contains(q)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, token};
    use proptest::prelude::*;

    fn sample(n: u8, name: &str, used: u64) -> (Token, Usage) {
        let mut token = token(Some(10));
        token.id = TokenId::from_bytes([n; 8]);
        token.name = name.parse().unwrap();
        token.created_at = at(i64::from(n / 2));
        (token, Usage { used, last_used_at: None })
    }

    fn names<'a>(found: &[&'a (Token, Usage)]) -> Vec<&'a str> {
        found.iter().map(|(token, _)| token.name.as_str()).collect()
    }

    fn query(sort: Sort, order: Order) -> TokenQuery {
        TokenQuery { status: None, q: None, sort, order }
    }

    #[test]
    fn a_list_is_sorted_as_asked() {
        let all = [sample(1, "b", 3), sample(2, "A", 10), sample(3, "c", 0)];
        let sorted = |sort, order| {
            let found = query(sort, order).select(&all, None, 10, at(0));
            names(&found).join("")
        };
        assert_eq!(sorted(Sort::Name, Order::Asc), "Abc");
        assert_eq!(sorted(Sort::UseCount, Order::Desc), "Abc");
        assert_eq!(sorted(Sort::CreatedAt, Order::Desc), "cAb");
    }

    #[test]
    fn a_list_is_filtered_and_searched() {
        let all = [sample(1, "Ansible", 3), sample(2, "CI", 10)];
        let mut by_status = query(Sort::Name, Order::Asc);
        by_status.status = Some(Status::Exhausted);
        assert_eq!(names(&by_status.select(&all, None, 10, at(0))), ["CI"]);
        let mut by_name = query(Sort::Name, Order::Asc);
        by_name.q = Some("ANSI".to_owned());
        assert_eq!(names(&by_name.select(&all, None, 10, at(0))), ["Ansible"]);
        by_name.q = Some("alice@".to_owned());
        assert_eq!(by_name.select(&all, None, 10, at(0)).len(), 2);
    }

    proptest! {
        #[test]
        fn pages_put_together_are_the_list(used in proptest::collection::vec(0_u64..5, 0..40), limit in 1_usize..7) {
            let numbered = (0_u8..).zip(&used);
            let all: Vec<_> = numbered.map(|(n, used)| sample(n, "same", *used)).collect();
            let query = query(Sort::UseCount, Order::Desc);
            let whole = query.select(&all, None, usize::MAX, at(0));
            let mut pages = Vec::new();
            let mut after = None;
            loop {
                let page = query.select(&all, after.as_ref(), limit, at(0));
                let Some((token, usage)) = page.last() else { break };
                after = Some(query.place(token, *usage));
                pages.extend(page);
            }
            prop_assert_eq!(pages, whole);
        }
    }
}
