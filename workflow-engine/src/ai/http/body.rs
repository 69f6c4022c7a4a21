//! Response bodies, read with size limits.

use std::time::Duration;

use reqwest::Response;

use super::error_factory::ErrorFactory;
use crate::ledger::ai_error::AiError;

/// The largest response of any provider is two thousand long vectors as text.
const MAX_RESPONSE_BYTES: usize = 256 << 20;
/// A line is the result of one batch item.
const MAX_LINE_BYTES: usize = 64 << 20;
/// Error bodies are read up to this length.
const MAX_ERROR_BYTES: usize = 64 << 10;

/// Reads a whole response.
pub(super) async fn read(mut response: Response, errors: &ErrorFactory) -> Result<Vec<u8>, AiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| errors.transport(error))? {
        if bytes.len() + chunk.len() > MAX_RESPONSE_BYTES {
            return Err(errors.malformed("the response is longer than 256 MiB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Reads the beginning of an error's body, as far as possible. The status alone suffices, so a failure here is ignored.
pub(super) async fn read_error(mut response: Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_ERROR_BYTES {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        bytes.extend_from_slice(&chunk[..chunk.len().min(MAX_ERROR_BYTES - bytes.len())]);
    }
    bytes
}

/// A long text that is read line by line as it arrives.
pub(crate) struct Lines {
    response: Response,
    timeout: Duration,
    errors: ErrorFactory,
    /// Received bytes. Those from `begin` on are not returned yet.
    bytes: Vec<u8>,
    begin: usize,
    is_complete: bool,
}

impl Lines {
    pub(super) fn new(response: Response, timeout: Duration, errors: ErrorFactory) -> Self {
        Self { response, timeout, errors, bytes: Vec::new(), begin: 0, is_complete: false }
    }

    /// Returns the next line that is not blank, or `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, AiError> {
        let mut searched = self.begin;
        loop {
            if let Some(length) = self.bytes[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.bytes[self.begin..searched + length].to_vec();
                self.begin = searched + length + 1;
                searched = self.begin;
                if !line.trim_ascii().is_empty() {
                    return Ok(Some(line));
                }
                continue;
            }
            if self.is_complete {
                let line = self.bytes.split_off(self.begin);
                self.begin = self.bytes.len();
                return Ok(Some(line).filter(|line| !line.trim_ascii().is_empty()));
            }
            self.bytes.drain(..self.begin);
            self.begin = 0;
            searched = self.bytes.len();
            self.receive().await?;
        }
    }

    async fn receive(&mut self) -> Result<(), AiError> {
        let Ok(chunk) = tokio::time::timeout(self.timeout, self.response.chunk()).await else {
            return Err(self.errors.timeout(self.timeout));
        };
        match chunk.map_err(|error| self.errors.transport(error))? {
            Some(chunk) if self.bytes.len() + chunk.len() > MAX_LINE_BYTES => {
                Err(self.errors.malformed("a line is longer than 64 MiB"))
            }
            Some(chunk) => {
                self.bytes.extend_from_slice(&chunk);
                Ok(())
            }
            None => {
                self.is_complete = true;
                Ok(())
            }
        }
    }
}
