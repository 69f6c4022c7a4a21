//! The endpoint of a provider: its server, its key, and requests to it.

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
use super::error_factory::ErrorFactory;
use super::events::{self, EventStream};
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// The server of a provider, with the headers that authenticate requests.
#[derive(Clone)]
pub(crate) struct Endpoint {
    client: Client,
    base: Url,
    headers: HeaderMap,
    errors: ErrorFactory,
}

impl Endpoint {
    /// Creates an endpoint at `base_url`: an `https://…` or `http://…` URL with the path prefix of all requests, without
    /// a query and without credentials. `provider` is the name in errors.
    pub(crate) fn new(provider: &str, base_url: &str) -> Result<Self, AiError> {
        let base = checked(provider, base_url)?;
        let errors = ErrorFactory { provider: Arc::from(provider), keys: Vec::new() };
        Ok(Self { client: client(&base)?, base, headers: HeaderMap::new(), errors })
    }

    /// Moves the endpoint to another URL, with the same key.
    pub(crate) fn at(self, base_url: &str) -> Result<Self, AiError> {
        let base = checked(&self.errors.provider, base_url)?;
        Ok(Self { client: client(&base)?, base, ..self })
    }

    /// Adds a header with the key after `prefix`, such as `("authorization", "Bearer ", key)`.
    pub(crate) fn key(
        mut self,
        name: &'static str,
        prefix: &str,
        key: &SecretString,
    ) -> Result<Self, AiError> {
        let text = SecretString::from(format!("{prefix}{}", key.expose_secret()));
        let Ok(mut value) = HeaderValue::from_str(text.expose_secret()) else {
            let message = format!(
                "the key for `{}` has characters that are not allowed in a header",
                self.errors.provider
            );
            return Err(AiError::new(AiErrorKind::Authentication, message));
        };
        value.set_sensitive(true);
        self.headers.insert(HeaderName::from_static(name), value);
        self.errors.keys.push(key.clone());
        Ok(self)
    }

    /// Adds a header that is not secret.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Result<Self, AiError> {
        let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) else {
            let message = format!("`{name}: {value}` is not a valid header for `{}`", self.errors.provider);
            return Err(AiError::new(AiErrorKind::InvalidRequest, message));
        };
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Adds a field to the query of every request. It must not be secret.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.base.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Posts `body` and returns the response. `timeout` covers the whole exchange.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<T, AiError> {
        let request = self.request(Method::POST, path, &[]).json(body);
        self.exchange(request, Some(body), timeout).await
    }

    /// Gets a resource. `timeout` covers the whole exchange.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<T, AiError> {
        self.exchange(self.request(Method::GET, path, query), None, timeout).await
    }

    /// Uploads files. `timeout` covers the whole exchange.
    pub(crate) async fn upload<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
        timeout: Duration,
    ) -> Result<T, AiError> {
        self.exchange(self.request(Method::POST, path, &[]).multipart(form), None, timeout).await
    }

    /// Posts `body` and returns the response as events. `timeout` is the maximum time to the first event, and between
    /// two events.
    pub(crate) async fn events(
        &self,
        path: &str,
        body: &Value,
        timeout: Duration,
    ) -> Result<EventStream, AiError> {
        let request = self.request(Method::POST, path, &[]).json(body);
        let response = self.begin(request, Some(body), timeout).await?;
        events::events(response, timeout, self.errors.clone())
    }

    /// Gets a long text line by line. `timeout` is the maximum time to the first bytes, and between two reads.
    pub(crate) async fn lines(&self, path: &str, timeout: Duration) -> Result<Lines, AiError> {
        let response = self.begin(self.request(Method::GET, path, &[]), None, timeout).await?;
        Ok(Lines::new(response, timeout, self.errors.clone()))
    }

    /// Converts an error that the provider reports inside a response: in an event of a stream or an item of a batch.
    /// `error` is the provider's error object, or an object with it in the field `error`. `status` is the HTTP status
    /// that it names. `request` is the request body, whose texts are redacted from the message.
    pub(crate) fn reported(&self, error: &Value, status: Option<u16>, request: Option<&Value>) -> AiError {
        self.errors.reported(error, status, request)
    }

    /// Creates the error for a response that violates the wire format. `what` describes the violation without quoting the
    /// response.
    pub(crate) fn malformed(&self, what: impl fmt::Display) -> AiError {
        self.errors.malformed(what)
    }

    /// Redacts and shortens a text of the provider that is not an error.
    pub(crate) fn redacted(&self, text: &str) -> String {
        self.errors.redacted(text)
    }

    /// Returns the provider's name in errors.
    pub(crate) fn provider(&self) -> &str {
        &self.errors.provider
    }

    fn request(&self, method: Method, path: &str, query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            // `extend` escapes each segment, so that the name of a model cannot change the path.
            segments.pop_if_empty().extend(path.split('/'));
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.client.request(method, url).headers(self.headers.clone())
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<T, AiError> {
        let exchange = async {
            let response = request.send().await.map_err(|error| self.errors.transport(error))?;
            let response = self.successful(response, body).await?;
            body::read(response, &self.errors).await
        };
        let bytes = self.within(timeout, exchange).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.errors.not_json(&error))
    }

    /// Sends the request and waits for the head of the response.
    async fn begin(
        &self,
        request: RequestBuilder,
        body: Option<&Value>,
        timeout: Duration,
    ) -> Result<Response, AiError> {
        let head = async {
            let response = request.send().await.map_err(|error| self.errors.transport(error))?;
            self.successful(response, body).await
        };
        self.within(timeout, head).await
    }

    async fn successful(&self, response: Response, request: Option<&Value>) -> Result<Response, AiError> {
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = body::read_error(response).await;
        Err(self.errors.unsuccessful(status, &headers, &body, request))
    }

    async fn within<T>(
        &self,
        timeout: Duration,
        work: impl Future<Output = Result<T, AiError>>,
    ) -> Result<T, AiError> {
        let result = tokio::time::timeout(timeout, work).await;
        result.unwrap_or_else(|_| Err(self.errors.timeout(timeout)))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = &self.errors.provider;
        // Without the headers, one of which is the key.
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
        return refuse("is not a URL: use `https://…` or `http://…`");
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return refuse("begins with neither `https://` nor `http://`");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("contains a user name or a password: pass the key separately");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("has a query or a fragment: end it with the path");
    }
    Ok(url)
}
