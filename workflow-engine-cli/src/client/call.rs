//! One request of the API.

use std::fmt::Write;

use http::Method;
use serde::Serialize;

use crate::failure::Failure;

/// One request of the API.
#[derive(Clone, Debug)]
pub struct Call {
    /// The method.
    pub method: Method,
    /// The path behind `/api/v1`.
    pub path: String,
    /// The parameters of the query.
    pub query: Vec<(&'static str, String)>,
    /// The headers.
    pub headers: Vec<(&'static str, String)>,
    /// The body, which is JSON.
    pub body: Option<String>,
    /// The name of the person who acts, if it is not the user.
    pub actor: Option<String>,
}

impl Call {
    /// Creates a request that reads.
    pub fn get(path: impl Into<String>) -> Self {
        let (query, headers) = (Vec::new(), Vec::new());
        Self { method: Method::GET, path: path.into(), query, headers, body: None, actor: None }
    }

    /// Creates a request that changes something.
    ///
    /// # Errors
    /// When the body has no JSON form.
    pub fn post(path: impl Into<String>, body: &impl Serialize) -> Result<Self, Failure> {
        let body = Some(serde_json::to_string(body)?);
        Ok(Self { method: Method::POST, body, ..Self::get(path) })
    }

    /// Adds a parameter of the query.
    #[allow(clippy::needless_pass_by_value, reason = "a call reads better without references")]
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Adds a parameter of the query, if it has a value.
    pub fn maybe(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Returns the path below the API with its query.
    pub fn target(&self) -> String {
        let mut target = format!("/api/v1{}", self.path);
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            target.push_str(&segment(value));
        }
        target
    }
}

/// Returns a text as a part of a path or a query: every byte that may mean something there is escaped.
pub fn segment(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}
