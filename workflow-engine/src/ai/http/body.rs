//! Bodies of answers, read with limits.

use std::time::Duration;

use reqwest::Response;

use super::fault::ErrorFactory;
use crate::ledger::ai_error::AiError;

/// Two thousand long vectors as text are the largest answer that a provider gives.
const LONGEST_ANSWER: usize = 256 << 20;
/// An answer to one item of a batch.
const LONGEST_LINE: usize = 64 << 20;
/// Of the body of an error; what is left out is not read.
const LONGEST_ERROR: usize = 64 << 10;

/// All of an answer.
pub(super) async fn read(mut response: Response, faults: &ErrorFactory) -> Result<Vec<u8>, AiError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| faults.transport(error))? {
        if bytes.len() + chunk.len() > LONGEST_ANSWER {
            return Err(faults.malformed("the answer is longer than 256 MiB"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// What can be had of an error's body: it explains the status, which is known without it.
pub(super) async fn beginning(mut response: Response) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < LONGEST_ERROR {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        bytes.extend_from_slice(&chunk[..chunk.len().min(LONGEST_ERROR - bytes.len())]);
    }
    bytes
}

/// A long text that is read line by line, as it comes.
pub(crate) struct Lines {
    response: Response,
    timeout: Duration,
    faults: ErrorFactory,
    /// Read, from `begin` on not given yet.
    bytes: Vec<u8>,
    begin: usize,
    ended: bool,
}

impl Lines {
    pub(super) fn new(response: Response, timeout: Duration, faults: ErrorFactory) -> Self {
        Self { response, timeout, faults, bytes: Vec::new(), begin: 0, ended: false }
    }

    /// The next line that is not blank.
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
            if self.ended {
                let line = self.bytes.split_off(self.begin);
                self.begin = self.bytes.len();
                return Ok(Some(line).filter(|line| !line.trim_ascii().is_empty()));
            }
            self.bytes.drain(..self.begin);
            self.begin = 0;
            searched = self.bytes.len();
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Result<(), AiError> {
        let Ok(chunk) = tokio::time::timeout(self.timeout, self.response.chunk()).await else {
            return Err(self.faults.timeout(self.timeout));
        };
        match chunk.map_err(|error| self.faults.transport(error))? {
            Some(chunk) if self.bytes.len() + chunk.len() > LONGEST_LINE => {
                Err(self.faults.malformed("a line is longer than 64 MiB"))
            }
            Some(chunk) => {
                self.bytes.extend_from_slice(&chunk);
                Ok(())
            }
            None => {
                self.ended = true;
                Ok(())
            }
        }
    }
}
