//! What the server was asked.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::Value;

/// A request, as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `POST`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What stands after the `?`, still escaped; empty without.
    pub query: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    /// All of it.
    pub body: Bytes,
}

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormPart {
    /// Of a file.
    pub file_name: Option<String>,
    /// All of it.
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

    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }

    /// Its body.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Its body, which is JSON line by line.
    #[track_caller]
    pub fn json_lines(&self) -> Vec<Value> {
        let text = std::str::from_utf8(&self.body).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The parts of its body, which is `multipart/form-data`, by their names.
    #[track_caller]
    pub fn form(&self) -> BTreeMap<String, FormPart> {
        let (_, boundary) = self.header("content-type").split_once("boundary=").unwrap();
        let text = std::str::from_utf8(&self.body).unwrap();
        let end = format!("--{boundary}--\r\n");
        let text = text.strip_suffix(&end).unwrap_or_else(|| panic!("no end: {text}"));
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
