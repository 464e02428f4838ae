//! The program around [`muster_local::cli::run`].

fn main() -> std::process::ExitCode {
    muster_local::cli::run()
}
