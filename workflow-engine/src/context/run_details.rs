//! What the caller said about the run: metadata, tags, and the trace that the run belongs to.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::scheduled::scheduled_for;
use super::stage_context::StageContext;
use super::stage_error::{StageError, StageResult};
use super::tag_source::GivenTags;
use super::trace::{TRACEPARENT, parse_traceparent, without_engine_fields};
use crate::value::Json;

impl<S> StageContext<S> {
    /// Returns the metadata that the caller gave with [`StartRun::metadata`](crate::StartRun::metadata), or `None` without
    /// any.
    ///
    /// ```
    /// use serde::{Deserialize, Serialize};
    /// use workflow_engine::prelude::*;
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Caller {
    ///     user: String,
    /// }
    ///
    /// #[stage]
    /// async fn greet(word: String, ctx: &StageContext) -> StageResult<String> {
    ///     let caller: Option<Caller> = ctx.metadata()?;
    ///     Ok(format!("{word}, {}", caller.map_or("stranger".to_owned(), |caller| caller.user)))
    /// }
    ///
    /// workflow! { Greeting = greet }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In a unit test.
    /// let ctx = StageContext::detached().with_metadata(&Caller { user: "Ada".into() });
    /// assert_eq!(greet("Hello".into(), &ctx).await.unwrap(), "Hello, Ada");
    ///
    /// let engine = Engine::builder("memory:").register::<Greeting>().build().await?;
    /// let start = engine.start::<Greeting>(GreetingInput { word: "Hello".into() });
    /// let run = start.metadata(Caller { user: "Alan".into() }).await?;
    /// assert_eq!(run.output().await?, "Hello, Alan");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Permanent, if the metadata is not a `T`.
    pub fn metadata<T: DeserializeOwned>(&self) -> StageResult<Option<T>> {
        let Some(json) = self.stored_metadata() else { return Ok(None) };
        // The engine may have added the caller's trace, for which `T` has no field.
        json.decode().map(Some).or_else(|error| without_engine_fields(json).ok_or(error)?).map_err(|error| {
            StageError::permanent(format_args!(
                "the metadata of run {} is not a `{}`: {error}",
                self.run_id(),
                std::any::type_name::<T>(),
            ))
        })
    }

    /// Reads the tags that the caller gave with [`StartRun::tag`](crate::StartRun::tag), by key. Each call reads the store: a
    /// run whose stages do not ask for its tags pays nothing for them.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn greet(ctx: &StageContext) -> StageResult<String> {
    ///     Ok(format!("Hello, {}", ctx.tags().await?["customer"]))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let ctx = StageContext::detached().with_tags([("customer", "acme")]);
    /// assert_eq!(greet(&ctx).await.unwrap(), "Hello, acme");
    /// # }
    /// ```
    ///
    /// # Errors
    /// An error of the store.
    pub async fn tags(&self) -> StageResult<BTreeMap<String, String>> {
        self.services().tags.tags().await
    }

    /// Returns a W3C trace context for requests of this attempt: the value of the header `traceparent`.
    ///
    /// All stages and attempts of a run belong to one trace. It is the caller's, if the run was started with
    /// [`StartRun::traceparent`](crate::StartRun::traceparent), or its metadata is an object with a valid `traceparent`;
    /// otherwise its id is that of the run, without the hyphens. Each attempt is a span of its own. Where the attempt has a
    /// span of OpenTelemetry (feature `otel`), it is the context of that span.
    ///
    /// ```
    /// use workflow_engine::StageContext;
    ///
    /// let ctx = StageContext::detached();
    /// let parts: Vec<String> = ctx.traceparent().split('-').map(str::to_owned).collect();
    /// assert_eq!(parts[1], ctx.run_id().to_string().replace('-', ""));
    ///
    /// let caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let ctx = ctx.with_metadata(&std::collections::BTreeMap::from([("traceparent", caller)]));
    /// assert!(ctx.traceparent().starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    /// ```
    #[must_use]
    pub fn traceparent(&self) -> String {
        if let Some(own) = self.own_traceparent() {
            return own.to_owned();
        }
        let caller = self.caller_trace();
        let (trace_id, flags) = caller.as_ref().map_or_else(
            || (self.run_id().as_uuid().as_simple().to_string(), "01"),
            |(trace_id, flags)| (trace_id.clone(), flags.as_str()),
        );
        let mut hasher = DefaultHasher::new();
        (self.run_id().as_uuid().as_bytes(), self.stage_key(), self.generation(), self.attempt())
            .hash(&mut hasher);
        // A span's id is not 0.
        format!("00-{trace_id}-{:016x}-{flags}", hasher.finish().max(1))
    }

    /// The caller's trace and its flags, if the metadata has them in the form that W3C prescribes.
    fn caller_trace(&self) -> Option<(String, String)> {
        let metadata: BTreeMap<String, serde_json::Value> = self.stored_metadata()?.decode().ok()?;
        let (trace_id, flags) = parse_traceparent(metadata.get(TRACEPARENT)?.as_str()?)?;
        Some((trace_id.to_owned(), flags.to_owned()))
    }

    /// Returns the tick for which a schedule has started the run: the instant that its clock showed, which the start may follow
    /// by a jitter or by the length of an outage. It is the instant of the call for a run that was triggered, and `None` for
    /// a run that no schedule has started.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn report(ctx: &StageContext) -> StageResult<String> {
    ///     let day = ctx.scheduled_for().map(|tick| tick.date_naive().to_string());
    ///     Ok(day.unwrap_or_else(|| "no schedule".into()))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), StageError> {
    /// assert_eq!(report(&StageContext::detached()).await?, "no schedule");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn scheduled_for(&self) -> Option<DateTime<Utc>> {
        scheduled_for(self.stored_metadata()?)
    }

    /// Returns the same context with this metadata of the run, for a unit test of a stage function.
    ///
    /// # Panics
    /// If the value cannot be written as JSON.
    #[must_use]
    pub fn with_metadata(self, metadata: &impl Serialize) -> Self {
        let json = match Json::encode(metadata) {
            Ok(json) => json,
            Err(error) => panic!("the metadata cannot be stored: {error}"),
        };
        self.changed(|parts| parts.metadata = Some(json))
    }

    /// Returns the same context with these tags of the run alone, for a unit test of a stage function.
    #[must_use]
    pub fn with_tags<K: Into<String>, V: Into<String>>(self, tags: impl IntoIterator<Item = (K, V)>) -> Self {
        let tags = tags.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        self.changed(|parts| parts.services.tags = Arc::new(GivenTags(tags)))
    }
}
