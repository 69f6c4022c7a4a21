//! The OpenAPI document.

use expect_test::expect_file;
use serde_json::Value;

use crate::support::served;

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
