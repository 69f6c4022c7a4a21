//! The OpenAPI document.

use expect_test::expect_file;
use serde_json::{Value, json};

use crate::support::{problem, served};

/// `UPDATE_EXPECT=1 cargo test -p durable-stages-server` rewrites the committed copy.
#[test]
fn the_committed_document_is_the_one_of_the_code() {
    expect_file!["../../openapi.json"].assert_eq(&workflow_engine_server::openapi());
}

#[tokio::test]
async fn the_server_returns_its_document() {
    let served = served().await;
    assert_eq!(served.get("/openapi.json").await.text().await.unwrap(), workflow_engine_server::openapi());
}

#[test]
fn every_operation_is_described_and_named_once() {
    let document: Value = serde_json::from_str(&workflow_engine_server::openapi()).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{name}");
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{method} {path}");
            for parameter in operation["parameters"].as_array().unwrap() {
                assert!(parameter["schema"].is_object(), "{method} {path}: {parameter}");
            }
        }
    }
    let text = document.to_string();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is missing");
    }
}

#[tokio::test]
async fn a_number_in_a_query_is_read_up_to_the_maximum_of_the_document() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 1 })).await;
    let document: Value = serde_json::from_str(&workflow_engine_server::openapi()).unwrap();
    let mut seen = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1") else { continue };
        let path = path.replace("{run_id}", &id).replace("{stage_id}", "multiply");
        for parameter in operations["get"]["parameters"].as_array().into_iter().flatten() {
            let (name, schema) = (parameter["name"].as_str().unwrap(), &parameter["schema"]);
            if schema["type"] != "integer" {
                continue;
            }
            let Some(maximum) = schema["maximum"].as_u64() else { panic!("{path} {name}: {schema}") };
            let status = async |value: u128| served.get(&format!("{path}?{name}={value}")).await.status();
            assert_ne!(status(maximum.into()).await, 400, "{path} {name}");
            assert_eq!(status(u128::from(maximum) + 1).await, 400, "{path} {name}");
            seen += 1;
        }
    }
    assert!(seen > 10, "only {seen} numbers");
}

/// What a script sends whose variable is empty must not select all runs.
#[tokio::test]
async fn only_a_switch_may_stand_without_a_value() {
    let served = served().await;
    let id = served.run("calculation", json!({ "number": 1 })).await;
    for query in ["/runs?workflow=", "/runs/count?status=", "/runs/most-expensive?limit=", "/costs?from="] {
        let refused = problem(served.get(query).await, 422, "INVALID_REQUEST").await;
        assert!(refused["detail"].as_str().unwrap().contains("has no value"), "{query}: {refused}");
    }
    let document: Value = serde_json::from_str(&workflow_engine_server::openapi()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let Some(path) = path.strip_prefix("/api/v1") else { continue };
        let path =
            path.replace("{run_id}", &id).replace("{stage_id}", "multiply").replace("{key}", "working");
        let parameters = operations["get"]["parameters"].as_array().into_iter().flatten();
        for switch in parameters.filter(|parameter| parameter["schema"]["type"] == "boolean") {
            let name = switch["name"].as_str().unwrap();
            let status = served.get(&format!("{path}?{name}")).await.status();
            assert_ne!(status, 422, "{path} {name}");
            assert_ne!(status, 400, "{path} {name}");
        }
    }
}
