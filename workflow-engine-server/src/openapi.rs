//! The OpenAPI document, which the table of routes makes.

use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};
use workflow_engine::ApprovalId;

use crate::problem::{self, Details};
use crate::routes::{self, Route};

/// Returns the OpenAPI 3.1 document of the API as JSON. It depends on nothing but the version of this crate.
///
/// ```
/// let document: serde_json::Value = serde_json::from_str(&workflow_engine_server::openapi())?;
/// assert_eq!(document["openapi"], "3.1.0");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[must_use]
pub fn document() -> String {
    let mut schemas = Schemas::new();
    let mut paths: Map<String, Value> = Map::new();
    for route in routes::table() {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = operation(&route, &mut schemas);
        let path = paths.entry(route.path.clone()).or_insert_with(|| json!({}));
        path[method] = operation;
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "workflow-engine",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "See and steer the runs of workflow-engine. Instants are RFC 3339 in UTC, money is text such as `0.0007 USD`, and payloads are returned as they are stored.",
        },
        "paths": paths,
        "components": {
            "schemas": schemas.definitions(),
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
            },
        },
        "security": [{ "token": [] }],
    });
    // A program may enable a feature that keeps the order of insertion.
    document.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// The schemas of what is read, and of what is written.
struct Schemas {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Schemas {
    fn new() -> Self {
        let generator = |contract| {
            let settings = SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.contract = contract;
            });
            settings.into_generator()
        };
        Self { read: generator(Contract::Deserialize), written: generator(Contract::Serialize) }
    }

    fn definitions(&mut self) -> Map<String, Value> {
        let mut definitions = self.read.take_definitions(true);
        definitions.extend(self.written.take_definitions(true));
        definitions
    }
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let mut operation = json!({
        "operationId": route.id,
        "summary": route.summary,
        "parameters": parameters(route, &mut schemas.read),
        "responses": responses(route, &mut schemas.written),
    });
    match route.need {
        Some(need) => operation["x-grant"] = json!(need.grant),
        None => operation["security"] = json!([]),
    }
    if let Some(body) = route.body {
        let schema = body(&mut schemas.read);
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

fn parameters(route: &Route, generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut parameters = Vec::new();
    for segment in route.path.split('/') {
        if let Some(name) = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) {
            let schema = match name {
                "run_id" => json!({ "type": "string", "format": "uuid" }),
                "approval_id" => ApprovalId::json_schema(generator).to_value(),
                _ => json!({ "type": "string", "minLength": 1 }),
            };
            parameters.push(json!({ "name": name, "in": "path", "required": true, "schema": schema }));
        }
    }
    if let Some(query) = route.query {
        let fields = query(generator).to_value();
        let none = Map::new();
        for (name, schema) in fields["properties"].as_object().unwrap_or(&none) {
            parameters
                .push(json!({ "name": name, "in": "query", "required": false, "schema": in_query(schema) }));
        }
    }
    for name in &route.headers {
        let mut schema = json!({ "type": "string" });
        if *name == "Idempotency-Key" {
            schema = json!({ "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" });
        }
        parameters.push(json!({ "name": name, "in": "header", "required": false, "schema": schema }));
    }
    parameters
}

/// Returns the schema of a parameter: one that is absent has no value, so it is never `null`.
fn in_query(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Some(fields) = schema.as_object_mut() {
        fields.remove("default");
        if let Some(Value::Array(kinds)) = fields.get_mut("type") {
            kinds.retain(|kind| kind != "null");
            if let [kind] = kinds.as_slice() {
                let kind = kind.clone();
                fields.insert("type".into(), kind);
            }
        }
        if let Some(Value::Array(any)) = fields.get_mut("anyOf") {
            any.retain(|schema| schema["type"] != "null");
        }
        if fields.get("type").is_some_and(|kind| kind == "string") {
            fields.entry("minLength").or_insert_with(|| 1.into());
        }
        // A larger number cannot be read.
        let largest = match fields.get("format").and_then(Value::as_str) {
            Some("uint32") => Some(u64::from(u32::MAX)),
            Some("uint64") => Some(u64::MAX),
            _ => None,
        };
        if let Some(largest) = largest {
            fields.entry("maximum").or_insert_with(|| largest.into());
        }
    }
    schema
}

fn responses(route: &Route, generator: &mut SchemaGenerator) -> Value {
    let mut responses = Map::new();
    for answer in &route.answers {
        let mut content = Map::new();
        for (media, schema) in &answer.content {
            let schema = schema.map_or_else(Schema::default, |schema| schema(generator));
            content.insert((*media).to_owned(), json!({ "schema": schema }));
        }
        let mut response = json!({ "description": answer.description });
        if !content.is_empty() {
            response["content"] = Value::Object(content);
        }
        responses.insert(answer.status.to_string(), response);
    }
    if route.headers.contains(&"If-None-Match") {
        responses.insert("304".into(), json!({ "description": "The client has it: its `ETag` is current." }));
    }
    let schema = generator.subschema_for::<Details>();
    let problem = |description: &str| {
        json!({
            "description": description,
            "content": { problem::MEDIA_TYPE: { "schema": schema } },
        })
    };
    if route.need.is_some() {
        responses.insert("401".into(), problem("The request has no valid token."));
        responses.insert("403".into(), problem("The grant of the token does not suffice."));
    }
    responses.insert("default".into(), problem("The request failed; `code` tells why."));
    Value::Object(responses)
}
