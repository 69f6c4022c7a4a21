//! Signed texts, for what a client keeps and gives back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::token::{self, Hash, Token};

/// Signs values with a key that is made of the secret or else of the tokens, so that every process with the same ones reads
/// them. Without either the key is random.
pub(crate) struct Signer {
    key: Hash,
}

impl Signer {
    pub(crate) fn new(tokens: &[Token], secret: Option<&str>) -> Self {
        let mut hashes: Vec<Hash> = match secret {
            Some(secret) => vec![token::hash(secret)],
            None => tokens.iter().map(|token| token.hash).collect(),
        };
        if hashes.is_empty() {
            hashes.push(token::hash(&token::generate()));
        }
        hashes.sort_unstable();
        let mut digest = Sha256::new_with_prefix(b"workflow-engine signing key");
        for hash in &hashes {
            digest.update(hash);
        }
        Self { key: digest.finalize().into() }
    }

    /// A signer for what one token alone may have signed.
    pub(crate) fn of_token(token: &Token) -> Self {
        let digest = Sha256::new_with_prefix(b"workflow-engine session key").chain_update(token.hash);
        Self { key: digest.finalize().into() }
    }

    /// Returns the value and its signature as a text that fits in a URL and a cookie.
    pub(crate) fn sign<T: Serialize>(&self, purpose: &str, value: &T) -> String {
        let json = serde_json::to_vec(value).unwrap_or_default();
        let mac = self.mac(purpose, &json).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(json), URL_SAFE_NO_PAD.encode(mac))
    }

    /// Reads a text that was signed for this purpose.
    pub(crate) fn verify<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Option<T> {
        let (json, mac) = text.split_once('.')?;
        let json = URL_SAFE_NO_PAD.decode(json).ok()?;
        let mac = URL_SAFE_NO_PAD.decode(mac).ok()?;
        // In constant time.
        self.mac(purpose, &json).verify_slice(&mac).ok()?;
        serde_json::from_slice(&json).ok()
    }

    fn mac(&self, purpose: &str, json: &[u8]) -> Hmac<Sha256> {
        // HMAC takes keys of every length.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!());
        mac.update(purpose.as_bytes());
        mac.update(b"\n");
        mac.update(json);
        mac
    }
}
