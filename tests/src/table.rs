//! The table as it lies there, read past the store, and what must be true of it at any time.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_dynamodb::types::AttributeValue;
use muster_local::engine::Engine;

/// An item.
pub type Item = std::collections::HashMap<String, AttributeValue>;

/// All items, in the order of their keys.
#[derive(Debug, PartialEq)]
pub struct Contents(Vec<Item>);

/// A text attribute, `.`-separated for nested ones.
pub fn text<'a>(item: &'a Item, path: &str) -> Option<&'a str> {
    at(item, path)?.as_s().ok().map(String::as_str)
}

/// A number.
pub fn number(item: &Item, path: &str) -> Option<u64> {
    at(item, path)?.as_n().ok()?.parse().ok()
}

fn at<'a>(item: &'a Item, path: &str) -> Option<&'a AttributeValue> {
    let mut names = path.split('.');
    let mut value = item.get(names.next()?)?;
    for name in names {
        value = value.as_m().ok()?.get(name)?;
    }
    Some(value)
}

impl Contents {
    /// Reads the whole table.
    pub async fn read(engine: &Engine) -> Self {
        let client = engine.client();
        let mut items = Vec::new();
        let mut after = None;
        loop {
            let scan = client.scan().table_name(engine.table()).set_exclusive_start_key(after);
            let page = scan.send().await.expect("a scan");
            items.extend(page.items.unwrap_or_default());
            after = page.last_evaluated_key;
            if after.is_none() {
                items.sort_by_cached_key(|item| {
                    (text(item, "pk").map(str::to_owned), text(item, "sk").map(str::to_owned))
                });
                return Self(items);
            }
        }
    }

    /// The items whose sort key begins with `prefix`.
    pub fn of<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Item> {
        self.0.iter().filter(move |item| text(item, "sk").unwrap_or_default().starts_with(prefix))
    }

    /// The nodes.
    pub fn nodes(&self) -> Vec<&Item> {
        self.of("NODE#").collect()
    }

    /// The uses that passed a token's gates.
    pub fn uses(&self, token: &str) -> u64 {
        let own = self.of("TOKEN#").filter(|item| text(item, "id") == Some(token));
        let lanes = self.of("GATE#").filter(|item| text(item, "token") == Some(token));
        own.chain(lanes).filter_map(|item| number(item, "gate.used")).sum()
    }

    /// Checks what holds of every table, whatever has happened to it.
    pub fn check(&self) {
        let mut addresses = BTreeMap::new();
        for address in self.of("ADDR") {
            let key = text(address, "pk").expect("a key").to_owned();
            addresses.insert(key, text(address, "node").expect("a holder"));
        }
        let mut held = BTreeSet::new();
        for node in self.nodes() {
            let device = node.contains_key("public_key");
            assert_eq!(
                device,
                node.contains_key("private_ip"),
                "a device has an address: {node:?}"
            );
            let Some(ip) = text(node, "private_ip") else { continue };
            let team = text(node, "pk").expect("a key").split("#LANE#").next().unwrap_or_default();
            let key = format!("{team}#ADDR#{ip}");
            let holder = addresses.get(&key).copied();
            assert_eq!(holder, text(node, "id"), "promise 8: {ip} is held by who has it");
            assert!(held.insert(key), "promise 8: {ip} is held once");
        }
        assert_eq!(held.len(), addresses.len(), "promise 8: no address is held by nobody");
        for gate in self.of("GATE#").chain(self.of("TOKEN#")) {
            if let (Some(used), Some(quota)) =
                (number(gate, "gate.used"), number(gate, "gate.quota"))
            {
                assert!(used <= quota, "promise 1: {gate:?}");
            }
        }
        for team in self.of("TEAM").filter(|item| item.contains_key("owners")) {
            let owners = self
                .of("MEMBER#")
                .filter(|item| text(item, "pk") == text(team, "pk"))
                .filter(|item| text(item, "role") == Some("owner"))
                .count();
            assert_eq!(number(team, "owners"), u64::try_from(owners).ok(), "owners are counted");
            assert!(owners > 0, "a team has an owner");
        }
    }
}
