//! The reason why a value does not survive its stored form, and where in the value it is.

use std::fmt;

use crate::error::ErrorCode;
use crate::value::MAX_DEPTH;

/// The longest path in a message, in bytes. The path of a value that is nested too deeply is as long as the value is deep.
const MAX_PATH_BYTES: usize = 120;

/// The reason why a value does not survive its stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lossy {
    code: ErrorCode,
    path: String,
    reason: String,
}

impl Lossy {
    pub(super) fn new(code: ErrorCode, path: String, reason: String) -> Self {
        Self { code, path: shortened(path), reason }
    }

    pub(super) fn unreadable(path: String, reason: impl fmt::Display) -> Self {
        Self::new(ErrorCode::PayloadUnreadable, path, reason.to_string())
    }

    pub(super) fn too_deep() -> Self {
        let reason = format!("arrays and objects are nested more than {MAX_DEPTH} levels deep");
        Self::new(ErrorCode::PayloadTooDeep, String::new(), reason)
    }

    pub(super) fn not_finite(number: f64) -> Self {
        let reason = format!("`{number}` has no form in JSON, and would be read back as `null`");
        Self::new(ErrorCode::PayloadChanged, String::new(), reason)
    }

    pub(super) fn some_of_null() -> Self {
        let reason = "`Some` of a value that is `null` in JSON would be read back as `None`".to_owned();
        Self::new(ErrorCode::PayloadChanged, String::new(), reason)
    }

    /// The same fault, at this place in the value.
    pub(super) fn at(self, path: String) -> Self {
        Self { path: shortened(path), ..self }
    }

    /// The error code.
    pub(crate) const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Whether the value is nested too deeply, so that it must not be dropped on a stack of the usual size.
    pub(crate) fn is_too_deep(&self) -> bool {
        self.code == ErrorCode::PayloadTooDeep
    }
}

fn shortened(path: String) -> String {
    if path.len() <= MAX_PATH_BYTES {
        return path;
    }
    format!("{}…", &path[..path.floor_char_boundary(MAX_PATH_BYTES)])
}

impl fmt::Display for Lossy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "at `{}`, ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Lossy {}

impl serde::ser::Error for Lossy {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unreadable(String::new(), message)
    }
}
