//! Who calls: the port for a program's own sign-on.

use std::net::SocketAddr;

use async_trait::async_trait;
use http::request::Parts;

use crate::grant::Grant;

/// Decides who sends a request, beside the tokens: for a program's own sign-on.
///
/// ```
/// use http::request::Parts;
/// use workflow_engine_server::{Access, Grant, Identity};
///
/// /// Trusts the name that the proxy of the company has checked.
/// struct CompanyProxy;
///
/// #[async_trait::async_trait]
/// impl Access for CompanyProxy {
///     async fn identify(&self, request: &Parts) -> Option<Identity> {
///         let name = request.headers.get("x-company-user")?.to_str().ok()?;
///         Some(Identity::new(name, Grant::ReadPayloads))
///     }
/// }
/// ```
#[async_trait]
pub trait Access: Send + Sync {
    /// Returns the sender of a request that has no token; `None` where it may not see anything.
    async fn identify(&self, request: &Parts) -> Option<Identity>;
}

/// The sender of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Identity {
    /// The name, for the audit log.
    pub name: String,
    /// What the sender may do.
    pub grant: Grant,
    /// By what the sender acts, for the audit log. Default `access`.
    pub via: &'static str,
}

impl Identity {
    /// Creates an identity.
    pub fn new(name: impl Into<String>, grant: Grant) -> Self {
        Self { name: name.into(), grant, via: "access" }
    }

    /// Sets by what the sender acts.
    #[must_use]
    pub const fn via(mut self, via: &'static str) -> Self {
        self.via = via;
        self
    }
}

/// The address of a client. A program that serves [`Server::service`](crate::Server::service) itself puts it into the
/// extensions of each request; without it, failed log-ins are not limited by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub SocketAddr);
