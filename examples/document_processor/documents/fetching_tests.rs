//! Tests of fetching, with a local server.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const LARGE: u64 = 1_000_000;

/// Starts a server that sends one response, and returns its URL.
async fn serving(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _ = connection.read(&mut request).await.unwrap();
        connection.write_all(response.as_bytes()).await.unwrap();
    });
    format!("http://{address}")
}

async fn refusal(answer: &'static str) -> StageError {
    fetch(&serving(answer).await, LARGE).await.unwrap_err()
}

#[tokio::test]
async fn a_page_is_fetched_with_its_format() {
    let url =
        serving("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>Hi</p>").await;
    let content = fetch(&url, LARGE).await.unwrap();
    assert_eq!((content.bytes.as_slice(), content.format), (b"<p>Hi</p>".as_slice(), Format::Html));
}

#[tokio::test]
async fn a_file_server_may_call_markdown_plain_text() {
    let url = serving("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\n# Hi").await;
    assert_eq!(fetch(&format!("{url}/a.md"), LARGE).await.unwrap().format, Format::Markdown);
}

#[tokio::test]
async fn a_missing_page_is_a_permanent_failure() {
    let error = refusal("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    assert!(!error.is_retryable() && error.message() == "the server responded with 404 Not Found", "{error}");
}

#[tokio::test]
async fn a_busy_server_is_retried_after_the_time_that_it_requests() {
    let error =
        refusal("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(error.delay(), Some(std::time::Duration::from_secs(7)));
    let error = refusal("HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n").await;
    assert!(error.is_retryable() && error.delay().is_none(), "{error}");
}

#[tokio::test]
async fn content_that_is_not_text_is_a_permanent_failure() {
    let error =
        refusal("HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 4\r\n\r\n%PDF").await;
    assert!(!error.is_retryable() && error.message().contains("application/pdf"), "{error}");
}

#[tokio::test]
async fn a_response_that_is_too_large_is_a_permanent_failure() {
    let url = serving("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n<p>Hi</p>").await;
    let error = fetch(&url, 8).await.unwrap_err();
    assert!(!error.is_retryable() && error.message().contains("larger than 8 bytes"), "{error}");
}

#[tokio::test]
async fn a_refused_connection_is_retryable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fetch(&format!("http://{address}"), LARGE).await.unwrap_err();
    assert!(error.is_retryable() && error.message().contains("cannot be reached"), "{error}");
    assert!(error.message().contains("refused"), "the message names the cause: {error}");
}

#[tokio::test]
async fn other_schemes_and_malformed_urls_are_permanent_failures() {
    for url in ["ftp://example.org/a.txt", "http://", "://"] {
        assert!(!fetch(url, LARGE).await.unwrap_err().is_retryable(), "{url}");
    }
}
