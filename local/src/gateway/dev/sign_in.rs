//! How a person signs in with the development issuer: in the browser, for a client that waits for a
//! code, or for one on another device.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use cookie::{Cookie, SameSite};
use muster_shared::domain::principal::Email;
use serde_json::{Value, json};

use crate::gateway::refusal::json_response;
use crate::issuer::{Denied, Issuer, Parameters, Refused};

use super::page::{self, Wrong};

/// Remembers who signed in last, for as long as the browser is open. It proves nothing: anyone may
/// sign in as anyone here.
const SESSION: &str = "muster_dev_session";

pub(super) fn router() -> Router<Arc<Issuer>> {
    Router::new()
        .route("/dev/authorize", get(authorize).post(signed_in))
        .route("/dev/device", get(device).post(signed_in_elsewhere))
        .route("/dev/oauth/device", post(device_code))
        .route("/dev/oauth/token", post(tokens))
        .layer(middleware::map_response(guarded))
}

/// Nothing of a sign-in is kept by a browser, or told to the next page.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// What a client sends a person with, and the page that it leads to.
async fn authorize(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asked = match issuer.asked(parameters(query).as_ref()) {
        Ok(asked) => asked,
        Err(refused) => return refusal(&refused),
    };
    let session = session(&headers);
    if asked.silent {
        // Who is expected must be who is here.
        let expected = asked.hint.as_deref().map(str::parse::<Email>);
        let here =
            session.filter(|session| expected.is_none_or(|hint| hint.as_ref() == Ok(session)));
        let url = match here {
            Some(email) => issuer.granted(&asked, &email),
            None => issuer.login_required(&asked),
        };
        return Redirect::to(url.as_str()).into_response();
    }
    let email = asked.hint.clone().or_else(|| session.map(String::from)).unwrap_or_default();
    page::sign_in(StatusCode::OK, &email, false, &asked.source())
}

/// The form of that page, which is sent to the page's own address.
async fn signed_in(
    State(issuer): State<Arc<Issuer>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let asked = match issuer.asked(parameters(query).as_ref()) {
        Ok(asked) => asked,
        Err(refused) => return refusal(&refused),
    };
    let form = Parameters::parse(&body);
    let typed = typed(form.as_ref(), "email");
    match typed.parse::<Email>() {
        Ok(email) => {
            let url = issuer.granted(&asked, &email);
            remembered(&email, Redirect::to(url.as_str()).into_response())
        }
        Err(_) => page::sign_in(StatusCode::BAD_REQUEST, typed, true, &asked.source()),
    }
}

async fn device(RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let query = parameters(query);
    let email = session(&headers).map(String::from).unwrap_or_default();
    page::device(StatusCode::OK, typed(query.as_ref(), "user_code"), &email, None)
}

async fn signed_in_elsewhere(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Response {
    let form = Parameters::parse(&body);
    let [code, address] = ["user_code", "email"].map(|name| typed(form.as_ref(), name));
    let wrong = match address.parse::<Email>() {
        Err(_) => Wrong::Email,
        Ok(email) if issuer.signed_in_elsewhere(code, &email) => {
            return remembered(&email, page::done(email.as_str()));
        }
        Ok(_) => Wrong::Code,
    };
    page::device(StatusCode::BAD_REQUEST, code, address, Some(wrong))
}

async fn device_code(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Response {
    answer(issuer.device(Parameters::parse(&body).as_ref()))
}

async fn tokens(State(issuer): State<Arc<Issuer>>, body: Bytes) -> Response {
    answer(issuer.tokens(Parameters::parse(&body).as_ref()))
}

fn answer(answer: Result<Value, Denied>) -> Response {
    match answer {
        Ok(answer) => json_response(StatusCode::OK, &answer),
        Err(denied) => {
            let body = json!({ "error": denied.code(), "error_description": denied.to_string() });
            json_response(StatusCode::BAD_REQUEST, &body)
        }
    }
}

fn refusal(refused: &Refused) -> Response {
    match refused {
        Refused::Here(why) => page::refusal(why),
        Refused::There(url) => Redirect::to(url.as_str()).into_response(),
    }
}

fn parameters(query: Option<String>) -> Option<Parameters> {
    Parameters::parse(query.unwrap_or_default().as_bytes())
}

/// What was typed into a field.
fn typed<'a>(form: Option<&'a Parameters>, name: &str) -> &'a str {
    form.and_then(|form| form.get(name)).unwrap_or_default().trim()
}

/// Who signed in last with this browser.
fn session(headers: &HeaderMap) -> Option<Email> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut cookies = values.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == SESSION)?.value().parse().ok()
}

/// An answer after which the browser knows who has signed in.
fn remembered(email: &Email, mut response: Response) -> Response {
    let cookie = Cookie::build((SESSION, email.as_str()));
    let cookie = cookie.path("/dev").http_only(true).same_site(SameSite::Lax);
    if let Ok(cookie) = HeaderValue::try_from(cookie.to_string()) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
