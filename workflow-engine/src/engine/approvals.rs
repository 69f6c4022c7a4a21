//! The stages that wait for a person.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Engine;
use super::list::{Cursor, List, Page};
use super::run_signal::Signal;
use crate::error::Error;
use crate::ports::SignalWaitQuery;
use crate::records::SignalWait;
use crate::value::{Json, Place, RunId, StageKey};

/// A stage that waits for a signal, from [`Engine::approvals`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[non_exhaustive]
pub struct PendingApproval {
    /// Names it: pass it to [`Engine::answer`].
    pub id: ApprovalId,
    /// The run.
    pub run_id: RunId,
    /// The workflow's id.
    pub workflow_id: String,
    /// The stage.
    pub stage_id: String,
    /// The place of the stage in its run; empty outside of repeated parts.
    #[serde(default, skip_serializing_if = "Place::is_empty")]
    pub place: Place,
    /// The stage's name, for people.
    pub stage_name: String,
    /// The question: what the stage's function has returned.
    pub question: Json,
    /// The JSON Schema of the answer.
    pub form: Value,
    /// The instant at which the function began to run.
    pub asked_at: Option<DateTime<Utc>>,
    /// The instant at which the wait times out.
    pub deadline: DateTime<Utc>,
}

/// Names a stage that waits for a signal: a run and a stage. As text `{run id}.{stage}`, such as
/// `01990e54-….ask` or `01990e54-….ask[17]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApprovalId {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_key: StageKey,
}

const LIST: &str = "approvals";

impl Engine {
    /// Lists the stages that wait for a signal, by deadline: an inbox for people. A stage leaves the list when it
    /// receives one, its wait times out, or its run ends.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage(signal = Approval, give_up_after = "7d")]
    /// async fn approve(draft: String) -> StageResult<String> {
    ///     Ok(format!("May we publish this? {draft}"))
    /// }
    ///
    /// workflow! { Publishing = approve }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Publishing>().build().await?;
    /// let run = engine.start::<Publishing>(ApproveInput { draft: "News".into() }).await?;
    /// # use futures_util::StreamExt;
    /// # let mut events = run.events();
    /// # while events.next().await.unwrap()?.kind.name() != "workflow:suspended" {}
    ///
    /// let inbox = engine.approvals().await?;
    /// assert_eq!(inbox[0].question.as_str(), "\"May we publish this? News\"");
    /// assert_eq!(inbox[0].form["properties"]["approved"]["type"], "boolean");
    ///
    /// let answer = workflow_engine::Json::parse(r#"{"approved":true}"#).unwrap();
    /// engine.answer(&inbox[0].id, answer).actor("ada").await?;
    /// assert!(run.output().await?.approved);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn approvals(&self) -> List<PendingApproval> {
        let engine = self.clone();
        List::new(move |after: Option<Cursor>, limit| {
            let engine = engine.clone();
            async move {
                let position = after.map(|cursor| cursor.item::<Position>(LIST)).transpose()?;
                let page = engine.read_approvals(position, limit).await;
                page.map_err(|error| engine.unless_store_closed(error))
            }
        })
    }

    /// Sends the answer to a stage that waits for a signal, as [`AnyRun::signal`](crate::AnyRun::signal) does.
    pub fn answer(&self, id: &ApprovalId, payload: Json) -> Signal {
        super::any_run::AnyRun::new(self.clone(), id.run_id).signal(&id.stage_key, payload)
    }

    async fn read_approvals(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Page<PendingApproval>, Error> {
        let mut forms = Vec::new();
        for fingerprint in self.store().suspended_definitions().await? {
            // Every process registers its definitions before its runs can wait.
            let Some(stages) = self.kernel().definition_stages(&fingerprint).await? else { continue };
            forms.extend(stages.with_signals().filter_map(|stage| {
                Some(((fingerprint.clone(), stage.id.clone()), stage.signal_schema.clone()?))
            }));
        }
        if forms.is_empty() {
            return Ok(Page { items: Vec::new(), next: None, searched_to: None });
        }
        let query = SignalWaitQuery {
            stages: forms.iter().map(|(key, _)| key.clone()).collect(),
            after: after.map(|Position(deadline, id)| (deadline, id.run_id, id.stage_key)),
            limit: limit + 1,
        };
        let mut waits = self.store().signal_waits(&query).await?;
        let has_next = waits.len() > limit;
        waits.truncate(limit);
        let last = waits.last().filter(|_| has_next);
        let next = last.map(|wait| Cursor::new(LIST, Position::of(wait)));
        let mut items = Vec::with_capacity(waits.len());
        for wait in waits {
            let form = forms.iter().find(|((fingerprint, stage_id), _)| {
                *fingerprint == wait.definition_fingerprint && *stage_id == wait.stage_id
            });
            let form = form.map(|(_, form)| form.clone()).unwrap_or_default();
            let question = match self.kernel().resolve(wait.run_id, wait.question.clone()).await {
                Ok(question) => question,
                // It has received its answer meanwhile, and its blob was deleted.
                Err(error) if error.code() == crate::ErrorCode::BlobMissing => continue,
                Err(error) => return Err(error),
            };
            items.push(PendingApproval::new(wait, question, form));
        }
        Ok(Page { items, next, searched_to: None })
    }
}

impl PendingApproval {
    fn new(wait: SignalWait, question: Json, form: Value) -> Self {
        let id = ApprovalId { run_id: wait.run_id, stage_key: wait.stage_key() };
        let SignalWait { run_id, workflow_id, stage_id, place, stage_name, asked_at, deadline, .. } = wait;
        Self { id, run_id, workflow_id, stage_id, place, stage_name, question, form, asked_at, deadline }
    }
}

impl fmt::Display for ApprovalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.run_id, self.stage_key)
    }
}

impl FromStr for ApprovalId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refused = || {
            let shown: String = text.chars().take(80).collect();
            Error::invalid_request(format!(
                "{shown:?} is not the id of an approval: expected `{{run id}}.{{stage id}}`"
            ))
        };
        let (run_id, stage_id) = text.split_once('.').ok_or_else(refused)?;
        let run_id = run_id.parse().map_err(|_| refused())?;
        if stage_id.is_empty() { Err(refused()) } else { Ok(Self { run_id, stage_key: stage_id.into() }) }
    }
}

impl Serialize for ApprovalId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApprovalId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for ApprovalId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ApprovalId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let pattern = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}[.].+$";
        schemars::json_schema!({ "type": "string", "pattern": pattern })
    }
}

/// A position in the list: after this wait.
struct Position(DateTime<Utc>, ApprovalId);

impl Position {
    fn of(wait: &SignalWait) -> Self {
        Self(wait.deadline, ApprovalId { run_id: wait.run_id, stage_key: wait.stage_key() })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.timestamp_micros(), self.1)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (micros, id) = text.split_once('.').ok_or(())?;
        let deadline = micros.parse().ok().and_then(DateTime::from_timestamp_micros).ok_or(())?;
        Ok(Self(deadline, id.parse().map_err(|_| ())?))
    }
}
