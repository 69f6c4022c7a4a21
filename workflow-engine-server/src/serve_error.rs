//! Why a server does not start.

use std::net::SocketAddr;

/// The reason why a server does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address can be reached from other machines, and the server has no token and no [`Access`](crate::Access).
    #[error("`{0}` can be reached from other machines: give the server a token, or listen on 127.0.0.1")]
    PublicWithoutToken(SocketAddr),
    /// A service has no token and no [`Access`](crate::Access), and is not open.
    #[error("the service has no token: give it one, or an `Access`, or make it `open()`")]
    NoAccess,
    /// A setting is wrong.
    #[error("{0}")]
    Setting(String),
    /// The system refused the address.
    #[error("cannot listen on `{address}`: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The reason.
        source: std::io::Error,
    },
}

impl ServeError {
    /// Whether the caller has to change a setting: a program ends with the exit code 2.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        !matches!(self, Self::Listen { .. })
    }
}
