//! Providers that speak over HTTP.
