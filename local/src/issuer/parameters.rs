//! The parameters of a query or a form.

use std::collections::HashMap;

use url::form_urlencoded;

/// Parameters by their names. One without a value counts as left out (RFC 6749, section 3.1).
pub(crate) struct Parameters(HashMap<String, String>);

impl Parameters {
    /// `None` if one stands twice.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let mut found = HashMap::new();
        for (name, value) in form_urlencoded::parse(text).filter(|(_, value)| !value.is_empty()) {
            if found.insert(name.into_owned(), value.into_owned()).is_some() {
                return None;
            }
        }
        Some(Self(found))
    }

    /// What a parameter says.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}
