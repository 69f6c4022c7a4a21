//! The recorded requests of the fake server.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::Value;

/// A recorded request.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The method, for example `POST`.
    pub method: String,
    /// The path without the query.
    pub path: String,
    /// The escaped text after the `?`, or empty.
    pub query: String,
    /// The headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The whole body.
    pub body: Bytes,
}

/// A part of a multipart form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormPart {
    /// The name of the file, if the part is one.
    pub file_name: Option<String>,
    /// The content of the part.
    pub content: String,
}

impl Recorded {
    pub(super) fn new(head: &Parts, body: Bytes) -> Self {
        let header = |(name, value): (&hyper::http::HeaderName, &hyper::http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap().to_owned())
        };
        Self {
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers.iter().map(header).collect(),
            body,
        }
    }

    /// Returns a header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Returns the body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Returns the body as JSON lines.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Returns the parts of a `multipart/form-data` body by their names.
    #[track_caller]
    pub fn form(&self) -> BTreeMap<String, FormPart> {
        let (_, boundary) = self.header("content-type").split_once("boundary=").unwrap();
        let text = std::str::from_utf8(&self.body).unwrap();
        let end = format!("--{boundary}--\r\n");
        let text = text.strip_suffix(&end).unwrap_or_else(|| panic!("the form has no end: {text}"));
        let separator = format!("--{boundary}\r\n");
        text.split(&separator)
            .skip(1)
            .map(|part| {
                let (head, content) = part.split_once("\r\n\r\n").unwrap();
                let named = |name: &str| {
                    let (_, rest) = head.split_once(&format!("{name}=\""))?;
                    Some(rest.split_once('"')?.0.to_owned())
                };
                let content = content.strip_suffix("\r\n").unwrap().to_owned();
                (named(" name").unwrap(), FormPart { file_name: named("filename"), content })
            })
            .collect()
    }
}
