//! The API as a tower service.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tower_service::Service;

use crate::app::App;
use crate::hook::Hooks;
use crate::routes;

/// The API as a [`tower_service::Service`]. Clones are the same service.
#[derive(Clone)]
pub struct HttpService {
    router: Router,
    hooks: Hooks,
}

impl HttpService {
    pub(crate) fn new(app: App) -> Self {
        Self { hooks: Hooks::new(app.clone()), router: routes::router(app) }
    }

    /// Returns what makes the addresses of hooks.
    #[must_use]
    pub fn hooks(&self) -> Hooks {
        self.hooks.clone()
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let response = self.router.call(request.map(Body::new));
        Box::pin(async move { Ok(response.await?.map(ResponseBody)) })
    }
}

impl fmt::Debug for HttpService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpService").finish_non_exhaustive()
    }
}

/// The body of an answer.
#[derive(Debug)]
pub struct ResponseBody(Body);

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.0).poll_frame(context).map_err(axum::Error::into_inner)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
