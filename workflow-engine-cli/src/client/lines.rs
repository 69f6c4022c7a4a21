//! The lines of an answer.

use futures_util::StreamExt;
use http::StatusCode;
use workflow_engine::Json;

use super::{Body, problem};
use crate::failure::Failure;

/// The lines of an answer, each a JSON value.
pub struct Lines {
    body: Body,
    /// What has arrived of lines that are not returned.
    rest: Vec<u8>,
}

impl Lines {
    pub(super) fn new(body: Body) -> Self {
        Self { body, rest: Vec::new() }
    }

    /// Returns the next line; `None` at the end.
    ///
    /// # Errors
    /// When the connection is lost, or the server ends the lines with an error.
    pub async fn next(&mut self) -> Result<Option<Json>, Failure> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                let line = String::from_utf8(line)?;
                if let Some(status) = status_of_problem(&line) {
                    return Err(problem::failure(status, &line));
                }
                return Ok(Some(Json::parse(line.trim_end())?));
            }
            match self.body.next().await {
                Some(part) => self.rest.extend_from_slice(&part?),
                None => return Ok(None),
            }
        }
    }
}

/// Returns the status of a line that is an error. No item has the type `about:blank`.
fn status_of_problem(line: &str) -> Option<StatusCode> {
    let rest = line.strip_prefix(r#"{"type":"about:blank","#)?;
    let status: u16 = rest.split(r#""status":"#).nth(1)?.split(',').next()?.parse().ok()?;
    StatusCode::from_u16(status).ok()
}
