//! `template.yaml`, as far as it says what calls a function and what the function may do.

use std::path::{Path, PathBuf};

use yaml_serde::Value;

/// A function of the template.
#[derive(Debug)]
pub(super) struct Function {
    /// The directory of its code under `functions/`.
    pub(super) name: String,
    pub(super) routes: Vec<Route>,
    pub(super) statements: Vec<Statement>,
}

/// A call over HTTP that a function answers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Route {
    pub(super) function: String,
    pub(super) method: String,
    pub(super) path: String,
    /// Whether API Gateway lets only those in who have a JWT.
    pub(super) jwt: bool,
}

/// What a function may do on the table, in partitions of these patterns.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) actions: Vec<String>,
    pub(super) partitions: Vec<String>,
}

/// The table, by its name.
const TABLE: &str =
    "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/${TableName}";

/// What is called by events alone.
pub(super) const CASCADE: &str = "member-cascade";

/// What Lambda does in its name, to bring it the table's stream.
const DELIVERY: [&str; 5] = [
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:SendMessage",
];

/// The repository's root.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The template. Tags such as `!Ref` are read as what they stand before.
fn template() -> Value {
    let text = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    yaml_serde::from_str(&text).unwrap()
}

/// The properties of every resource of a type.
pub(super) fn resources(of_type: &str) -> Vec<Value> {
    let template = template();
    let resources = template["Resources"].as_mapping().unwrap().values();
    let resources = resources.filter(|resource| resource["Type"] == of_type);
    resources.map(|resource| resource["Properties"].clone()).collect()
}

/// Every function of the template.
pub(super) fn functions() -> Vec<Function> {
    let template = template();
    let default = &at(&template, "Resources.Api.Properties.Auth")["DefaultAuthorizer"];
    assert_eq!(default.as_str(), Some("Jwt"), "routes are closed where they do not say otherwise");
    resources("AWS::Serverless::Function").iter().map(read).collect()
}

fn read(properties: &Value) -> Function {
    let code = text(&properties["CodeUri"]);
    let name = code.strip_prefix("functions/").unwrap().to_owned();
    let events = properties["Events"].as_mapping().unwrap().values();
    let calls = events.filter(|event| event["Type"] == "HttpApi").map(|event| &event["Properties"]);
    let routes = calls.map(|call| Route {
        function: name.clone(),
        method: text(&call["Method"]),
        path: text(&call["Path"]),
        jwt: match call.get("Auth") {
            None => true,
            Some(auth) => text(&auth["Authorizer"]) != "NONE",
        },
    });
    let policies = list(&properties["Policies"]).into_iter();
    let statements = policies.flat_map(|policy| list(&policy["Statement"]));
    let (on_table, delivery): (Vec<_>, Vec<_>) =
        statements.partition(|statement| statement["Condition"].is_mapping());
    let delivery: Vec<_> =
        delivery.into_iter().flat_map(|statement| list(&statement["Action"])).map(text).collect();
    assert_eq!(delivery, if name == CASCADE { &DELIVERY[..] } else { &[] }, "{name}");
    let statements = on_table.into_iter().map(statement).collect();
    Function { routes: routes.collect(), statements, name }
}

fn statement(statement: &Value) -> Statement {
    assert_eq!(statement["Effect"].as_str(), Some("Allow"));
    assert_eq!(text(&statement["Resource"]), TABLE, "the table and nothing else");
    let condition = &statement["Condition"];
    assert_eq!(text(&condition["Null"]["dynamodb:LeadingKeys"]), "false");
    let partitions = list(&condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
    let action = |value: &Value| text(value).strip_prefix("dynamodb:").unwrap().to_owned();
    Statement {
        actions: list(&statement["Action"]).into_iter().map(action).collect(),
        partitions: partitions.into_iter().map(text).collect(),
    }
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(value, |value, name| &value[name])
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is no text")).to_owned()
}

/// One thing, or a list of them.
fn list(value: &Value) -> Vec<&Value> {
    value.as_sequence().map_or_else(|| vec![value], |list| list.iter().collect())
}
