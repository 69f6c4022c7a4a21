//! The settings of a server.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Uri};

use crate::access::Access;
use crate::routes::SharedView;
use crate::serve_error::ServeError;
use crate::token::Token;

#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) address: SocketAddr,
    pub(crate) tokens: Vec<Token>,
    pub(crate) access: Option<Arc<dyn Access>>,
    /// What signatures are made with, beside the tokens.
    pub(crate) secret: Option<String>,
    pub(crate) is_open: bool,
    pub(crate) is_read_only: bool,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) cors_origins: Vec<HeaderValue>,
    pub(crate) frame_ancestors: Vec<String>,
    pub(crate) hidden_fields: Vec<String>,
    pub(crate) views: Vec<SharedView>,
    pub(crate) body_limit: usize,
    pub(crate) header_limit: usize,
    pub(crate) request_timeout: Duration,
    pub(crate) max_requests: usize,
    pub(crate) max_streams: usize,
    pub(crate) max_failed_log_ins: usize,
    /// The first mistake of a setting.
    pub(crate) fault: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 7373)),
            tokens: Vec::new(),
            access: None,
            secret: None,
            is_open: false,
            is_read_only: false,
            public_url: None,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
            frame_ancestors: Vec::new(),
            hidden_fields: ["password", "token", "api_key"].map(str::to_owned).to_vec(),
            views: Vec::new(),
            body_limit: 2 * 1024 * 1024,
            header_limit: 16 * 1024,
            request_timeout: Duration::from_secs(30),
            max_requests: 256,
            max_streams: 200,
            max_failed_log_ins: 10,
            fault: None,
        }
    }
}

impl Settings {
    /// Checks what can be checked before listening.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        if let Some(fault) = &self.fault {
            return Err(ServeError::Setting(fault.clone()));
        }
        for (index, token) in self.tokens.iter().enumerate() {
            if self.tokens[..index].iter().any(|other| other.name == token.name) {
                return Err(ServeError::Setting(format!("two tokens have the name `{}`", token.name)));
            }
        }
        let has_access = !self.tokens.is_empty() || self.access.is_some();
        if self.is_open && has_access {
            return Err(ServeError::Setting("a server that is open takes no tokens".into()));
        }
        Ok(())
    }

    /// Whether a caller can prove who it is.
    pub(crate) fn has_access(&self) -> bool {
        !self.tokens.is_empty() || self.access.is_some()
    }

    /// The path under which a proxy publishes the server; empty for the root.
    pub(crate) fn path(&self) -> &str {
        self.public_url.as_ref().map_or("", |url| &url.path)
    }

    /// Whether the path can stand in a page as it is.
    pub(crate) fn is_path_safe(&self) -> bool {
        self.path().chars().all(|c| c.is_ascii_alphanumeric() || "/-_.~%".contains(c))
    }

    /// Whether browsers reach the server by HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.as_ref().is_some_and(|url| url.is_https)
    }
}

/// The URL under which people reach the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PublicUrl {
    pub(crate) is_https: bool,
    /// The host, with its port where the URL names one.
    pub(crate) authority: String,
    /// The path without a slash at the end.
    pub(crate) path: String,
}

impl PublicUrl {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        let scheme = uri.scheme_str()?;
        if !matches!(scheme, "http" | "https") || uri.query().is_some() {
            return None;
        }
        let authority = uri.authority()?;
        if authority.as_str().contains('@') {
            return None;
        }
        Some(Self {
            is_https: scheme == "https",
            authority: authority.as_str().to_ascii_lowercase(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The origin, as browsers write it.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let default = if self.is_https { ":443" } else { ":80" };
        let authority = self.authority.strip_suffix(default).unwrap_or(&self.authority);
        format!("{scheme}://{authority}")
    }
}
