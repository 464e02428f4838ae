//! `infra/openapi.yaml` against the code: routes, who may call, codes, examples. Every request and
//! answer of every other test is held to it besides: see `support/contract.rs`.

use std::collections::{BTreeMap, BTreeSet};

use lambda_http::Body;
use lambda_http::http::Method;
use muster_local::endpoints;
use muster_shared::domain::id::NodeId;
use muster_shared::domain::refusal::{Holder, Refusal};
use muster_shared::domain::timestamp::Timestamp;
use muster_shared::http::proof::{self, Expected, ProofError};
use muster_shared::http::{Auth, Problem};
use muster_shared::store::Fault;
use serde_json::{Value, json};

use crate::support::api::encoded;
use crate::support::contract::contract;
use crate::support::device::Device;
use crate::support::service::Service;

const PLAINTEXT: &str = include_str!("../../../domain/src/plaintext.sample");

#[test]
fn the_document_has_the_routes_of_the_code_and_who_may_call_them() {
    let code: BTreeSet<_> = endpoints()
        .iter()
        .map(|endpoint| {
            let scheme = match endpoint.auth {
                Auth::Anyone => None,
                Auth::Jwt => Some("jwt"),
                Auth::EnrollmentToken => Some("enrollmentToken"),
                Auth::DeviceKey => Some("deviceKey"),
            };
            let route = (endpoint.method.to_string(), endpoint.path.to_owned());
            (endpoint.name.to_owned(), route, scheme.into_iter().collect())
        })
        .collect();
    let documented = contract().operations().into_iter().map(|operation| {
        let security = operation.security();
        (operation.id, (operation.method, operation.path), security)
    });
    assert_eq!(documented.collect::<BTreeSet<_>>(), code);
}

/// The problem after another one, so that the compiler asks for each that there is.
fn after(problem: &Problem) -> Option<Problem> {
    let next = match problem {
        Problem::InvalidRequest(_) => Problem::TooLarge,
        Problem::TooLarge => Problem::Unauthenticated,
        Problem::Unauthenticated => Problem::NoProof,
        Problem::NoProof => Problem::NoPrincipal,
        Problem::NoPrincipal => Problem::InvalidProof(ProofError::IssuedAt),
        Problem::InvalidProof(_) => Problem::Busy,
        Problem::Busy => Problem::Internal(Fault::new("a fault")),
        Problem::Internal(_) => Problem::Refused(Refusal::InvalidToken),
        Problem::Refused(refusal) => Problem::Refused(match refusal {
            Refusal::InvalidToken => Refusal::TokenRevoked,
            Refusal::TokenRevoked => Refusal::TokenExpired,
            Refusal::TokenExpired => Refusal::TokenExhausted,
            Refusal::TokenExhausted => Refusal::KindNotAllowed,
            Refusal::KindNotAllowed => Refusal::KeyRequired,
            Refusal::KeyRequired => Refusal::HostnameConflict(holder()),
            Refusal::HostnameConflict(_) => Refusal::Forbidden,
            Refusal::Forbidden => Refusal::NotFound,
            Refusal::NotFound => Refusal::LastOwner,
            Refusal::LastOwner => Refusal::AlreadyMember,
            Refusal::AlreadyMember => return None,
        }),
    };
    Some(next)
}

fn holder() -> Holder {
    let at = Timestamp::from_unix(1_900_000_000);
    Holder { node: NodeId::from_bytes([1; 8]), since: at, last_seen_at: at }
}

/// What callers read of each problem that there is, without the entries of `errors`.
fn problems() -> Vec<Value> {
    let first = Problem::field("/name", "is required");
    let all = std::iter::successors(Some(first), after);
    let read = all.map(|problem| match problem.into_response("id").into_body() {
        Body::Text(text) => without_particulars(serde_json::from_str(&text).unwrap()),
        other => panic!("a problem is no {other:?}"),
    });
    read.collect()
}

/// A problem without what differs from one request to the next.
fn without_particulars(mut problem: Value) -> Value {
    let fields = problem.as_object_mut().unwrap();
    fields.remove("errors");
    fields.remove("holder");
    fields.remove("request_id").expect("a problem has the request's id");
    problem
}

#[test]
fn the_document_has_the_codes_of_the_code() {
    let code = contract().at("/components/schemas/Code");
    let told: BTreeSet<_> = code["x-codes"].as_object().unwrap().keys().cloned().collect();
    let listed = code["enum"].as_array().unwrap().iter().map(|code| code.as_str().unwrap());
    let problems = problems();
    let known = problems.iter().map(|problem| problem["code"].as_str().unwrap().to_owned());
    let known: BTreeSet<_> = known.collect();
    assert_eq!(listed.map(str::to_owned).collect::<BTreeSet<_>>(), known);
    assert_eq!(told, known, "each with when it comes");
    for operation in contract().operations() {
        assert!(contract().codes(&operation).is_subset(&known), "{}", operation.id);
    }
}

#[test]
fn a_problem_is_shown_in_the_words_of_the_code() {
    let problems = problems();
    let mut shown = BTreeSet::new();
    for (schema, example) in contract().examples() {
        if example["code"].is_string() {
            let example = without_particulars(example.clone());
            assert!(problems.contains(&example), "{schema}: {example}");
            shown.insert(example["code"].as_str().unwrap().to_owned());
        }
    }
    assert!(shown.len() >= 10, "most codes are shown: {shown:?}");
}

#[test]
fn every_example_is_of_its_schema() {
    let examples = contract().examples();
    let wrong: BTreeMap<_, _> = examples
        .iter()
        .map(|(schema, example)| (schema, contract().errors(schema, example)))
        .filter(|(_, errors)| !errors.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for operation in contract().operations() {
        let path = operation.path.replace('/', "~1");
        let at = format!("/paths/{path}/{}/", operation.method.to_lowercase());
        let shown = examples.iter().any(|(schema, _)| schema.starts_with(&at));
        assert!(
            shown || ["remove-node", "leave-team"].contains(&operation.id.as_str()),
            "{} has an example",
            operation.id
        );
    }
}

#[test]
fn an_answer_with_a_member_too_many_or_too_few_is_not_of_its_schema() {
    let token = "/paths/~1api~1teams~1{team_id}~1registration-tokens/post/responses/201/content/\
                 application~1json";
    let good = contract().at(&format!("{token}/example")).clone();
    let schema = format!("{token}/schema");
    assert!(contract().errors(&schema, &good).is_empty());
    for (at, member) in [("", "colour"), ("/created_by", "colour")] {
        let mut wrong = good.clone();
        wrong.pointer_mut(at).unwrap()[member] = json!("red");
        assert!(!contract().errors(&schema, &wrong).is_empty(), "{at}/{member}");
    }
    for member in ["revoked_by", "token"] {
        let mut wrong = good.clone();
        wrong.as_object_mut().unwrap().remove(member).unwrap();
        assert!(!contract().errors(&schema, &wrong).is_empty(), "{member}");
    }
}

#[tokio::test]
async fn every_request_that_is_shown_is_taken() {
    let service = Service::start().await;
    let team = service.api.newcomer("owner").await.makes_a_team().await;
    let made = team.token(json!({})).await;
    let member = team.welcomes("member", "member").await.who.email;
    let device = Device::new();
    let laptop = device.register(&service.api, &made, json!({"hostname": "laptop"}));
    let laptop = laptop.send().await.of(201);
    let mut tried = 0;
    for operation in contract().operations() {
        let path = operation.path.replace("{team_id}", &team.id);
        let path = path.replace("{member}", &encoded(&member));
        let method: Method = operation.method.parse().unwrap();
        for body in operation.bodies() {
            let body = body.to_string().replace(PLAINTEXT.trim(), &made.plaintext);
            let security = operation.security();
            let request = if security.contains("jwt") {
                team.who.request(method.clone(), &path)
            } else if security.contains("deviceKey") {
                let rest = path.strip_prefix("/api/nodes/self").unwrap();
                device.speaks(&service.api, method.clone(), rest, &laptop)
            } else {
                service.api.request(method.clone(), &path)
            };
            let answer = request.body(&body).send().await;
            assert!(answer.status < 300, "{}: {body}: {answer:?}", operation.id);
            tried += 1;
        }
    }
    assert!(tried >= 6, "each call that takes a body");
}

#[test]
fn the_proof_that_is_shown_holds() {
    let parameters = contract().at("/paths/~1api~1register-node/post/parameters");
    let proof = parameters[0]["example"].as_str().unwrap();
    let token = PLAINTEXT.trim().parse().unwrap();
    let expected = Expected {
        method: "POST",
        url: "https://muster.example.com/api/register-node",
        token: Some(&token),
        now: Timestamp::from_unix(1_900_000_000),
    };
    proof::verify(proof, expected).unwrap();
}
