//! Browsers: sessions, other origins, and names that point here.

use reqwest::{Method, Response};
use serde_json::json;
use workflow_engine_server::{Grant, Server, Token};

use crate::support::{OPERATOR, Served, body, problem, serve, served, served_with};

async fn log_in(served: &Served) -> Response {
    let request = served.client.post(served.url("/api/v1/session")).json(&json!({ "token": OPERATOR }));
    request.header("sec-fetch-site", "same-origin").send().await.unwrap()
}

fn cookie(response: &Response) -> String {
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_stands_for_its_token() {
    let served = served().await;
    let response = log_in(&served).await;
    assert_eq!(response.status(), 204);
    let attributes = response.headers()["set-cookie"].to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Max-Age=43200", "Path=/"] {
        assert!(attributes.contains(part), "{attributes}");
    }
    assert!(!attributes.contains("Secure"), "the server is not behind HTTPS: {attributes}");
    let cookie = cookie(&response);
    let me = served.client.get(served.url("/api/v1/me")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(body(me).await["via"], "session");
    let changed = cookie.replacen("session=", "session=a", 1);
    let me = served.client.get(served.url("/api/v1/me")).header("cookie", changed).send().await.unwrap();
    problem(me, 401, "UNAUTHORIZED").await;
    let end = served.client.delete(served.url("/api/v1/session")).send().await.unwrap();
    assert!(end.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn behind_https_the_cookie_is_secure_and_has_the_public_path() {
    let served = served_with(|server| server.public_url("https://ops.example.com/engine/")).await;
    let request = served.client.post(served.url("/api/v1/session")).json(&json!({ "token": OPERATOR }));
    let request = request.header("host", "ops.example.com").header("origin", "https://ops.example.com");
    let response = request.send().await.unwrap();
    let attributes = response.headers()["set-cookie"].to_str().unwrap();
    assert!(attributes.contains("; Secure") && attributes.contains("Path=/engine/;"), "{attributes}");
    // Whether the proxy strips the path or not.
    for path in ["/api/v1/me", "/engine/api/v1/me"] {
        let me = served.client.get(served.url(path)).bearer_auth(OPERATOR).send().await.unwrap();
        assert_eq!(me.status(), 200, "{path}");
    }
    let run = served.post("/runs", &json!({ "workflow": "even", "input": { "number": 2 } })).await;
    assert!(run.headers()["location"].to_str().unwrap().starts_with("/engine/api/v1/runs/"));
}

#[tokio::test]
async fn removing_a_token_ends_its_sessions_in_every_process() {
    let first = served().await;
    let cookie = cookie(&log_in(&first).await);
    let me = async |served: &Served| {
        let request = served.client.get(served.url("/api/v1/me")).header("cookie", &cookie);
        request.send().await.unwrap().status().as_u16()
    };
    let other_process = serve(first.engine.clone(), |server| server).await;
    assert_eq!(me(&other_process).await, 200);
    let without = Server::new(first.engine.clone()).address(([127, 0, 0, 1], 0).into());
    let without = without.token(Token::new("operator", Grant::Operate, "another-secret-of-it").unwrap());
    let without = Served {
        engine: first.engine.clone(),
        server: without.listen().await.unwrap(),
        client: first.client.clone(),
    };
    assert_eq!(me(&without).await, 401);
}

#[tokio::test]
async fn a_write_by_cookie_comes_from_the_servers_own_page() {
    let served = served().await;
    let cookie = cookie(&log_in(&served).await);
    let run = json!({ "workflow": "even", "input": { "number": 2 } });
    let write = || served.client.post(served.url("/api/v1/runs")).header("cookie", &cookie);
    let own = write().json(&run).header("sec-fetch-site", "same-origin").send().await.unwrap();
    assert_eq!(own.status(), 201);
    let origin = write().json(&run).header("origin", served.url("")).send().await.unwrap();
    assert_eq!(origin.status(), 201);
    for foreign in [
        write().json(&run).header("sec-fetch-site", "cross-site"),
        write().json(&run).header("sec-fetch-site", "same-site"),
        write().json(&run).header("origin", "https://evil.example"),
        write().json(&run).header("origin", "null"),
        write().json(&run),
    ] {
        problem(foreign.send().await.unwrap(), 403, "CROSS_ORIGIN").await;
    }
    let form = write().body(run.to_string()).header("content-type", "text/plain");
    let form = form.header("sec-fetch-site", "same-origin").send().await.unwrap();
    problem(form, 415, "UNSUPPORTED_MEDIA_TYPE").await;
}

#[tokio::test]
async fn a_page_of_another_site_cannot_use_an_open_server() {
    let served = served().await;
    let open = Server::new(served.engine.clone()).address(([127, 0, 0, 1], 0).into()).open();
    let open = open.listen().await.unwrap();
    let url = format!("http://{}/api/v1/runs", open.address());
    let run = json!({ "workflow": "even", "input": { "number": 2 } });
    let foreign = served.client.post(&url).json(&run).header("origin", "https://evil.example");
    problem(foreign.send().await.unwrap(), 403, "CROSS_ORIGIN").await;
    assert_eq!(served.client.post(&url).json(&run).send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn a_name_that_points_here_is_not_the_servers() {
    let served = served_with(|server| server.public_url("http://ops.example.com:8080")).await;
    let with_host = async |host: &str, path: &str| {
        let request = served.client.get(served.url(path)).bearer_auth(OPERATOR).header("host", host);
        request.send().await.unwrap()
    };
    for host in ["localhost:7373", "127.0.0.1", "[::1]:80", "ops.example.com", "OPS.example.com:443"] {
        assert_eq!(with_host(host, "/api/v1/me").await.status(), 200, "{host}");
    }
    for host in ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", ""] {
        problem(with_host(host, "/api/v1/me").await, 403, "HOST_REFUSED").await;
    }
    assert_eq!(with_host("10.1.2.3:7373", "/healthz").await.status(), 200, "a probe comes by address");
}

#[tokio::test]
async fn scripts_of_a_listed_origin_may_call() {
    let served = served_with(|server| server.cors_origin("https://desk.example.com")).await;
    let preflight = async |origin: &str| {
        let request = served.client.request(Method::OPTIONS, served.url("/api/v1/runs"));
        let request = request.header("origin", origin).header("access-control-request-method", "POST");
        request
            .header("access-control-request-headers", "authorization,idempotency-key")
            .send()
            .await
            .unwrap()
    };
    let allowed = preflight("https://desk.example.com").await;
    assert_eq!(allowed.headers()["access-control-allow-origin"], "https://desk.example.com");
    assert!(preflight("https://evil.example").await.headers().get("access-control-allow-origin").is_none());
    let run = json!({ "workflow": "even", "input": { "number": 2 } });
    let write = served.request(Method::POST, "/runs", OPERATOR).json(&run);
    let write = write.header("origin", "https://desk.example.com").header("sec-fetch-site", "cross-site");
    assert_eq!(write.send().await.unwrap().status(), 201);
}

#[tokio::test]
async fn every_answer_has_the_headers_that_protect_a_browser() {
    let served = served_with(|server| server.frame_ancestor("https://desk.example.com")).await;
    for path in ["/healthz", "/api/v1/me", "/api/v1/nothing", "/"] {
        let response = served.client.get(served.url(path)).send().await.unwrap();
        let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors https://desk.example.com",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        // The browser keeps the page, which shows nothing by itself, and asks whether it is current.
        let kept = if path == "/" { "no-cache" } else { "no-store" };
        assert_eq!(header("cache-control"), kept, "{path}");
    }
}

#[tokio::test]
async fn a_setting_that_is_no_origin_does_not_start() {
    let served = served().await;
    for server in [
        Server::new(served.engine.clone()).cors_origin("*"),
        Server::new(served.engine.clone()).cors_origin("https://desk.example.com/path"),
        Server::new(served.engine.clone()).frame_ancestor("desk"),
        Server::new(served.engine.clone()).public_url("ftp://desk"),
    ] {
        let error = server.address(([127, 0, 0, 1], 0).into()).listen().await.unwrap_err();
        assert!(error.is_usage(), "{error}");
    }
}
