//! The workflow: processor-bound work whose result is easy to check.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use workflow_engine::prelude::*;

/// The hash of a text, in hexadecimal digits.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Hashed {
    /// The hash.
    pub hash: String,
    /// The process that computed it.
    pub worker: u32,
}

/// A number that, appended to a hash, gives a hash with leading zeros.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Nonce {
    /// The number.
    pub nonce: u64,
    /// The process that found it.
    pub worker: u32,
}

/// A solved puzzle.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Solved {
    /// The even and the odd number.
    pub nonces: [u64; 2],
    /// The process of each stage.
    pub solved_by: Vec<u32>,
}

/// The number of leading zero bits; it takes several hundred attempts.
const DIFFICULTY: u32 = 10;

/// Hashes the text.
#[stage]
pub async fn hashed(text: String) -> StageResult<Hashed> {
    Ok(Hashed { hash: format!("{:x}", Sha256::digest(text)), worker: std::process::id() })
}

/// Searches an even number.
#[stage]
pub async fn even(hashed: Hashed) -> StageResult<Nonce> {
    search(hashed.hash, 0).await
}

/// Searches an odd number.
#[stage]
pub async fn odd(hashed: Hashed) -> StageResult<Nonce> {
    search(hashed.hash, 1).await
}

/// Checks both numbers.
#[stage]
pub async fn checked(even: Nonce, odd: Nonce, #[require(hashed)] hashed: &Hashed) -> StageResult<Solved> {
    for Nonce { nonce, .. } in [&even, &odd] {
        if !solves(&hashed.hash, *nonce) {
            return Err(StageError::permanent(format!("{nonce} does not solve {}", hashed.hash)));
        }
    }
    let solved_by = vec![hashed.worker, even.worker, odd.worker, std::process::id()];
    Ok(Solved { nonces: [even.nonce, odd.nonce], solved_by })
}

workflow! {
    /// Solves a puzzle with two parallel searches.
    pub Puzzle = hashed >> [even, odd] >> checked
}

/// Computes on a blocking thread, so that the worker's other stages continue meanwhile.
async fn search(hash: String, first: u64) -> StageResult<Nonce> {
    let found = tokio::task::spawn_blocking(move || (first..).step_by(2).find(|nonce| solves(&hash, *nonce)));
    let nonce = found.await.map_err(StageError::retryable)?;
    let nonce = nonce.ok_or_else(|| StageError::permanent("no number solves it"))?;
    Ok(Nonce { nonce, worker: std::process::id() })
}

fn solves(hash: &str, nonce: u64) -> bool {
    let digest = Sha256::digest(format!("{hash}{nonce}"));
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]).leading_zeros() >= DIFFICULTY
}
