//! Which annotations are asked for.

use chrono::{DateTime, Utc};

use crate::records::{AnnotationKey, AnnotationRecord};

/// Which annotations are asked for: those that fit all that is said. Without more it is the first hundred.
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
    /// Of this key.
    pub key: Option<String>,
    /// Of this key, or of one of its segments below.
    pub prefix: Option<String>,
    /// About this stage.
    pub stage_id: Option<String>,
    /// Of this actor.
    pub actor: Option<String>,
    /// Of this scope.
    pub scope: Option<String>,
    /// Committed then or later.
    pub since: Option<DateTime<Utc>>,
    /// Committed before then.
    pub until: Option<DateTime<Utc>>,
    /// With a greater [`AnnotationRecord::id`]: the last one of the page before. Default 0.
    pub after: u64,
    /// At most so many. Default 100.
    pub limit: usize,
}

impl AnnotationFilter {
    /// The first hundred.
    pub const fn new() -> Self {
        Self {
            key: None,
            prefix: None,
            stage_id: None,
            actor: None,
            scope: None,
            since: None,
            until: None,
            after: 0,
            limit: 100,
        }
    }

    /// Those of this key.
    pub fn key<T>(self, key: AnnotationKey<T>) -> Self {
        self.key_named(key.name())
    }

    /// Those of the key of this name.
    pub fn key_named(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Those of this key, and of every key that begins with it and a `.`; whole segments, and nothing in it is a
    /// wildcard.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Those about this stage.
    pub fn stage(mut self, stage_id: impl Into<String>) -> Self {
        self.stage_id = Some(stage_id.into());
        self
    }

    /// Those of this actor.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.actor = Some(actor.into());
        self
    }

    /// Those of this scope.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Those that were committed then or later.
    pub const fn since(mut self, instant: DateTime<Utc>) -> Self {
        self.since = Some(instant);
        self
    }

    /// Those that were committed before then.
    pub const fn until(mut self, instant: DateTime<Utc>) -> Self {
        self.until = Some(instant);
        self
    }

    /// Those after the one with this id.
    pub const fn after(mut self, id: u64) -> Self {
        self.after = id;
        self
    }

    /// At most so many.
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Whether this one is asked for. The limit is left to whoever counts.
    #[must_use]
    pub fn admits(&self, annotation: &AnnotationRecord) -> bool {
        let is = |asked: &Option<String>, text: Option<&str>| asked.is_none() || asked.as_deref() == text;
        let below = |prefix: &str| {
            let rest = annotation.key.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        annotation.id > self.after
            && is(&self.key, Some(&annotation.key))
            && self.prefix.as_deref().is_none_or(below)
            && is(&self.stage_id, annotation.stage_id.as_deref())
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
