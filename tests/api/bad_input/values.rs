//! Values that are none of what a field may hold.

use serde_json::{Value, json};

/// What is no text.
pub(super) fn no_text() -> Vec<Value> {
    vec![
        json!(7),
        json!(-1),
        json!(0.5),
        json!(true),
        json!(false),
        json!([]),
        json!(["a"]),
        json!({}),
    ]
}

/// What is no short printable text of at most `longest` characters.
pub(super) fn no_name(longest: usize) -> Vec<Value> {
    let mut values = no_text();
    for text in
        ["", " ", "\u{a0}\u{2003}", "a\nb", "a\tb", "a\u{0}b", "\u{0}", "a\u{7f}", "a\u{85}"]
    {
        values.push(text.into());
    }
    values.push("a".repeat(longest + 1).into());
    values.push("\u{1f4a9}".repeat(longest + 1).into());
    values.push("a".repeat(20_000).into());
    values
}

/// What is no kind and no group.
pub(super) fn no_label() -> Vec<Value> {
    let mut values = no_text();
    let texts = [
        "", " ", "A", "Server", "-a", ".a", "_a", "a b", "a/b", "a#b", "a\u{0}", "\u{e4}", "a\n",
        "\u{ff41}", "../a", "a,b",
    ];
    values.extend(texts.map(Value::from));
    values.push("a".repeat(65).into());
    values
}
