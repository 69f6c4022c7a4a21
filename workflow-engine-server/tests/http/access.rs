//! Who may do what.

use std::net::SocketAddr;

use http::request::Parts;
use reqwest::Method;
use serde_json::{Value, json};
use workflow_engine::Engine;
use workflow_engine_server::{Access, Grant, Identity, ServeError, Server, Token};

use crate::support::{OPERATOR, READER, Served, VIEWER, body, client, problem, served, served_with};

async fn engine() -> Engine {
    Engine::builder("memory:").build().await.unwrap()
}

#[tokio::test]
async fn a_public_address_without_a_token_does_not_start() {
    let address: SocketAddr = ([0, 0, 0, 0], 0).into();
    let error = Server::new(engine().await).address(address).listen().await.unwrap_err();
    assert!(matches!(error, ServeError::PublicWithoutToken(_)) && error.is_usage(), "{error}");
    let error = Server::new(engine().await).address(address).open().listen().await.unwrap_err();
    assert!(matches!(error, ServeError::PublicWithoutToken(_)), "{error}");
    let error = Server::new(engine().await).service().unwrap_err();
    assert!(matches!(error, ServeError::NoAccess), "{error}");
}

#[tokio::test]
async fn a_server_without_a_token_makes_one() {
    let server = Server::new(engine().await).address(([127, 0, 0, 1], 0).into()).listen().await.unwrap();
    let token = server.token().unwrap().to_owned();
    assert_eq!(server.login_url(), format!("http://{}/#token={token}", server.address()));
    let url = format!("http://{}/api/v1/me", server.address());
    problem(client().get(&url).send().await.unwrap(), 401, "UNAUTHORIZED").await;
    let me = body(client().get(&url).bearer_auth(token).send().await.unwrap()).await;
    assert_eq!(me["grant"], "operate");
}

#[tokio::test]
async fn an_open_server_asks_for_nothing() {
    let server =
        Server::new(engine().await).address(([127, 0, 0, 1], 0).into()).open().listen().await.unwrap();
    assert_eq!(server.login_url(), format!("http://{}/", server.address()));
    let me = client().get(format!("http://{}/api/v1/me", server.address())).send().await.unwrap();
    assert_eq!(body(me).await["via"], "open");
}

#[tokio::test]
async fn a_token_is_text_a_hash_or_a_file() {
    let hash = "sha256:c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "  the secret of a file \n").unwrap();
    let file = format!("file:{}", path.display());
    let served = served_with(|server| {
        server
            .token(Token::parse("hashed", Grant::Read, hash).unwrap())
            .token(Token::parse("filed", Grant::Read, &file).unwrap())
    })
    .await;
    for (secret, name) in [("correct horse battery staple", "hashed"), ("the secret of a file", "filed")] {
        assert_eq!(body(served.get_as(secret, "/me").await).await["name"], name);
    }
    // The hash is no secret.
    problem(served.get_as(&hash[7..], "/me").await, 401, "UNAUTHORIZED").await;
    for text in ["short", "sha256:12", "file:/nowhere/token"] {
        assert!(Token::parse("bad", Grant::Read, text).is_err(), "{text}");
    }
}

/// Each route of the document with each grant: the grant that the document names decides.
#[tokio::test]
async fn every_route_asks_for_the_grant_of_the_document() {
    let served = served().await;
    let document: Value = serde_json::from_str(&workflow_engine_server::openapi()).unwrap();
    let tokens = [("read", READER), ("read+payloads", VIEWER), ("operate", OPERATOR)];
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let url = served
            .url(&path.replace("{run_id}", "00000000-0000-0000-0000-000000000000").replace(['{', '}'], ""));
        for (method, operation) in operations.as_object().unwrap() {
            let method: Method = method.to_uppercase().parse().unwrap();
            let request =
                || served.client.request(method.clone(), &url).header("content-type", "application/json");
            let Some(grant) = operation["x-grant"].as_str() else {
                assert_eq!(operation["security"], json!([]), "{method} {path}");
                continue;
            };
            if method != Method::GET {
                assert_eq!(grant, "operate", "{method} {path} writes");
            }
            let anonymous = request().send().await.unwrap();
            problem(anonymous, 401, "UNAUTHORIZED").await;
            let needed = tokens.iter().position(|(name, _)| *name == grant).unwrap();
            for (place, (name, token)) in tokens.iter().enumerate() {
                let status = request().bearer_auth(token).send().await.unwrap().status();
                assert_eq!(status == 403, place < needed, "{method} {path} with {name}: {status}");
            }
            checked += 1;
        }
    }
    assert!(checked > 25, "{checked}");
}

#[tokio::test]
async fn a_server_that_only_reads_refuses_every_write() {
    let served = served_with(Server::read_only).await;
    let document: Value = serde_json::from_str(&workflow_engine_server::openapi()).unwrap();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            if method != "get" && operation.get("x-grant").is_some() {
                let method: Method = method.to_uppercase().parse().unwrap();
                let request = served.client.request(method, served.url(path)).bearer_auth(OPERATOR);
                problem(request.json(&json!({})).send().await.unwrap(), 403, "READ_ONLY").await;
            }
        }
    }
    assert_eq!(served.json("/me").await["is_read_only"], true);
}

#[tokio::test]
async fn ten_failed_log_ins_block_the_address() {
    let served = served().await;
    for _ in 0..10 {
        problem(served.get_as("not-the-token-not-the-token", "/me").await, 401, "UNAUTHORIZED").await;
    }
    let blocked = served.get_as("not-the-token-not-the-token", "/me").await;
    assert_eq!(blocked.headers()["retry-after"], "60");
    problem(blocked, 429, "TOO_MANY_LOGINS").await;
    let log_in = served.client.post(served.url("/api/v1/session")).json(&json!({ "token": OPERATOR }));
    problem(log_in.send().await.unwrap(), 429, "TOO_MANY_LOGINS").await;
}

#[tokio::test]
async fn only_a_trusted_proxy_names_the_client() {
    let fail = async |served: &Served, client: &str| {
        let request = served.request(Method::GET, "/me", "not-the-token-not-the-token");
        request.header("x-forwarded-for", client).send().await.unwrap().status().as_u16()
    };
    let trusting = served_with(|server| server.trusted_proxy([127, 0, 0, 1].into())).await;
    for _ in 0..10 {
        assert_eq!(fail(&trusting, "192.0.2.1").await, 401);
    }
    assert_eq!(fail(&trusting, "203.0.113.7, 192.0.2.1").await, 429, "the last hop counts");
    assert_eq!(fail(&trusting, "192.0.2.2").await, 401);
    let plain = served().await;
    for client in 0..10 {
        assert_eq!(fail(&plain, &format!("192.0.2.{client}")).await, 401);
    }
    assert_eq!(fail(&plain, "192.0.2.99").await, 429, "the header of a stranger counts for nothing");
}

struct Header;

#[async_trait::async_trait]
impl Access for Header {
    async fn identify(&self, request: &Parts) -> Option<Identity> {
        let name = request.headers.get("x-company-user")?.to_str().ok()?;
        Some(Identity::new(name, Grant::Read))
    }
}

#[tokio::test]
async fn a_programs_own_sign_on_stands_beside_the_tokens() {
    let served = served_with(|server| server.access(Header)).await;
    let me = served.client.get(served.url("/api/v1/me"));
    let known = me.try_clone().unwrap().header("x-company-user", "ada").send().await.unwrap();
    let known = body(known).await;
    assert_eq!((known["name"].as_str(), known["via"].as_str()), (Some("ada"), Some("access")));
    problem(me.send().await.unwrap(), 401, "UNAUTHORIZED").await;
    assert_eq!(served.json("/me").await["name"], "operator");
}
