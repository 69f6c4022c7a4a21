//! A workflow as a step of another one: the stage starts a run of it, and waits for its end.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::entry::{keep, store};
use super::from_upstream::FromUpstream;
use crate::context::{ChildOutcome, StageContext, StageError};
use crate::definition::{
    CheckExecution, CheckOutcome, ChildWorkflow, StageDeclaration, StagePath, WaitDefinition,
};
#[cfg(feature = "testing")]
use crate::language::Stubs;
use crate::language::{InputTypes, Running, Stage, Workflow};
use crate::records::ChildTicket;
use crate::value::{Json, Payload, Storable};

/// The time between two checks whether a child has ended. Its last commit wakes the stage, so this only finds a child that
/// was deleted.
const CHECK_EVERY: Duration = Duration::from_secs(3_600);

/// A child may take as long as its own deadline allows: longer times than the calendar are never over.
const NO_LIMIT: Duration = Duration::from_secs(10_000 * 365 * 86_400);

/// The input of a workflow whose type the user has written, as the input of a step: a value of just this type.
#[derive(Clone, Debug)]
pub struct Whole<T>(T);

impl<T> InputTypes for Whole<T> {
    type Parameters = T;
}

impl<T> FromUpstream<T> for Whole<T> {
    fn accept(value: T) -> Self {
        Self(value)
    }
}

impl<T: Storable> Serialize for Whole<T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.store(to)
    }
}

impl<'de, T: Storable> Deserialize<'de> for Whole<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::load(from).map(Self)
    }
}

impl<T: Storable> JsonSchema for Whole<T> {
    fn schema_name() -> Cow<'static, str> {
        std::any::type_name::<T>().into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::own_schema(generator)
    }
}

#[diagnostic::do_not_recommend]
impl<W> Stage for W
where
    W: Workflow<StepInput: Payload + InputTypes, Output: Storable, Config: Payload>,
{
    type Input = W::StepInput;
    type Config = W::Config;
    type Output = W::Output;

    const PATH: StagePath = W::STEP.path;

    const DECLARATION: StageDeclaration = {
        let wait = WaitDefinition::new(check::<W>, ticket_schema).for_child(CHECK_EVERY, NO_LIMIT);
        let child = ChildWorkflow::new(W::STEP.id, W::STEP.version);
        // A new version of the child does not change the definition of its parent.
        W::STEP.version(1).waits(wait, &[], &[]).runs(child)
    };

    fn run(input: W::StepInput, config: W::Config, context: StageContext) -> Running<Json> {
        Box::pin(async move {
            let input = keep::<W, _>("input", input)?;
            let config = keep::<W, _>("configuration", config)?;
            let child_run_id = context.start_awaited::<W>(input, config).await?;
            Json::write(&ChildTicket { child_run_id }).map_err(StageError::permanent)
        })
    }
}

fn ticket_schema() -> Schema {
    ChildTicket::root_schema(SchemaGenerator::default())
}

/// Checks whether the child has ended.
fn check<W: Stage + Workflow<Output = <W as Stage>::Output>>(
    execution: CheckExecution,
) -> BoxFuture<'static, Result<CheckOutcome, StageError>> {
    Box::pin(outcome::<W>(execution))
}

async fn outcome<W: Stage + Workflow<Output = <W as Stage>::Output>>(
    execution: CheckExecution,
) -> Result<CheckOutcome, StageError> {
    let CheckExecution { ticket, context, .. } = execution;
    let _life = context.life();
    #[cfg(feature = "testing")]
    if Stubs::find::<W>(&context).is_some() {
        return Ok(CheckOutcome::Ready(ticket));
    }
    let ticket: ChildTicket = ticket.decode().map_err(|error| {
        StageError::permanent(format_args!("the ticket of stage `{}` cannot be read: {error}", W::STEP.id))
    })?;
    let children = &context.services().children;
    match children.outcome(ticket.child_run_id, W::STEP.id, W::STEP.version).await? {
        ChildOutcome::Open => Ok(CheckOutcome::Pending(None)),
        ChildOutcome::Failed(error) => Err(error),
        ChildOutcome::Completed(values) => {
            let output = W::decode_output(&values).map_err(|error| {
                StageError::permanent(format_args!(
                    "the output of run {} cannot be read as that of workflow `{}`: {error}",
                    ticket.child_run_id,
                    W::STEP.id
                ))
            })?;
            store::<W>(output).map(CheckOutcome::Ready)
        }
    }
}
