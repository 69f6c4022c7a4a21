//! The server and its settings.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workflow_engine::Engine;

use crate::access::Access;
use crate::app::App;
use crate::grant::Grant;
use crate::hook::Hooks;
use crate::listener;
use crate::routes::SharedView;
use crate::serve_error::ServeError;
use crate::service::HttpService;
use crate::settings::{PublicUrl, Settings};
use crate::token::{self, Token};

/// The HTTP API of an engine.
///
/// Without settings it listens on `127.0.0.1:7373` and makes a token, which [`Server::serve`] prints.
///
/// ```
/// use workflow_engine::Engine;
/// use workflow_engine_server::{Grant, Server, Token};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::builder("memory:").build().await?;
/// let server = Server::new(engine)
///     .address(([127, 0, 0, 1], 0).into()) // any free port
///     .token(Token::new("ops", Grant::Operate, "correct horse battery staple")?)
///     .listen()
///     .await?;
/// println!("http://{}/api/v1/runs", server.address());
/// server.shutdown().await;
/// # Ok(())
/// # }
/// ```
#[must_use = "a server does nothing until it serves"]
pub struct Server {
    engine: Engine,
    settings: Settings,
}

impl Server {
    /// Creates a server of this engine.
    pub fn new(engine: Engine) -> Self {
        Self { engine, settings: Settings::default() }
    }

    /// Sets the address. Default `127.0.0.1:7373`; port 0 takes a free one. On an address that other machines can reach,
    /// the server does not start without a token or an [`Access`].
    pub const fn address(mut self, address: SocketAddr) -> Self {
        self.settings.address = address;
        self
    }

    /// Adds a token. Names are unique.
    pub fn token(mut self, token: Token) -> Self {
        self.settings.tokens.push(token);
        self
    }

    /// Asks this who sends a request that has no token.
    pub fn access(mut self, access: impl Access + 'static) -> Self {
        self.settings.access = Some(Arc::new(access));
        self
    }

    /// Sets the secret with which the addresses of hooks and the tokens of bulk actions are signed, at least 16 bytes. Every
    /// process that shares it accepts them. Default: a key that is made of the tokens, or of chance where there are none.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        let secret = secret.into();
        if secret.len() < 16 {
            self.fault("the secret has fewer than 16 bytes".into());
        }
        self.settings.secret = Some(secret);
        self
    }

    /// Lets every program of this machine do everything, without a token. Only on a loopback address.
    pub const fn open(mut self) -> Self {
        self.settings.is_open = true;
        self
    }

    /// Refuses every write, also those of callers with the grant `operate`.
    pub const fn read_only(mut self) -> Self {
        self.settings.is_read_only = true;
        self
    }

    /// Sets the URL under which people reach the server: its host is admitted beside the loopback ones, its path is that
    /// of `Location` headers and cookies, and with `https` cookies are `Secure`.
    pub fn public_url(mut self, url: &str) -> Self {
        match PublicUrl::parse(url) {
            Some(url) => self.settings.public_url = Some(url),
            None => self.fault(format!("`{url}` is not a URL with `http` or `https`, a host and a path")),
        }
        self
    }

    /// Believes the `X-Forwarded-For` header of a proxy at this address.
    pub fn trusted_proxy(mut self, address: IpAddr) -> Self {
        self.settings.trusted_proxies.push(address);
        self
    }

    /// Lets scripts of this origin call the API: `https://ops.example.com`. Default none.
    pub fn cors_origin(mut self, origin: &str) -> Self {
        let is_origin = PublicUrl::parse(origin).is_some_and(|url| url.origin() == origin);
        match HeaderValue::from_str(origin) {
            Ok(value) if is_origin => self.settings.cors_origins.push(value),
            _ => self.fault(format!("`{origin}` is not an origin such as `https://ops.example.com`")),
        }
        self
    }

    /// Lets pages of this origin embed the server's pages. Default none.
    pub fn frame_ancestor(mut self, origin: &str) -> Self {
        if PublicUrl::parse(origin).is_some_and(|url| url.origin() == origin) {
            self.settings.frame_ancestors.push(origin.to_owned());
        } else {
            self.fault(format!("`{origin}` is not an origin such as `https://ops.example.com`"));
        }
        self
    }

    /// Sets the names of the fields of payloads whose values are shown as `[hidden]`, whatever their case. Default
    /// `password`, `token` and `api_key`.
    pub fn hidden_fields<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.settings.hidden_fields = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds a named filter to the page of the dashboard with all runs: `.view("Failed today", "status:failed created:24h")`.
    pub fn view(mut self, name: impl Into<String>, query: impl Into<String>) -> Self {
        self.settings.views.push(SharedView { name: name.into(), query: query.into() });
        self
    }

    /// Sets the largest body of a request in bytes. Default 2 MiB.
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = bytes;
        self
    }

    /// Sets the time after which a request without an answer fails, 2 seconds or more. Default 30 seconds.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        if timeout < Duration::from_secs(2) {
            self.fault("`request_timeout` is 2 seconds or more".into());
        }
        self.settings.request_timeout = timeout;
        self
    }

    /// Sets the most requests that are served at once, 1 or more; the server refuses further ones with 503. Default 256.
    pub fn max_requests(mut self, requests: usize) -> Self {
        if requests == 0 {
            self.fault("`max_requests` is 1 or more".into());
        }
        self.settings.max_requests = requests;
        self
    }

    /// Sets the most live streams at once, 1 or more; the server refuses further ones with 503. Default 200.
    pub fn max_streams(mut self, streams: usize) -> Self {
        if streams == 0 {
            self.fault("`max_streams` is 1 or more".into());
        }
        self.settings.max_streams = streams;
        self
    }

    /// Sets the most failed log-ins of an address within a minute, 1 or more; further requests of this address with a token
    /// are refused with 429. Default 10.
    pub fn max_failed_log_ins(mut self, failures: usize) -> Self {
        if failures == 0 {
            self.fault("`max_failed_log_ins` is 1 or more".into());
        }
        self.settings.max_failed_log_ins = failures;
        self
    }

    fn fault(&mut self, message: String) {
        self.settings.fault.get_or_insert(message);
    }

    /// Listens, prints the address, and serves until the engine shuts down. A token that the server has made is part of
    /// the printed address.
    ///
    /// # Errors
    /// As [`Server::listen`].
    pub async fn serve(self) -> Result<(), ServeError> {
        let engine = self.engine.clone();
        let server = self.listen().await?;
        eprintln!("workflow-engine: {}", server.login_url());
        engine.wait_for_shutdown().await;
        server.shutdown().await;
        Ok(())
    }

    /// Listens, and serves in the background until [`RunningServer::shutdown`].
    ///
    /// # Errors
    /// [`ServeError`]: the address can be reached from other machines and there is no token, a setting is wrong, or the
    /// system refuses the address.
    pub async fn listen(mut self) -> Result<RunningServer, ServeError> {
        self.settings.check()?;
        let address = self.settings.address;
        let mut secret = None;
        if !self.settings.has_access() {
            if !address.ip().is_loopback() {
                return Err(ServeError::PublicWithoutToken(address));
            }
            if !self.settings.is_open {
                let text = token::generate();
                let hash = token::hash(&text);
                self.settings.tokens.push(Token { name: "console".into(), grant: Grant::Operate, hash });
                secret = Some(text);
            }
        }
        let refused = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let stop = CancellationToken::new();
        let service = HttpService::new(App::new(self.engine, self.settings, stop.clone()));
        let hooks = service.hooks();
        let task = tokio::spawn(listener::serve(listener, service, stop.clone()));
        Ok(RunningServer { address, secret, hooks, stop, task })
    }

    /// Returns the API as a service for another server: it nests in any program on axum, tonic or hyper.
    ///
    /// # Errors
    /// [`ServeError::NoAccess`] without a token, an [`Access`] or [`Server::open`]; [`ServeError::Setting`].
    pub fn service(self) -> Result<HttpService, ServeError> {
        self.settings.check()?;
        if !self.settings.has_access() && !self.settings.is_open {
            return Err(ServeError::NoAccess);
        }
        Ok(HttpService::new(App::new(self.engine, self.settings, CancellationToken::new())))
    }
}

/// A server that listens. Dropping it stops the server at once.
#[derive(Debug)]
pub struct RunningServer {
    address: SocketAddr,
    secret: Option<String>,
    hooks: Hooks,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl RunningServer {
    /// Returns the address at which it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the token that the server has made because it had none.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    /// Returns what makes the addresses of hooks.
    #[must_use]
    pub const fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    /// Returns the URL for a browser: `http://127.0.0.1:7373/#token=…`. What follows `#` is not sent to a server.
    #[must_use]
    pub fn login_url(&self) -> String {
        let fragment = self.token().map(|token| format!("#token={token}")).unwrap_or_default();
        format!("http://{}/{fragment}", self.address)
    }

    /// Stops listening, ends the live streams, and waits until the other requests have been answered, at most 10
    /// seconds.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        let _ = (&mut self.task).await;
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.stop.cancel();
        self.task.abort();
    }
}
