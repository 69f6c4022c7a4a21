//! A provider's server, as its requests see it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::Form;
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::body::{self, Lines};
use super::client::client;
use super::events::{self, EventStream};
use super::fault::ErrorFactory;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// Where a provider is, and how it knows who asks.
#[derive(Clone)]
pub(crate) struct Endpoint {
    client: Client,
    base: Url,
    headers: HeaderMap,
    faults: ErrorFactory,
}

impl Endpoint {
    /// A server at `base_url`: `https://…` or `http://…`, with the path that comes before all others, without a query
    /// and without a key in it. `provider` names it in errors.
    pub(crate) fn new(provider: &str, base_url: &str) -> Result<Self, AiError> {
        let base = checked(provider, base_url)?;
        let faults = ErrorFactory { provider: Arc::from(provider), keys: Vec::new() };
        Ok(Self { client: client(&base)?, base, headers: HeaderMap::new(), faults })
    }

    /// The same at another URL, with the same key.
    pub(crate) fn at(self, base_url: &str) -> Result<Self, AiError> {
        let base = checked(&self.faults.provider, base_url)?;
        Ok(Self { client: client(&base)?, base, ..self })
    }

    /// With a header that holds the key, after `prefix`: `("authorization", "Bearer ", key)`.
    pub(crate) fn key(
        mut self,
        name: &'static str,
        prefix: &str,
        key: &SecretString,
    ) -> Result<Self, AiError> {
        let text = SecretString::from(format!("{prefix}{}", key.expose_secret()));
        let Ok(mut value) = HeaderValue::from_str(text.expose_secret()) else {
            let message = format!("the key for `{}` has characters that no key has", self.faults.provider);
            return Err(AiError::new(AiErrorKind::Authentication, message));
        };
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        self.faults.keys.push(key.clone());
        Ok(self)
    }

    /// With a header that is no secret.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
            let message = format!("`{name}: {value}` is no header for `{}`", self.faults.provider);
            return Err(AiError::new(AiErrorKind::InvalidRequest, message));
        };
        self.headers.insert(name, value);
        Ok(self)
    }

    /// With a field in the query of every request; no secret.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.base.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Asks for an answer to `body`. `timeout` is for all of it.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<T, AiError> {
        let request = self.request(Method::POST, path, &[]).json(body);
        self.whole(request, Some(body), timeout).await
    }

    /// Asks for what is there. `timeout` is for all of it.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<T, AiError> {
        self.whole(self.request(Method::GET, path, query), None, timeout).await
    }

    /// Hands files over. `timeout` is for all of it.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
        timeout: Duration,
    ) -> Result<T, AiError> {
        self.whole(self.request(Method::POST, path, &[]).multipart(form), None, timeout).await
    }

    /// Asks for an answer to `body`, event by event. `timeout` is for the first, and from each to the next.
    pub(crate) async fn events(
        &self,
        path: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<EventStream, AiError> {
        let request = self.request(Method::POST, path, &[]).json(body);
        let response = self.begin(request, Some(body), timeout).await?;
        events::events(response, timeout, self.faults.clone())
    }

    /// Asks for a long text, line by line. `timeout` is for the first piece of it, and from each to the next.
    pub(crate) async fn lines(&self, path: &str, timeout: Duration) -> Result<Lines, AiError> {
        let response = self.begin(self.request(Method::GET, path, &[]), None, timeout).await?;
        Ok(Lines::new(response, timeout, self.faults.clone()))
    }

    /// The failure that an answer of another kind reports: an event of a stream, an item of a batch.
    /// `error` is the provider's error object, or what holds it as `error`; `status` is the HTTP status that it names;
    /// `request` is what was asked, which the error may repeat and the message shall not.
    pub(crate) fn reported(&self, error: &Value, status: Option<u16>, request: Option<&Value>) -> AiError {
        self.faults.reported(error, status, request)
    }

    /// An answer that the wire format does not allow; `what` says where, and nothing of what it holds.
    pub(crate) fn malformed(&self, what: impl fmt::Display) -> AiError {
        self.faults.malformed(what)
    }

    /// What the provider says in other places than errors, fit to be shown.
    pub(crate) fn shown(&self, text: &str) -> String {
        self.faults.shown(text)
    }

    /// Its name, for errors.
    pub(crate) fn provider(&self) -> &str {
        &self.faults.provider
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // Each piece is escaped, so that the name of a model cannot lead elsewhere.
            segments.pop_if_empty().extend(path.split('/'));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url).headers(self.headers.clone())
    }

    async fn whole<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<T, AiError> {
        let answer = async {
            let response = request.send().await.map_err(|error| self.faults.transport(error))?;
            let response = self.accepted(response, body).await?;
            body::read(response, &self.faults).await
        };
        let bytes = self.within(timeout, answer).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.faults.not_json(&error))
    }

    /// Sends, and waits for the head of the answer.
    async fn begin(
        &self,
        request: RequestBuilder,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Response, AiError> {
        let head = async {
            let response = request.send().await.map_err(|error| self.faults.transport(error))?;
            self.accepted(response, body).await
        };
        self.within(timeout, head).await
    }

    async fn accepted(&self, response: Response, request: Option<&Value>) -> Result<Response, AiError> {
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = body::beginning(response).await;
        Err(self.faults.answered(status, &headers, &body, request))
    }

    async fn within<T>(
        &self,
        timeout: Duration,
        answer: impl Future<Output = Result<T, AiError>>,
    ) -> Result<T, AiError> {
        let answer = tokio::time::timeout(timeout, answer).await;
        answer.unwrap_or_else(|_| Err(self.faults.timeout(timeout)))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = &self.faults.provider;
        // Not its headers: one of them is the key.
        f.debug_struct("Endpoint")
            .field("provider", provider)
            .field("base", &self.base.as_str())
            .finish_non_exhaustive()
    }
}

fn checked(provider: &str, base_url: &str) -> Result<Url, AiError> {
    let refuse = |why: &str| {
        let message = format!("the base URL of `{provider}` {why}");
        Err(AiError::new(AiErrorKind::InvalidRequest, message))
    };
    let Ok(url) = Url::parse(base_url) else {
        return refuse("is no URL; it begins with `https://` or `http://`");
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return refuse("begins neither with `https://` nor with `http://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("has a name or a password in it; give the key by itself");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or a fragment; it ends with a path");
    }
    Ok(url)
}
