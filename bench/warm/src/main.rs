//! `make bench-warm`: how many instructions a warm register-node takes for a new node, part by part.
//!
//! Run without arguments, it counts: it runs itself under callgrind, one part at a time, so many and
//! twice as many times; half the difference is one time, without what starting takes. Run as
//! `bench-warm PART TIMES`, it does that part so often. Nothing of it is a matter of chance: the
//! clock stands still, random bytes come in sequence, and DynamoDB's answers are fixed.

mod answers;
mod baseline;
mod calls;
mod count;
mod error;
mod part;
mod unsigned;
mod work;

use std::io::Write;
use std::process::ExitCode;

use error::Error;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let done = match arguments.as_slice() {
        [] => count::hold_to_baseline(),
        [write] if write == "--write-baseline" => count::write_baseline(),
        [part, times] => work::run(part, times),
        _ => Err(Error::Usage),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is nobody left to tell if stderr is gone.
            let _ = writeln!(std::io::stderr(), "bench-warm: {error}");
            ExitCode::FAILURE
        }
    }
}
