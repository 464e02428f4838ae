//! Who a verified JWT speaks for.

use super::Invalid;
use super::text::text;

text!(
    /// An e-mail address, ASCII and lower-cased.
    ///
    /// Only ASCII, and lower-cased as ASCII: Unicode's lower case turns other people's letters
    /// (the Kelvin sign) into plain ones.
    Email, email
);
text!(
    /// A principal: a person's e-mail address, or `client:` and a machine client's `sub`.
    Principal, principal
);

const CLIENT: &str = "client:";

impl Principal {
    /// The machine client with this `sub`.
    pub fn client(sub: &str) -> Result<Self, Invalid> {
        format!("{CLIENT}{sub}").parse()
    }

    /// The e-mail address, if a person's.
    pub fn email(&self) -> Option<Email> {
        (!self.as_str().starts_with(CLIENT)).then(|| Email(self.as_str().to_owned()))
    }
}

impl From<Email> for Principal {
    fn from(email: Email) -> Self {
        Self(email.into())
    }
}

fn is_graphic(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_graphic())
}

fn email(mut text: String) -> Result<String, Invalid> {
    text.make_ascii_lowercase();
    let good = is_graphic(&text, 254)
        && !text.contains([':', ',', ';', '<', '>', '(', ')', '"', '/', '\\'])
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty() && !domain.contains('@') && !domain.is_empty()
        });
    if good { Ok(text) } else { Err(Invalid("must be an e-mail address")) }
}

fn principal(text: String) -> Result<String, Invalid> {
    match text.strip_prefix(CLIENT) {
        Some(sub) if is_graphic(sub, 128) => Ok(text),
        Some(_) => Err(Invalid("must be client: and 1 to 128 printable ASCII characters")),
        None => email(text)
            .map_err(|_| Invalid("must be an e-mail address, or client: and the client's sub")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_principal_however_it_is_written() {
        let email: Email = "Alice@Example.COM".parse().unwrap();
        assert_eq!(Principal::from(email).as_str(), "alice@example.com");
    }

    #[test]
    fn a_letter_that_unicode_lower_cases_to_ascii_is_refused() {
        assert!("\u{212A}ate@example.com".parse::<Email>().is_err());
    }

    #[test]
    fn no_address_reads_as_a_client_and_no_client_as_an_address() {
        assert!("client:x@example.com".parse::<Email>().is_err());
        assert_eq!(Principal::client("x@example.com").unwrap().email(), None);
        assert_eq!("a@b".parse::<Principal>().unwrap().email().unwrap().as_str(), "a@b");
    }

    #[test]
    fn what_is_neither_is_refused() {
        for bad in ["", "alice", "@b", "a@", "a@b@c", "a b@c", "client:", "client:a b", "a\n@b"] {
            assert!(bad.parse::<Principal>().is_err(), "{bad:?}");
        }
    }
}
