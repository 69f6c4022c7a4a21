//! Stages that wait.

use quote::ToTokens;
use syn::Error;

use super::{on, source};

pub fn no_check(token: impl ToTokens) -> Error {
    let written = source(&token);
    on(token, format!("a check returns whether the stage is ready: write `StageResult<Check<{written}>>`"))
}

pub fn wait_without_check(name: &syn::Ident, example: &str) -> Error {
    on(
        name,
        format!(
            "option `{name}` is for a stage that waits: write `check = …` too, the path of its `#[check]` function, \
             `#[stage(check = batch_done, {example})]`"
        ),
    )
}

pub fn no_ticket(token: impl ToTokens) -> Error {
    on(token, "a check takes the ticket that its stage returned: write `ticket: &Ticket` as a parameter")
}

pub fn ticket_by_value(token: impl ToTokens) -> Error {
    on(token, "a check takes its ticket by reference, as it is needed again for the next check: write `&`")
}

pub fn two_tickets(token: impl ToTokens) -> Error {
    on(
        token,
        "a check has one ticket, and this would be the second: what else it needs is `#[config]`, \
         `#[require(…)]` or a field of the ticket",
    )
}
