//! AWS Signature Version 4 for the one kind of request that DynamoDB takes: `POST /` with all that
//! matters in its body and in `x-amz-` headers.
//!
//! The SDK's own signer derives the day's key anew for every request. It is kept here, which halves
//! the instructions that signing takes (`make bench-warm`).

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use aws_sdk_dynamodb::config::{Credentials, Region};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::{
    AuthScheme, AuthSchemeEndpointConfig, AuthSchemeId, Sign,
};
use aws_smithy_runtime_api::client::identity::{Identity, SharedIdentityResolver};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::{GetIdentityResolver, RuntimeComponents};
use aws_smithy_types::config_bag::ConfigBag;
use data_encoding::HEXLOWER;
use ring::{digest, hmac};
use time::OffsetDateTime;

/// What the SDK calls it: the scheme of this id is the one that it signs with.
const ID: AuthSchemeId = AuthSchemeId::new("sigv4");
const SERVICE: &str = "dynamodb";

/// Signs requests, and keeps the key that it last signed with.
#[derive(Default)]
pub(super) struct SigV4(Mutex<Option<DayKey>>);

impl fmt::Debug for SigV4 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigV4")
    }
}

impl AuthScheme for SigV4 {
    fn scheme_id(&self) -> AuthSchemeId {
        ID
    }

    fn identity_resolver(
        &self,
        resolvers: &dyn GetIdentityResolver,
    ) -> Option<SharedIdentityResolver> {
        resolvers.identity_resolver(ID)
    }

    fn signer(&self) -> &dyn Sign {
        self
    }
}

impl Sign for SigV4 {
    fn sign_http_request(
        &self,
        request: &mut HttpRequest,
        identity: &Identity,
        _: AuthSchemeEndpointConfig<'_>,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        let credentials = identity.data::<Credentials>().ok_or("there are no credentials")?;
        let region = config.load::<Region>().ok_or("there is no region")?;
        let now = components.time_source().ok_or("there is no time")?.now();
        self.sign(request, credentials, region.as_ref(), &Stamp::of(now))
    }
}

impl SigV4 {
    fn sign(
        &self,
        request: &mut HttpRequest,
        credentials: &Credentials,
        region: &str,
        now: &Stamp,
    ) -> Result<(), BoxError> {
        request.headers_mut().try_insert("x-amz-date", now.0.clone())?;
        if let Some(token) = credentials.session_token() {
            request.headers_mut().try_insert("x-amz-security-token", token.to_owned())?;
        }
        let (canonical, signed) = canonical(request)?;
        let scope = format!("{}/{region}/{SERVICE}/aws4_request", now.date());
        let mut to_sign = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n", now.0);
        HEXLOWER.encode_append(sha256(canonical.as_bytes()).as_ref(), &mut to_sign);
        let signature = self.signature(credentials, region, now, to_sign.as_bytes());
        let mut authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature=",
            credentials.access_key_id()
        );
        HEXLOWER.encode_append(signature.as_ref(), &mut authorization);
        request.headers_mut().try_insert("authorization", authorization)?;
        Ok(())
    }

    fn signature(
        &self,
        credentials: &Credentials,
        region: &str,
        now: &Stamp,
        to_sign: &[u8],
    ) -> hmac::Tag {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = kept.take().filter(|key| key.is_of(credentials, region, now.date()));
        let key = kept.insert(key.unwrap_or_else(|| DayKey::of(credentials, region, now.date())));
        hmac::sign(&key.key, to_sign)
    }
}

/// What is signed of a request, in canonical form, and the names of its signed headers.
fn canonical(request: &HttpRequest) -> Result<(String, String), BoxError> {
    let (scheme, rest) = request.uri().split_once("://").ok_or("the URL has no scheme")?;
    let host = rest.strip_suffix('/').unwrap_or(rest);
    // The port that a scheme has anyway is left out of the Host header.
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host);
    if request.method() != "POST" || host.contains(['/', '?']) {
        return Err("only POST / is signed".into());
    }
    let headers = request.headers().iter().filter(|(name, _)| name.starts_with("x-amz-"));
    let mut headers: Vec<_> = headers.chain([("host", host)]).collect();
    headers.sort_unstable();
    let mut canonical = "POST\n/\n\n".to_owned();
    let mut signed = String::new();
    for (name, value) in headers {
        writeln!(canonical, "{name}:{}", value.trim())?;
        if !signed.is_empty() {
            signed.push(';');
        }
        signed.push_str(name);
    }
    let body = request.body().bytes().ok_or("only a body in memory is signed")?;
    write!(canonical, "\n{signed}\n")?;
    HEXLOWER.encode_append(sha256(body).as_ref(), &mut canonical);
    Ok((canonical, signed))
}

fn sha256(bytes: &[u8]) -> digest::Digest {
    digest::digest(&digest::SHA256, bytes)
}

/// A point in time as a signature has it: `20300317T174640Z`.
struct Stamp(String);

impl Stamp {
    fn of(time: SystemTime) -> Self {
        let time = OffsetDateTime::from(time);
        let (year, month, day) = time.to_calendar_date();
        let (hour, minute, second) = time.to_hms();
        let month = u8::from(month);
        Self(format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z"))
    }

    fn date(&self) -> &str {
        self.0.split('T').next().unwrap_or_default()
    }
}

/// The key of one day in one region.
struct DayKey {
    credentials: Credentials,
    region: String,
    date: String,
    key: hmac::Key,
}

impl DayKey {
    fn of(credentials: &Credentials, region: &str, date: &str) -> Self {
        let secret = zeroize::Zeroizing::new(format!("AWS4{}", credentials.secret_access_key()));
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        let key = [date, region, SERVICE, "aws4_request"].into_iter().fold(secret, |key, part| {
            let derived = hmac::sign(&key, part.as_bytes());
            hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref())
        });
        let (region, date) = (region.to_owned(), date.to_owned());
        Self { credentials: credentials.clone(), region, date, key }
    }

    fn is_of(&self, credentials: &Credentials, region: &str, date: &str) -> bool {
        self.date == date && self.region == region && self.credentials == *credentials
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
    use aws_sigv4::sign::v4;
    use aws_smithy_types::body::SdkBody;
    use proptest::prelude::*;

    use super::*;

    const DAY: u64 = 86_400;

    fn request(host: &str, body: &str) -> HttpRequest {
        let mut request = HttpRequest::new(SdkBody::from(body));
        request.set_method("POST").unwrap();
        request.set_uri(format!("https://{host}/")).unwrap();
        request.headers_mut().insert("content-type", "application/x-amz-json-1.0");
        request.headers_mut().insert("x-amz-target", "DynamoDB_20120810.GetItem");
        request
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The `Authorization` of the crate that the SDK signs with.
    fn reference(
        request: &HttpRequest,
        credentials: &Credentials,
        region: &str,
        time: SystemTime,
    ) -> String {
        let identity = credentials.clone().into();
        let params = v4::SigningParams::builder().identity(&identity).region(region);
        let params = params.name(SERVICE).time(time).settings(SigningSettings::default());
        let params = params.build().unwrap().into();
        let headers = [("x-amz-target", request.headers().get("x-amz-target").unwrap())];
        let body = SignableBody::Bytes(request.body().bytes().unwrap());
        let signable = SignableRequest::new("POST", request.uri(), headers.into_iter(), body);
        let (instructions, _) = sign(signable.unwrap(), &params).unwrap().into_parts();
        let (headers, _) = instructions.into_parts();
        let authorization = headers.iter().find(|header| header.name() == "authorization");
        authorization.unwrap().value().to_owned()
    }

    proptest! {
        #[test]
        fn it_signs_as_the_sdk_does(
            days in prop::collection::vec(0..60_000_u64, 1..4),
            second in 0..DAY,
            body in ".*",
            region in "[a-z]{2}-[a-z]{4,9}-[1-9]",
            secret in "[A-Za-z0-9/+]{40}",
            token in proptest::option::of("[A-Za-z0-9/+=]{1,300}"),
        ) {
            let signer = SigV4::default();
            let credentials = Credentials::new("AKIDEXAMPLE", secret, token, None, "test");
            let host = format!("dynamodb.{region}.amazonaws.com");
            for day in days {
                let time = at(day * DAY + second);
                let mut call = request(&host, &body);
                let expected = reference(&call, &credentials, &region, time);
                signer.sign(&mut call, &credentials, &region, &Stamp::of(time)).unwrap();
                prop_assert_eq!(call.headers().get("authorization"), Some(expected.as_str()));
            }
        }
    }

    #[test]
    fn a_key_is_kept_for_whom_it_was_made_for_alone() {
        let signer = SigV4::default();
        let time = at(20_000 * DAY);
        for secret in ["one", "two", "one"] {
            let credentials = Credentials::new("AKIDEXAMPLE", secret, None, None, "test");
            for region in ["eu-central-1", "eu-central-2"] {
                let mut call = request("localhost:8000", "{}");
                let expected = reference(&call, &credentials, region, time);
                signer.sign(&mut call, &credentials, region, &Stamp::of(time)).unwrap();
                assert_eq!(call.headers().get("authorization"), Some(expected.as_str()));
            }
        }
    }

    #[test]
    fn a_port_is_signed_unless_it_is_the_scheme_s_own() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        let time = at(20_000 * DAY);
        for scheme in ["http", "https"] {
            for port in ["", ":80", ":443", ":8443", ":4430"] {
                let mut signed = request("localhost", "{}");
                signed.set_uri(format!("{scheme}://localhost{port}/")).unwrap();
                let expected = reference(&signed, &credentials, "eu-central-1", time);
                let stamp = Stamp::of(time);
                SigV4::default().sign(&mut signed, &credentials, "eu-central-1", &stamp).unwrap();
                let authorization = signed.headers().get("authorization");
                assert_eq!(authorization, Some(expected.as_str()), "{scheme} {port}");
            }
        }
    }

    #[test]
    fn what_dynamodb_does_not_take_is_not_signed() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        for (method, uri) in [
            ("GET", "https://localhost/"),
            ("POST", "https://localhost/path"),
            ("POST", "https://localhost/?query"),
            ("POST", "localhost"),
        ] {
            let mut request = request("localhost", "{}");
            request.set_method(method).unwrap();
            request.set_uri(uri).unwrap();
            let signed = SigV4::default().sign(&mut request, &credentials, "", &Stamp::of(at(0)));
            assert!(signed.is_err(), "{method} {uri}");
        }
    }
}
