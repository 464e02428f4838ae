//! What `infra/openapi.yaml` says, and whatever is sent and answered held to it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::{Draft, Registry, Validator};
use lambda_http::http::HeaderMap;
use serde_json::{Map, Value, json};

/// What the document is called by the schemas that point into it.
const DOCUMENT: &str = "urn:muster:openapi";
/// What no schema can say of a body, in the words of the service.
const BEYOND_SCHEMAS: [&str; 6] = [
    "must be a JSON object with each field once",
    "must be in the years 0 to 9999 in UTC",
    "must be in the future",
    "must be at most 16 KiB of JSON",
    "holds an enrollment token",
    "differs from the one in Authorization",
];

/// The document.
pub(crate) struct Contract {
    document: Value,
    registry: Registry<'static>,
    routes: matchit::Router<BTreeMap<String, Operation>>,
    validators: Mutex<HashMap<String, Arc<Validator>>>,
}

/// A call that the document has.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: String,
    pub(crate) path: String,
    /// JSON pointer to it.
    at: String,
}

/// One request and its answer.
pub(crate) struct Exchange<'a> {
    /// The body that was sent, where the caller knows it.
    pub(crate) sent: Option<&'a [u8]>,
    pub(crate) status: u16,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) answer: &'a Value,
}

static CONTRACT: LazyLock<Contract> = LazyLock::new(Contract::read);

/// The document, as it stands in the repository.
pub(crate) fn contract() -> &'static Contract {
    &CONTRACT
}

impl Contract {
    fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/openapi.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        let document: Value = yaml_serde::from_str(&text).unwrap();
        let mut closed = document.clone();
        close(&mut closed);
        let registry = Registry::new().draft(Draft::Draft202012);
        let registry = registry.add(DOCUMENT, closed).unwrap().prepare().unwrap();
        let mut routes = matchit::Router::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            routes.insert(path.as_str(), operations(path, item)).unwrap();
        }
        Self { document, registry, routes, validators: Mutex::default() }
    }

    /// The value at a JSON pointer, and where it stands, references followed.
    fn find(&self, at: &str) -> Option<(String, &Value)> {
        let value = self.document.pointer(at)?;
        match value["$ref"].as_str().filter(|_| value.as_object().unwrap().len() == 1) {
            Some(reference) => self.find(reference.strip_prefix('#')?),
            None => Some((at.to_owned(), value)),
        }
    }

    /// The value at a JSON pointer, which must be there.
    #[track_caller]
    pub(crate) fn at(&self, at: &str) -> &Value {
        self.find(at).unwrap_or_else(|| panic!("infra/openapi.yaml has nothing at {at}")).1
    }

    /// Every call.
    pub(crate) fn operations(&self) -> Vec<Operation> {
        let paths = self.document["paths"].as_object().unwrap();
        paths.iter().flat_map(|(path, item)| operations(path, item).into_values()).collect()
    }

    /// The call that a request makes; none where there is no such route.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        self.routes.at(path).ok()?.value.get(method)
    }

    /// What is wrong with a value, by the schema at a JSON pointer.
    pub(crate) fn errors(&self, schema: &str, value: &Value) -> Vec<String> {
        let known = self.validators.lock().unwrap().get(schema).cloned();
        let validator = known.unwrap_or_else(|| {
            let validator = Arc::new(self.validator(schema));
            self.validators.lock().unwrap().insert(schema.to_owned(), Arc::clone(&validator));
            validator
        });
        let errors = validator.iter_errors(value);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    }

    fn validator(&self, schema: &str) -> Validator {
        let fragment = schema.replace('{', "%7B").replace('}', "%7D");
        let reference = format!("{DOCUMENT}#{fragment}");
        let closed = json!({"$ref": reference, "unevaluatedProperties": false});
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let options = options.with_registry(&self.registry).should_validate_formats(true);
        options.build(&closed).unwrap_or_else(|error| panic!("{schema}: {error}"))
    }

    /// Holds a request and its answer to what is said of the call.
    #[track_caller]
    pub(crate) fn check(&self, operation: &Operation, exchange: &Exchange<'_>) {
        self.check_answer(operation, exchange);
        if let Some(sent) = exchange.sent {
            self.check_request(operation, sent, exchange);
        }
    }

    #[track_caller]
    fn check_answer(&self, operation: &Operation, exchange: &Exchange<'_>) {
        let Exchange { status, headers, answer, .. } = exchange;
        let id = &operation.id;
        let (at, response) = self
            .find(&format!("{}/responses/{status}", operation.at))
            .unwrap_or_else(|| panic!("{id} answers with {status}, which is not documented"));
        for (name, header) in response["headers"].as_object().into_iter().flatten() {
            let at = format!("{at}/headers/{}", escaped(name));
            let (at, header_at) = self.find(&at).unwrap_or((at, header));
            let value = headers.get(name.as_str()).map(|value| value.to_str().unwrap());
            match value {
                Some(value) => {
                    let whole = value.parse::<u64>().map(Value::from);
                    let value = whole.unwrap_or_else(|_| value.into());
                    let errors = self.errors(&format!("{at}/schema"), &value);
                    assert!(errors.is_empty(), "{id}, {status}, {name}: {errors:?}");
                }
                None => assert!(header_at["required"] != true, "{id}, {status}: no {name}"),
            }
        }
        let kind = headers.get("content-type").map(|kind| kind.to_str().unwrap());
        let Some(kind) = kind else {
            assert!(response["content"].is_null(), "{id}, {status}: no content");
            return;
        };
        let schema = format!("{at}/content/{}/schema", escaped(kind));
        assert!(self.find(&schema).is_some(), "{id}, {status}: {kind} is not documented");
        let errors = self.errors(&schema, answer);
        assert!(errors.is_empty(), "{id}, {status}: {errors:#?}: {answer}");
    }

    /// What is taken is what the schema lets through, and the other way round.
    #[track_caller]
    fn check_request(&self, operation: &Operation, sent: &[u8], exchange: &Exchange<'_>) {
        let schema = format!("{}/requestBody/content/application~1json/schema", operation.at);
        if self.find(&schema).is_none() {
            return;
        }
        let blank = sent.iter().all(u8::is_ascii_whitespace);
        let sent = if blank { Ok(json!({})) } else { serde_json::from_slice(sent) };
        let Ok(sent @ Value::Object(_)) = sent else { return };
        let errors = self.errors(&schema, &sent);
        if exchange.status < 300 {
            assert!(errors.is_empty(), "{} takes {sent}: {errors:#?}", operation.id);
        } else if exchange.answer["code"] == "invalid-request" && errors.is_empty() {
            for error in exchange.answer["errors"].as_array().unwrap() {
                let detail = error["detail"].as_str().unwrap();
                let beyond = error["pointer"].is_null()
                    || BEYOND_SCHEMAS.iter().any(|known| detail.starts_with(known));
                assert!(beyond, "{}: the schema lets {sent} through: {error}", operation.id);
            }
        }
    }

    /// The codes of problems that a call is said to answer with.
    pub(crate) fn codes(&self, operation: &Operation) -> BTreeSet<String> {
        let responses = self.at(&format!("{}/responses", operation.at)).as_object().unwrap();
        let schemas = responses.keys().filter_map(|status| {
            let (at, _) = self.find(&format!("{}/responses/{status}", operation.at))?;
            self.find(&format!("{at}/content/application~1problem+json/schema"))
        });
        let codes = schemas.flat_map(|(_, schema)| {
            schema["properties"]["code"]["enum"].as_array().expect("a problem has codes").iter()
        });
        codes.map(|code| code.as_str().unwrap().to_owned()).collect()
    }

    /// Every example, and the pointer to its schema.
    pub(crate) fn examples(&self) -> Vec<(String, &Value)> {
        let mut found = Vec::new();
        collect(&self.document, "", &mut found);
        found
    }
}

impl Operation {
    /// Who may call it: the names of security schemes.
    pub(crate) fn security(&self) -> BTreeSet<&'static str> {
        let document = &contract().document;
        let own = &document.pointer(&self.at).unwrap()["security"];
        let security = if own.is_null() { &document["security"] } else { own };
        let schemes = security.as_array().unwrap().iter().flat_map(|one| one.as_object().unwrap());
        schemes.map(|(name, _)| name.as_str()).collect()
    }

    /// The bodies that it is shown with.
    pub(crate) fn bodies(&self) -> Vec<&'static Value> {
        let content = format!("{}/requestBody/content/application~1json", self.at);
        let Some((_, content)) = contract().find(&content) else { return Vec::new() };
        shown(content)
    }
}

/// The examples beside a schema.
fn shown(beside: &Value) -> Vec<&Value> {
    let named = beside["examples"].as_object();
    let named = named.into_iter().flat_map(Map::values).map(|example| &example["value"]);
    named.chain(beside.get("example")).collect()
}

fn collect<'a>(value: &'a Value, at: &str, found: &mut Vec<(String, &'a Value)>) {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("schema") {
                found.extend(shown(value).into_iter().map(|one| (format!("{at}/schema"), one)));
            }
            // A schema's own.
            if let Some(Value::Array(examples)) = fields.get("examples") {
                found.extend(examples.iter().map(|example| (at.to_owned(), example)));
            }
            for (name, inner) in fields {
                if !matches!(name.as_str(), "example" | "examples") {
                    collect(inner, &format!("{at}/{}", escaped(name)), found);
                }
            }
        }
        Value::Array(items) => {
            for (index, inner) in items.iter().enumerate() {
                collect(inner, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn operations(path: &str, item: &Value) -> BTreeMap<String, Operation> {
    let methods = item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters");
    let operation = |(method, operation): (&String, &Value)| {
        let found = Operation {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_uppercase(),
            path: path.to_owned(),
            at: format!("/paths/{}/{method}", escaped(path)),
        };
        (found.method.clone(), found)
    };
    methods.map(operation).collect()
}

/// A name as a part of a JSON pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Lets no member into an answer that its schema does not name. The document leaves that open, as
/// clients have to: new ones may come.
fn close(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let named = fields.get("$ref").and_then(Value::as_str);
            if named.is_some_and(|named| named.starts_with("#/components/schemas/"))
                // One that adds members is closed where it is referred to itself.
                && !fields.contains_key("properties")
            {
                fields.insert("unevaluatedProperties".to_owned(), false.into());
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
