//! Fetches a document from the web.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, Url};
use tokio::sync::OnceCell;
use workflow_engine::prelude::*;

use super::{Content, Format};

/// The time limit for a connection; only an unreachable server takes longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest delay before a retry, even if the server requests a longer one.
const LONGEST_DELAY: Duration = Duration::from_mins(1);

/// Returns the content of an `http` or `https` URL, at most `max_bytes`.
///
/// # Errors
/// Permanent if another attempt would fail in the same way: a malformed URL, a 4xx status, content that is not text, too
/// much content. Retryable: no connection, an interrupted response, status 408, 429 or 5xx.
pub async fn fetch(url: &str, max_bytes: u64) -> StageResult<Content> {
    let url = parse(url)?;
    let response = client(&url).await?.get(url.clone()).send().await.map_err(unreachable)?;
    if let Some(error) = refusal(&response) {
        return Err(error);
    }
    let format = format(&response, &url)?;
    let bytes = body(response, max_bytes).await?;
    Ok(Content { bytes, format })
}

fn parse(url: &str) -> StageResult<Url> {
    let url = Url::parse(url).map_err(|error| StageError::permanent(format!("malformed URL: {error}")))?;
    if matches!(url.scheme(), "http" | "https") {
        return Ok(url);
    }
    Err(StageError::permanent(format!("`{}` URLs are not supported, only http and https", url.scheme())))
}

/// Returns the client for all documents, which reads the system's certificates once and keeps connections open.
async fn client(url: &Url) -> StageResult<Client> {
    static CLIENT: OnceCell<Client> = OnceCell::const_new();
    let shared = CLIENT
        .get_or_try_init(|| async {
            // Reading the certificates blocks on the disk.
            tokio::task::spawn_blocking(|| {
                // An error means that the process has already installed a provider, which is used then.
                let _ = rustls::crypto::ring::default_provider().install_default();
                builder().build()
            })
            .await?
            .map_err(StageError::from)
        })
        .await;
    match shared {
        Ok(client) => Ok(client.clone()),
        // Without certificates, the client can still fetch unencrypted pages.
        Err(_) if url.scheme() == "http" => Ok(builder().tls_certs_only([]).build()?),
        Err(error) => {
            Err(StageError::permanent(format!("https pages cannot be fetched on this machine: {error}")))
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    Client::builder()
        .user_agent(concat!("document_processor/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
}

/// Returns an error with the innermost cause, which helps the reader most: "connection refused", not "client error".
fn unreachable(error: reqwest::Error) -> StageError {
    // Every message already begins with the URL.
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    StageError::retryable(format!("the server cannot be reached: {cause}"))
}

fn refusal(response: &Response) -> Option<StageError> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    let message = format!("the server responded with {status}");
    let is_temporary = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
    if !is_temporary && !status.is_server_error() {
        return Some(StageError::permanent(message));
    }
    Some(match retry_after(response) {
        Some(delay) => StageError::retry_after(message, delay.min(LONGEST_DELAY)),
        None => StageError::retryable(message),
    })
}

/// Reads `Retry-After` in seconds. With its other form, a date, the stage's own backoff applies.
fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

fn format(response: &Response, url: &Url) -> StageResult<Format> {
    let from_path = Format::from_extension(Path::new(url.path()));
    let Some(header) = response.headers().get(CONTENT_TYPE) else {
        return Ok(from_path.unwrap_or(Format::Html));
    };
    let content_type = String::from_utf8_lossy(header.as_bytes());
    match (Format::from_content_type(&content_type), from_path) {
        // File servers send Markdown as plain text or as `application/octet-stream`.
        (Some(Format::PlainText), Some(Format::Markdown)) => Ok(Format::Markdown),
        (Some(format), _) => Ok(format),
        (None, Some(format)) if content_type.starts_with("application/octet-stream") => Ok(format),
        (None, _) => Err(StageError::permanent(format!(
            "content of type `{content_type}` is not supported, only text, Markdown and HTML"
        ))),
    }
}

/// Reads the body in chunks, so that an endless response does not fill the memory.
async fn body(mut response: Response, max_bytes: u64) -> StageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > max_bytes {
            return Err(StageError::permanent(format!("the response is larger than {max_bytes} bytes")));
        }
    }
    Ok(bytes)
}
