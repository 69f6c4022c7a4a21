//! The tokens of callers, kept as hashes.

use std::fmt;
use std::path::Path;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::grant::Grant;

/// The shortest secret, in bytes.
const MIN_BYTES: usize = 16;

/// The hash of a secret.
pub(crate) type Hash = [u8; 32];

/// A token: a secret that gives its bearer a grant, under a name for the audit log. Only the secret's SHA-256 is kept.
///
/// ```
/// use workflow_engine_server::{Grant, Token};
///
/// let ops = Token::new("ops", Grant::Operate, "correct horse battery staple")?;
/// let same = Token::parse(
///     "ops",
///     Grant::Operate,
///     "sha256:c4bbcb1fbec99d65bf59d85c8cb62ee2db963f0fe106f483d9afa73bd4e39a8a",
/// )?;
/// assert!(Token::new("short", Grant::Read, "secret").is_err()); // fewer than 16 bytes
/// # let _ = (ops, same);
/// # Ok::<(), workflow_engine_server::InvalidToken>(())
/// ```
#[derive(Clone)]
pub struct Token {
    pub(crate) name: String,
    pub(crate) grant: Grant,
    pub(crate) hash: Hash,
}

impl Token {
    /// Makes a token of its secret: at least 16 bytes.
    ///
    /// # Errors
    /// If the secret is shorter, or the name is empty or has more than 64 bytes.
    pub fn new(name: impl Into<String>, grant: Grant, secret: &str) -> Result<Self, InvalidToken> {
        let name = name.into();
        if secret.len() < MIN_BYTES {
            let message = format!("the secret of token `{name}` has fewer than {MIN_BYTES} bytes");
            return Err(InvalidToken::new(message));
        }
        Self::of_hash(name, grant, hash(secret))
    }

    /// Makes a token of a text: `sha256:` and 64 hexadecimal digits, `file:` and the path of a file that holds the secret
    /// or its hash, or else the secret itself.
    ///
    /// # Errors
    /// As [`Token::new`]; if the digits are not a hash, or the file cannot be read.
    pub fn parse(name: impl Into<String>, grant: Grant, text: &str) -> Result<Self, InvalidToken> {
        let name = name.into();
        if let Some(path) = text.strip_prefix("file:") {
            return Self::from_file(name, grant, path);
        }
        let Some(digits) = text.strip_prefix("sha256:") else { return Self::new(name, grant, text) };
        match unhex(digits) {
            Some(hash) => Self::of_hash(name, grant, hash),
            None => Err(InvalidToken::new(format!("token `{name}`: `sha256:` needs 64 hexadecimal digits"))),
        }
    }

    /// Makes a token of a file that holds the secret, or `sha256:` and its hash. White space around it does not count.
    ///
    /// # Errors
    /// As [`Token::parse`].
    pub fn from_file(
        name: impl Into<String>,
        grant: Grant,
        path: impl AsRef<Path>,
    ) -> Result<Self, InvalidToken> {
        let (name, path) = (name.into(), path.as_ref());
        let text = std::fs::read_to_string(path).map_err(|error| {
            InvalidToken::new(format!("token `{name}`: `{}` cannot be read: {error}", path.display()))
        })?;
        if text.trim().starts_with("file:") {
            return Err(InvalidToken::new(format!("token `{name}`: `{}` names a file", path.display())));
        }
        Self::parse(name, grant, text.trim())
    }

    fn of_hash(name: String, grant: Grant, hash: Hash) -> Result<Self, InvalidToken> {
        if name.is_empty() || name.len() > 64 || name.chars().any(char::is_control) {
            return Err(InvalidToken::new("a token's name needs 1 to 64 bytes and no control characters"));
        }
        Ok(Self { name, grant, hash })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("name", &self.name).field("grant", &self.grant).finish_non_exhaustive()
    }
}

/// Returns the token with this secret. Every token is compared, in constant time.
pub(crate) fn find<'t>(tokens: &'t [Token], secret: &str) -> Option<&'t Token> {
    let presented = hash(secret);
    let mut found = None;
    for token in tokens {
        if bool::from(token.hash.ct_eq(&presented)) {
            found = Some(token);
        }
    }
    found
}

/// Returns a new secret.
pub(crate) fn generate() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}

pub(crate) fn hash(secret: &str) -> Hash {
    Sha256::digest(secret.as_bytes()).into()
}

fn unhex(digits: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// The text is not a token or a grant.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct InvalidToken(String);

impl InvalidToken {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
