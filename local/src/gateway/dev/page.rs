//! The pages of the development issuer: no script, nothing from elsewhere, and what came along
//! escaped.

use std::sync::LazyLock;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use data_encoding::BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

const STYLE: &str = "\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
main { max-width: 22rem; margin: 15vh auto; padding: 0 1rem }
h1 { font-size: 1.5rem }
label { display: block; margin-top: 1rem }
input { box-sizing: border-box; width: 100%; padding: .5rem; font: inherit }
button { margin-top: 1rem; padding: .5rem 1.5rem; font: inherit }
[role=alert] { font-weight: bold }
";

/// The policy of every page, but for where its form may lead.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = BASE64.encode(&Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; style-src 'sha256-{style}'"
    )
});

const WHAT_THIS_IS: &str = "This is Muster’s issuer for development: anyone may sign in as anyone.";

/// Where a person says who they are. `leads_to` is where they are sent then.
pub(super) fn sign_in(status: StatusCode, email: &str, wrong: bool, leads_to: &str) -> Response {
    let form = html! {
        form method="post" {
            (email_field(email, wrong))
            button { "Sign in" }
        }
    };
    page(status, "Sign in", &form, leads_to)
}

/// What is wrong with what was typed in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrong {
    Code,
    Email,
}

/// Where a person types in what another device shows.
pub(super) fn device(
    status: StatusCode,
    code: &str,
    email: &str,
    wrong: Option<Wrong>,
) -> Response {
    let code_is_wrong = wrong == Some(Wrong::Code);
    let form = html! {
        form method="post" action="/dev/device" {
            label for="user_code" { "Code that the device shows" }
            input #user_code name="user_code" value=(code) autocomplete="off" autocapitalize="characters"
                spellcheck="false" required aria-invalid=[code_is_wrong.then_some("true")]
                aria-describedby=[code_is_wrong.then_some("no-code")];
            @if code_is_wrong {
                p #no-code role="alert" { "No device waits with this code. It may have expired." }
            }
            (email_field(email, wrong == Some(Wrong::Email)))
            button { "Sign in" }
        }
    };
    page(status, "Sign in on a device", &form, "")
}

/// What is told when a person has signed in elsewhere.
pub(super) fn done(email: &str) -> Response {
    let told = html! { p { "The device is signed in as " strong { (email) } ". You can close this page." } };
    page(StatusCode::OK, "Signed in", &told, "")
}

/// Why this page is not the one that was asked for.
pub(super) fn refusal(why: &str) -> Response {
    let told = html! {
        p role="alert" { (why) }
        p { "Nobody is signed in. Go back to where you came from." }
    };
    page(StatusCode::BAD_REQUEST, "This is no sign-in", &told, "")
}

fn email_field(email: &str, wrong: bool) -> Markup {
    html! {
        label for="email" { "E-mail" }
        input #email name="email" type="email" value=(email) autocomplete="username" required
            aria-invalid=[wrong.then_some("true")] aria-describedby=[wrong.then_some("no-email")];
        @if wrong {
            p #no-email role="alert" { "That is no e-mail address." }
        }
    }
}

fn page(status: StatusCode, title: &str, content: &Markup, leads_to: &str) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                title { (title) " · Muster" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (title) }
                    p { (WHAT_THIS_IS) }
                    (content)
                }
            }
        }
    };
    let mut response = Response::new(Body::from(page.into_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // Chromium holds a form's redirect to it, too.
    let policy = format!("{}; form-action 'self' {leads_to}", *POLICY);
    if let Ok(policy) = HeaderValue::try_from(policy.trim_end()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
