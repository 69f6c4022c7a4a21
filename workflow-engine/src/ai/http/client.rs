//! The HTTP client of a provider.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use crate::ledger::ai_error::{AiError, AiErrorKind};

/// A reachable server accepts a connection well within this time.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Creates a client for one server.
///
/// It names ring as its cryptography provider and installs none for the process, because that choice belongs to the
/// program. It follows no redirects, which would send the key to another server.
pub(super) fn client(base: &Url) -> Result<Client, AiError> {
    let builder = Client::builder()
        .user_agent(concat!("workflow-engine/", env!("CARGO_PKG_VERSION")))
        .redirect(Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .tls_backend_preconfigured(tls(base).map_err(|error| setup_error(&error))?);
    // A proxy cannot reach a loopback address of this machine.
    let builder = if is_local(base) { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| setup_error(&error))
}

/// Shared by all clients, because reading the machine's certificates is slow.
static WITH_CERTIFICATES: OnceLock<ClientConfig> = OnceLock::new();

/// A server without TLS needs no certificates, so it also works on machines that have none.
fn tls(base: &Url) -> Result<ClientConfig, rustls::Error> {
    if let ("https", Some(config)) = (base.scheme(), WITH_CERTIFICATES.get()) {
        return Ok(config.clone());
    }
    let provider: Arc<CryptoProvider> = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    if base.scheme() != "https" {
        return Ok(config.with_root_certificates(RootCertStore::empty()).with_no_client_auth());
    }
    let config = config.with_platform_verifier()?.with_no_client_auth();
    Ok(WITH_CERTIFICATES.get_or_init(|| config).clone())
}

fn is_local(base: &Url) -> bool {
    let host = base.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn setup_error(error: &dyn std::error::Error) -> AiError {
    AiError::new(AiErrorKind::Unsupported, format!("the HTTP client cannot be created: {error}"))
}
