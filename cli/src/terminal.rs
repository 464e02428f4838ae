//! Talking to whoever runs a command.

use std::fmt;
use std::io::Write as _;

/// Where to.
pub(crate) enum Stream {
    /// Results.
    Out,
    /// All the rest.
    Error,
}

/// Writes what is said, without what a terminal would act on or turn around: others may have written
/// parts of it. Whoever has closed the stream does not want to read it.
pub(crate) fn write(stream: &Stream, text: fmt::Arguments<'_>, end: &str) {
    let text = printable(&text.to_string());
    let _ = match stream {
        Stream::Out => write!(std::io::stdout(), "{text}{end}"),
        Stream::Error => write!(std::io::stderr(), "{text}{end}"),
    };
}

/// Prints a line.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::terminal::write(&$crate::terminal::Stream::Out, format_args!($($text)*), "\n")
    };
}

/// Prints a line that is no result.
macro_rules! complain {
    ($($text:tt)*) => {
        $crate::terminal::write(&$crate::terminal::Stream::Error, format_args!($($text)*), "\n")
    };
}

/// Prints a question, and stays in its line.
macro_rules! ask {
    ($($text:tt)*) => {
        $crate::terminal::write(&$crate::terminal::Stream::Error, format_args!($($text)*), "")
    };
}

pub(crate) use {ask, complain, say};

/// Prints what programs read, as it is.
pub(crate) fn hand_over(bytes: &[u8]) {
    let _ = std::io::stdout().write_all(bytes);
}

fn printable(text: &str) -> String {
    let is_plain = |c: char| {
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        c == '\n' || !(c.is_control() || turns)
    };
    text.chars().map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect()
}
