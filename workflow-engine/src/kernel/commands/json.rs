//! Commands as JSON: `{"type": "run.create", …}`.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    AttachAnnotation, CancelRun, ClaimPendingRuns, Command, CreateRun, DeleteRun, ExecuteJob,
    FailOverdueRuns, FailUnclaimedRuns, FlushOutbox, ForkRun, PollSuspendedStages, PurgeRuns, RaiseBudget,
    ReapStaleLeases, ReapStuckRuns, RemoveSubscriber, ReplayDeadLetters, ReportStage, RerunFrom, RollUpCosts,
    SignalRun, TransitionRun, WakeStage,
};
#[cfg(feature = "schedules")]
use super::{
    BackfillSchedule, DeleteSchedule, PauseSchedule, PutSchedule, ResumeSchedule, TickSchedules,
    TriggerSchedule,
};
use crate::error::Error;
use crate::kernel::Kernel;
use crate::records::Actor;
use crate::value::Json;

/// Dispatches by name, and lists the names, from one table.
macro_rules! commands {
    ($($(#[$condition:meta])* $command:ty),* $(,)?) => {
        const NAMES: &[&str] = &[$($(#[$condition])* <$command>::NAME),*];

        async fn dispatch(
            kernel: &Kernel,
            name: &str,
            fields: &Json,
            by: Option<&Actor>,
        ) -> Result<Json, Error> {
            $($(#[$condition])*
            if name == <$command>::NAME {
                return execute::<$command>(kernel, fields, by).await;
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
    ForkRun,
    PollSuspendedStages,
    WakeStage,
    SignalRun,
    ReportStage,
    RaiseBudget,
    AttachAnnotation,
    ReapStaleLeases,
    ReapStuckRuns,
    FailOverdueRuns,
    FailUnclaimedRuns,
    FlushOutbox,
    ReplayDeadLetters,
    RemoveSubscriber,
    PurgeRuns,
    DeleteRun,
    RollUpCosts,
    #[cfg(feature = "schedules")]
    PutSchedule,
    #[cfg(feature = "schedules")]
    DeleteSchedule,
    #[cfg(feature = "schedules")]
    PauseSchedule,
    #[cfg(feature = "schedules")]
    ResumeSchedule,
    #[cfg(feature = "schedules")]
    TriggerSchedule,
    #[cfg(feature = "schedules")]
    BackfillSchedule,
    #[cfg(feature = "schedules")]
    TickSchedules,
];

/// Executes a command that is a JSON object, and returns its output as JSON.
pub(in crate::kernel) async fn dispatch_json(
    kernel: &Kernel,
    command: &str,
    by: Option<&Actor>,
) -> Result<Json, Error> {
    // Serde's tagged enums cannot hold a field of raw JSON, so the type is read by hand.
    let mut fields: BTreeMap<String, Json> = serde_json::from_str(command)
        .map_err(|error| Error::invalid_request(format!("a command must be a JSON object: {error}")))?;
    let name = fields.remove("type").and_then(|name| name.decode::<String>().ok());
    let name =
        name.ok_or_else(|| Error::invalid_request("a command must have its name in the field `type`"))?;
    let named = fields.remove("by").map(|named| named.decode::<Option<Actor>>()).transpose();
    let named = named.map_err(|error| Error::invalid_request(format!("`by` is not an actor: {error}")))?;
    let named = named.flatten();
    let fields = Json::write(&fields)
        .map_err(|error| Error::invalid_request(format!("command `{name}` cannot be read: {error}")))?;
    dispatch(kernel, &name, &fields, named.as_ref().or(by)).await
}

async fn execute<C>(kernel: &Kernel, fields: &Json, by: Option<&Actor>) -> Result<Json, Error>
where
    C: Command + DeserializeOwned,
    C::Output: Serialize,
{
    let command: C = fields
        .decode()
        .map_err(|error| Error::invalid_request(format!("command `{}` cannot be read: {error}", C::NAME)))?;
    let output = kernel.execute_by(command, by).await?;
    Json::write(&output).map_err(|error| {
        Error::invalid_request(format!("the output of `{}` cannot be written as JSON: {error}", C::NAME))
    })
}
