//! The log of actions from outside.

use super::Kernel;
use super::commands::Command;
use crate::error::Error;
use crate::records::Actor;
use crate::value::is_name;

impl Kernel {
    /// Executes a command, and logs it as an action if an actor is named.
    pub(super) async fn execute_by<C: Command>(
        &self,
        command: C,
        by: Option<&Actor>,
    ) -> Result<C::Output, Error> {
        let Some(by) = by else { return command.execute(self).await };
        let run = command.run();
        let executed = if is_name(&by.name) {
            command.execute_by(self, by).await
        } else {
            let message = "the name of an actor has 1 to 255 bytes and no control characters";
            Err(Error::invalid_request(message))
        };
        let outcome = executed.as_ref().err().map_or("OK", |error| error.code().as_str());
        tracing::info!(
            target: "workflow_engine::audit",
            action = C::NAME,
            subject = run.map(tracing::field::display),
            by = by.name,
            via = by.via,
            request_id = by.request_id,
            outcome,
            "an action from outside"
        );
        executed
    }
}
