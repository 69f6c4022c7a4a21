//! Messages about checks, and about stages that wait.

use quote::ToTokens;
use syn::Error;

use super::{on, source};

pub fn no_check(token: impl ToTokens) -> Error {
    let written = source(&token);
    on(token, format!("a check must return a `Check`: write `StageResult<Check<{written}>>`"))
}

pub fn wait_without_check(name: &syn::Ident, example: &str) -> Error {
    on(
        name,
        format!(
            "option `{name}` needs option `check`, the path of a `#[check]` function: write \
             `#[stage(check = batch_done, {example})]`"
        ),
    )
}

pub fn signal_with_check(name: &syn::Ident) -> Error {
    on(
        name,
        "a stage waits for a signal or for its check, not for both: remove option `signal` or option `check`",
    )
}

pub fn poll_of_a_signal(name: &syn::Ident) -> Error {
    on(name, "option `poll_every` belongs to option `check`: nothing polls for a signal, so remove it")
}

pub fn no_ticket(token: impl ToTokens) -> Error {
    on(token, "a check must take the ticket that its stage returned: add a parameter `ticket: &Ticket`")
}

pub fn ticket_by_value(token: impl ToTokens) -> Error {
    let written = source(&token);
    on(
        token,
        format!(
            "a check must take its ticket by reference, because the next check needs it too: write `&{written}`"
        ),
    )
}

pub fn two_tickets(token: impl ToTokens) -> Error {
    on(
        token,
        "a check can take only one ticket: make this parameter `#[config]`, `#[require(…)]` or a field of the ticket",
    )
}

pub fn unsized_ticket(token: impl ToTokens, instead: &str) -> Error {
    on(token, format!("a check's ticket is what its stage returned, which has a size: write `&{instead}`"))
}
