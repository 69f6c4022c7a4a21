//! The dashboard's files, which are part of the server.

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use reqwest::{Method, Response};
use serde_json::json;
use tower_service::Service;
use workflow_engine::Engine;
use workflow_engine_server::Server;

use crate::support::{READER, client, problem, served, served_with};

async fn base(response: Response) -> String {
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
    let page = response.text().await.unwrap();
    let base = page.split("<base href=\"").nth(1).unwrap();
    base.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_address_returns_the_page_with_its_distance_to_the_root() {
    let served = served().await;
    for (path, expected) in [
        ("/", "./"),
        ("/workflows", "./"),
        ("/runs/01890a5d", "../"),
        ("/workflows/even/start", "../../"),
        ("/workflows/", "../"),
    ] {
        // Without a token: the page is the same for everyone, and shows nothing.
        let response = served.client.get(served.url(path)).send().await.unwrap();
        assert_eq!(base(response).await, expected, "{path}");
    }
}

#[tokio::test]
async fn behind_a_public_path_the_page_names_it() {
    let served = served_with(|server| server.public_url("http://localhost/ops/flows")).await;
    for path in ["/ops/flows", "/ops/flows/", "/ops/flows/runs/7", "/runs/7"] {
        let response = served.client.get(served.url(path)).send().await.unwrap();
        assert_eq!(base(response).await, "/ops/flows/", "{path}");
    }
    let script = served.client.get(served.url("/ops/flows/app.js")).send().await.unwrap();
    assert_eq!(script.headers()[CONTENT_TYPE], "text/javascript; charset=utf-8");
}

#[tokio::test]
async fn a_program_nests_the_dashboard_at_any_path() {
    let engine = Engine::builder("memory:").build().await.unwrap();
    let service = Server::new(engine).open().service().unwrap();
    let program: Router = Router::new().nest_service("/ops", service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = hyper_util::rt::TokioIo::new(stream);
            let program = program.clone();
            let service = service_fn(move |request: Request<Incoming>| program.clone().call(request));
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(stream, service);
            tokio::spawn(connection);
        }
    });
    for (path, expected) in [("/ops", "./ops/"), ("/ops/", "./"), ("/ops/runs/7", "../")] {
        let response = client().get(format!("http://{address}{path}")).send().await.unwrap();
        assert_eq!(base(response).await, expected, "{path}");
    }
    let me = client().get(format!("http://{address}/ops/api/v1/me")).send().await.unwrap();
    assert_eq!(me.status(), 200);
    task.abort();
}

#[tokio::test]
async fn files_are_compressed_where_the_browser_takes_that_and_are_not_sent_twice() {
    let served = served().await;
    let get = |path: &str| served.client.get(served.url(path));
    let plain = get("/app.js").send().await.unwrap();
    assert!(!plain.headers().contains_key(CONTENT_ENCODING));
    let tag = plain.headers()[ETAG].clone();
    let plain = plain.bytes().await.unwrap();
    let compressed = get("/app.js").header(ACCEPT_ENCODING, "br, gzip;q=0.8").send().await.unwrap();
    assert_eq!(compressed.headers()[CONTENT_ENCODING], "gzip");
    assert_eq!(compressed.headers()["vary"], "accept-encoding");
    assert_ne!(compressed.headers()[ETAG], tag);
    let compressed = compressed.bytes().await.unwrap();
    assert!(compressed.len() * 2 < plain.len(), "{} of {}", compressed.len(), plain.len());
    let refused = get("/app.js").header(ACCEPT_ENCODING, "gzip;q=0").send().await.unwrap();
    assert!(!refused.headers().contains_key(CONTENT_ENCODING));
    let known = get("/app.js").header(IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(known.status(), 304);
    for (path, kind) in [
        ("/shared.js", "text/javascript; charset=utf-8"),
        ("/more.js", "text/javascript; charset=utf-8"),
        ("/app.css", "text/css; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        assert_eq!(get(path).send().await.unwrap().headers()[CONTENT_TYPE], kind);
    }
}

#[tokio::test]
async fn what_is_no_page_is_still_refused_as_a_problem() {
    let served = served().await;
    let unknown = served.client.get(served.url("/api/v1/nothing")).send().await.unwrap();
    problem(unknown, 404, "NOT_FOUND").await;
    let write = served.client.request(Method::POST, served.url("/runs")).send().await.unwrap();
    problem(write, 404, "NOT_FOUND").await;
    let foreign = served.client.get(served.url("/")).header("host", "attacker.example").send().await.unwrap();
    problem(foreign, 403, "HOST_REFUSED").await;
}

#[tokio::test]
async fn the_page_has_no_script_or_style_of_its_own_and_names_no_other_host() {
    let served = served().await;
    let response = served.client.get(served.url("/")).send().await.unwrap();
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'; style-src 'self'; connect-src 'self'"), "{policy}");
    let page = response.text().await.unwrap();
    assert!(page.contains("<script type=\"module\" src=\"app.js\"></script>"), "{page}");
    assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("//"), "{page}");
}

#[tokio::test]
async fn what_the_pages_need_is_in_the_api() {
    let served = served_with(|server| server.view("Failed", "status:failed")).await;
    served
        .post(
            "/runs",
            &json!({ "workflow": "even", "input": { "number": 2 }, "tags": { "customer": "acme" } }),
        )
        .await;
    let run = served.json("/runs?tag=customer:acme").await["items"][0].clone();
    assert_eq!(run["tags"], json!({ "customer": "acme" }));
    let layout = served.json(&format!("/definitions/{}/layout", run["definition"].as_str().unwrap())).await;
    assert_eq!((&layout["columns"], &layout["stages"][0]["stage_id"]), (&json!(1), &json!("refuse-odd")));
    problem(served.get("/definitions/unknown/layout").await, 404, "NOT_FOUND").await;
    let views = served.get_as(READER, "/views").await;
    assert_eq!(views.text().await.unwrap(), r#"{"items":[{"name":"Failed","query":"status:failed"}]}"#);
}
