//! Commands as JSON: `{"type": "run.create", …}`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    AttachAnnotation, CancelRun, ClaimPendingRuns, Command, CreateRun, ExecuteJob, FailUnclaimedRuns,
    FlushOutbox, Kernel, PollSuspendedStages, PurgeRuns, RaiseBudget, ReapStaleLeases, ReapStuckRuns,
    ReplayDeadLetters, ReportStage, RerunFrom, TransitionRun, WakeStage,
};
use crate::error::Error;
use crate::value::Json;

/// Dispatches by name, and lists the names, from one table.
macro_rules! commands {
    ($($command:ty),* $(,)?) => {
        const NAMES: &[&str] = &[$(<$command>::NAME),*];

        async fn dispatch(kernel: &Kernel, name: &str, fields: &Json) -> Result<Json, Error> {
            $(if name == <$command>::NAME {
                return execute::<$command>(kernel, fields).await;
            })*
            Err(Error::unknown_command(name, NAMES))
        }
    };
}

commands![
    CreateRun,
    ClaimPendingRuns,
    ExecuteJob,
    TransitionRun,
    CancelRun,
    RerunFrom,
    PollSuspendedStages,
    WakeStage,
    ReportStage,
    RaiseBudget,
    AttachAnnotation,
    ReapStaleLeases,
    ReapStuckRuns,
    FailUnclaimedRuns,
    FlushOutbox,
    ReplayDeadLetters,
    PurgeRuns,
];

impl Kernel {
    /// Carries out a command that is given as a JSON object: its name as `type`, and its fields. Durations are whole
    /// milliseconds, and their fields end in `_ms`. The answer is the command's, as JSON.
    ///
    /// # Errors
    /// `INVALID_REQUEST` when it is no such object, names no command, or has a field that is missing, unknown or of
    /// another type; otherwise as the command documents.
    pub async fn dispatch_json(&self, command: &str) -> Result<Json, Error> {
        // Not serde's tagged enums: they cannot hold a field of raw JSON.
        let mut fields: BTreeMap<String, Json> = serde_json::from_str(command)
            .map_err(|error| Error::invalid_request(format!("a command is a JSON object: {error}")))?;
        let name = fields.remove("type").and_then(|name| name.decode::<String>().ok());
        let name = name.ok_or_else(|| Error::invalid_request("a command has its name as `type`"))?;
        let fields = Json::encode(&fields)
            .map_err(|error| Error::invalid_request(format!("command `{name}` cannot be read: {error}")))?;
        dispatch(self, &name, &fields).await
    }
}

async fn execute<C>(kernel: &Kernel, fields: &Json) -> Result<Json, Error>
where
    C: Command + DeserializeOwned,
    C::Output: Serialize,
{
    let command: C = fields
        .decode()
        .map_err(|error| Error::invalid_request(format!("command `{}` cannot be read: {error}", C::NAME)))?;
    let answer = kernel.dispatch(command).await?;
    Json::encode(&answer).map_err(|error| {
        Error::invalid_request(format!("the answer of `{}` cannot be written: {error}", C::NAME))
    })
}
