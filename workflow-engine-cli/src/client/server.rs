//! The API of a server.

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt, TryStreamExt};
use reqwest::{Client, Url};

use super::{Answer, Call, Transport};
use crate::failure::{Exit, Failure};

/// A server of the API.
pub struct Remote {
    client: Client,
    /// The public URL of the server, without a slash at the end.
    url: String,
    token: Option<String>,
}

impl Remote {
    /// Reaches the server at this URL, with the token of this file.
    ///
    /// # Errors
    /// When the URL is wrong, or the file cannot be read.
    pub fn new(url: &str, token_file: Option<&Path>) -> Result<Self, Failure> {
        let wrong = |reason: &str| {
            Failure::usage(format!("`{url}` is not the URL of a server: {reason}"))
                .advice("write it like `http://127.0.0.1:7373` or `https://example.com/workflows`")
        };
        let parsed = Url::parse(url).map_err(|error| wrong(&error.to_string()))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(wrong("its scheme is neither http nor https"));
        }
        let token = token_file.map(read_token).transpose()?;
        // It fails where the program has chosen a provider already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().connect_timeout(Duration::from_secs(10)).build()?;
        Ok(Self { client, url: url.trim_end_matches('/').to_owned(), token })
    }
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("the token file `{}` cannot be read: {error}", path.display()))
    })?;
    let token = text.trim();
    if token.is_empty() || token.contains(char::is_control) || token.starts_with("sha256:") {
        return Err(Failure::usage(format!("the file `{}` does not hold a token", path.display()))
            .advice("it must hold the token itself, not its hash: see `token new`"));
    }
    Ok(token.to_owned())
}

impl Transport for Remote {
    fn send(&self, call: Call) -> BoxFuture<'_, Result<Answer, Failure>> {
        Box::pin(async move {
            if call.actor.is_some() {
                return Err(Failure::usage("a server names the actor by its token: `--actor` needs `--db`"));
            }
            let url = format!("{}{}", self.url, call.target());
            let mut request = self.client.request(call.method, &url);
            if let Some(token) = &self.token {
                request = request.bearer_auth(token);
            }
            for (name, value) in call.headers {
                request = request.header(name, value);
            }
            if let Some(body) = call.body {
                request = request.header("content-type", "application/json").body(body);
            }
            let response = request.send().await.map_err(|error| unreachable(&self.url, &error))?;
            let status = response.status();
            let url = self.url.clone();
            let body = response.bytes_stream().map_err(move |error| unreachable(&url, &error)).boxed();
            Ok(Answer { status, body, error: None })
        })
    }
}

fn unreachable(url: &str, error: &reqwest::Error) -> Failure {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    Failure::new(Exit::Unavailable, format!("the server `{url}` does not answer: {cause}"))
        .advice("check the URL, and that the server runs: `serve` starts one")
}
