//! Takes every condition of the store out, one part at a time, runs the promise tests without it,
//! and writes which of them fail to `docs/promises.md`. Fails if a mutant survives.

use std::io::Write as _;
use std::process::{Command, ExitCode};

use muster_shared::store::CONDITIONS;
use muster_tests::mutant::Mutant;
use muster_tests::page::{PROMISES, write_part};

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(survivors) => {
            say(&format!("{survivors} conditions can be taken out unnoticed; see {PROMISES}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            say(&format!("mutants: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<usize, Box<dyn std::error::Error>> {
    let whole = failing("")?;
    if !whole.is_empty() {
        return Err(format!("tests fail with every condition in: {}", whole.join(", ")).into());
    }
    let mutants = Mutant::all();
    let mut rows = String::new();
    let mut survivors = 0;
    for (n, name) in mutants.iter().enumerate() {
        let failing = failing(name)?;
        say(&format!("{}/{} {name}: {} tests fail", n + 1, mutants.len(), failing.len()));
        survivors += usize::from(failing.is_empty());
        rows.push_str(&row(name, &failing));
    }
    let head = "| without | what is taken out | tests that fail |\n| --- | --- | --- |\n";
    write_part(PROMISES, "make mutants", &format!("{head}{rows}"))?;
    Ok(survivors)
}

/// The promise tests that fail without a condition.
fn failing(without: &str) -> std::io::Result<Vec<String>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let tests = ["test", "--package", "muster-tests", "--test", "promises", "--no-fail-fast"];
    let output = Command::new(cargo).args(tests).env("MUSTER_WITHOUT", without).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let failed =
        text.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    let mut failed: Vec<_> = failed.map(str::to_owned).collect();
    failed.sort();
    if failed.is_empty() && !output.status.success() {
        failed.push("(the tests did not run to their end)".to_owned());
    }
    Ok(failed)
}

fn row(name: &str, failing: &[String]) -> String {
    let (condition, part) = name.split_once('/').unwrap_or((name, "0"));
    let part: usize = part.parse().unwrap_or(0);
    let expression = CONDITIONS.iter().find(|c| c.name == condition).map_or("", |c| c.expression);
    let taken = expression.split(" AND ").nth(part).unwrap_or_default();
    let tests = match failing {
        [] => "**none**".to_owned(),
        some => some.iter().map(|test| format!("`{test}`")).collect::<Vec<_>>().join(", "),
    };
    format!("| {condition} | `{taken}` | {tests} |\n")
}

fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
