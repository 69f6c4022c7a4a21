//! The cases of `ui-tests` that pass, in edition 2021.

#[path = "../../tests/pass.rs"]
mod pass;
