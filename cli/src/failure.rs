//! Why a command did not do what it was asked to, and what to do next.

use std::path::PathBuf;

use crate::problem::Problem;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Something that was given is wrong.
    #[error("{0}")]
    Usage(String),
    /// The control plane refuses, and will again.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// The control plane or the issuer can't be reached, or is busy.
    #[error("{control} does not answer: {why}")]
    Unreachable {
        /// Where it should be.
        control: String,
        /// What was tried last.
        why: String,
    },
    /// What answers is no control plane.
    #[error("what answers at {control} is no control plane of Muster: {why}")]
    Strange {
        /// Where it should be.
        control: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The clocks differ too much for a proof.
    #[error("this machine's clock is {0} the control plane's")]
    Clock(String),
    /// This machine is in no team.
    #[error("this machine has not joined")]
    NotJoined,
    /// This machine was in a team, and is not any more.
    #[error("this machine was removed from its team")]
    Removed,
    /// Nobody is signed in, or not any more.
    #[error("nobody is signed in")]
    SignedOut,
    /// Signing in did not go well.
    #[error("the issuer {issuer} did not sign you in: {why}")]
    SignIn {
        /// The issuer.
        issuer: String,
        /// What it says.
        why: String,
    },
    /// Whoever was asked said no.
    #[error("nothing was changed")]
    Declined,
    /// Nobody was there to be asked.
    #[error("{0}")]
    Unconfirmed(String),
    /// What makes something was sent, and nobody knows what became of it.
    #[error("{control} does not answer ({why}), and may have done it all the same")]
    Unsure {
        /// Where it was sent to.
        control: String,
        /// What happened.
        why: String,
    },
    /// What is kept on this machine can't be used.
    #[error("{}: {why}", .path.display())]
    State {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl Failure {
    /// What a program reads: 1 not confirmed, 2 wrong use, 3 refused, 4 not reached, 5 not joined, removed or
    /// not signed in, 6 trouble on this machine.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Declined | Self::Unconfirmed(_) => 1,
            Self::Usage(_) => 2,
            Self::Refused(_) | Self::SignIn { .. } => 3,
            Self::Unreachable { .. } | Self::Strange { .. } | Self::Unsure { .. } => 4,
            Self::NotJoined | Self::Removed | Self::SignedOut => 5,
            Self::Clock(_) | Self::State { .. } => 6,
        }
    }

    /// What to do next, where the message does not say it.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        match self {
            Self::NotJoined => Some("Join with `muster up --control https://… --token enrt_…`."),
            Self::Removed => {
                Some("Ask an admin of the team for a token, and join again with `muster up`.")
            }
            Self::Clock(_) => {
                Some("Set the clock, or start its time synchronization, and try again.")
            }
            Self::Unreachable { .. } => Some("Check the address and the network, and try again."),
            Self::Strange { .. } => Some("Check the address: `--control`, or MUSTER_URL."),
            Self::Refused(problem) if problem.code == "hostname-conflict" => Some(
                "Join under another name with `--hostname`, or ask an admin of the team to remove \
                 the node that has this one.",
            ),
            Self::SignedOut => Some("Sign in with `muster login`."),
            Self::Unsure { .. } => Some("See whether it is there before you ask for it again."),
            Self::Refused(_)
            | Self::SignIn { .. }
            | Self::Declined
            | Self::Unconfirmed(_)
            | Self::Usage(_)
            | Self::State { .. } => None,
        }
    }

    /// Something on this machine that can't be used.
    pub(crate) fn state(path: impl Into<PathBuf>, why: &(impl std::fmt::Display + ?Sized)) -> Self {
        Self::State { path: path.into(), why: why.to_string() }
    }
}
