//! A filter for annotations.

use chrono::{DateTime, Utc};

use crate::records::{AnnotationKey, AnnotationRecord};
use crate::value::StageKey;

/// Selects annotations: those that match every condition that is set, at most [`limit`](Self::limit) of them. Without a
/// condition it selects the first hundred.
///
/// ```
/// use workflow_engine::{AnnotationFilter, AnnotationKey};
///
/// const OUTCOME: AnnotationKey<String> = AnnotationKey::new("review.outcome");
/// let by_ada = AnnotationFilter::new().key(OUTCOME).actor("ada");
/// let reviews = AnnotationFilter::new().prefix("review").limit(10); // `review`, `review.outcome`, not `reviewer`
/// # let _ = (by_ada, reviews);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct AnnotationFilter {
    /// The key.
    pub key: Option<String>,
    /// The key, or the leading segments of it.
    pub prefix: Option<String>,
    /// The stage that the annotation is about. A key without a place selects every place of its stage.
    pub stage_key: Option<StageKey>,
    /// The actor.
    pub actor: Option<String>,
    /// The scope.
    pub scope: Option<String>,
    /// The earliest instant of the commit.
    pub since: Option<DateTime<Utc>>,
    /// The instant before which the annotation was committed.
    pub until: Option<DateTime<Utc>>,
    /// The [`AnnotationRecord::id`] of the last annotation of the previous page; only greater ids match. Default 0.
    pub after: u64,
    /// The most annotations to return, 1 to 1,000. Default 100.
    pub limit: usize,
}

impl AnnotationFilter {
    /// Creates a filter without conditions, for the first hundred annotations.
    pub const fn new() -> Self {
        Self {
            key: None,
            prefix: None,
            stage_key: None,
            actor: None,
            scope: None,
            since: None,
            until: None,
            after: 0,
            limit: 100,
        }
    }

    /// Selects annotations of this key.
    pub fn key<T>(self, key: AnnotationKey<T>) -> Self {
        self.key_named(key.name())
    }

    /// Selects annotations of the key with this name.
    pub fn key_named(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Selects annotations of this key, and of every key that begins with it and a `.`. It compares whole segments, and
    /// no character is a wildcard.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Selects annotations about this stage: `embed` for every place of it, `embed[17]` for one.
    pub fn stage(mut self, stage_key: impl Into<StageKey>) -> Self {
        self.stage_key = Some(stage_key.into());
        self
    }

    /// Selects annotations of this actor.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Selects annotations of this scope.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Selects annotations that were committed at this instant or later.
    pub const fn since(mut self, instant: DateTime<Utc>) -> Self {
        self.since = Some(instant);
        self
    }

    /// Selects annotations that were committed before this instant.
    pub const fn until(mut self, instant: DateTime<Utc>) -> Self {
        self.until = Some(instant);
        self
    }

    /// Selects annotations after the one with this id.
    pub const fn after(mut self, id: u64) -> Self {
        self.after = id;
        self
    }

    /// Sets the most annotations to return, 1 to 1,000; reading with another number is an `INVALID_REQUEST`.
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Returns whether the annotation matches. The caller applies the limit.
    #[must_use]
    pub fn admits(&self, annotation: &AnnotationRecord) -> bool {
        let is = |wanted: &Option<String>, text: Option<&str>| wanted.is_none() || wanted.as_deref() == text;
        let below = |prefix: &str| {
            let rest = annotation.key.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        annotation.id > self.after
            && is(&self.key, Some(&annotation.key))
            && self.prefix.as_deref().is_none_or(below)
            && self
                .stage_key
                .as_ref()
                .is_none_or(|key| key.selects_of(annotation.stage_id.as_deref(), &annotation.place))
            && is(&self.actor, annotation.actor.as_deref())
            && is(&self.scope, annotation.scope.as_deref())
            && self.since.is_none_or(|since| annotation.at >= since)
            && self.until.is_none_or(|until| annotation.at < until)
    }
}

impl Default for AnnotationFilter {
    fn default() -> Self {
        Self::new()
    }
}
