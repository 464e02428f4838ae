//! Hostnames, which a node is known by within its team.

use super::Invalid;
use super::text::text;

text!(
    /// A hostname: ASCII, lower-cased, a trailing dot dropped, at most 253 characters.
    ///
    /// It begins with a letter, a digit or `_` (containers have it); after that also `.` and `-`,
    /// but no `..`.
    Hostname, normalize
);

fn normalize(mut text: String) -> Result<String, Invalid> {
    text.make_ascii_lowercase();
    if text.ends_with('.') {
        text.pop();
    }
    let word = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    let inner = |c: u8| word(c) || c == b'.' || c == b'-';
    let good = match text.as_bytes() {
        [head, tail @ ..] => tail.len() < 253 && word(*head) && tail.iter().all(|c| inner(*c)),
        [] => false,
    };
    if good && !text.contains("..") && !text.ends_with('.') {
        Ok(text)
    } else {
        Err(Invalid(
            "must be 1 to 253 of a-z, 0-9, '_', '-' and single '.', beginning with a letter, digit or '_'",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn case_and_a_trailing_dot_do_not_make_another_host() {
        let plain: Hostname = "web-1.example.com".parse().unwrap();
        assert_eq!("WEB-1.Example.COM.".parse::<Hostname>().unwrap(), plain);
    }

    #[test]
    fn what_may_not_be_is_refused() {
        for bad in [
            "",
            ".",
            "..",
            "-a",
            ".a",
            "a..b",
            "a.b..",
            "a b",
            "a/b",
            "a#b",
            "ä",
            "a\n",
            &"a".repeat(254),
        ] {
            assert!(bad.parse::<Hostname>().is_err(), "{bad:?}");
        }
        for good in ["a", "_dmarc", "0", "a-", &"a".repeat(253), &format!("{}.", "a".repeat(253))] {
            assert!(good.parse::<Hostname>().is_ok(), "{good:?}");
        }
    }

    proptest! {
        #[test]
        fn reading_again_changes_nothing(text in "[a-zA-Z0-9_.-]{1,60}") {
            if let Ok(host) = text.parse::<Hostname>() {
                prop_assert_eq!(host.as_str().parse::<Hostname>().unwrap(), host);
            }
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Hostname>();
        }
    }
}
