//! The fields of a value that its type does not know.

use serde_ignored::{Deserializer, Path};
use serde_json::Value;

use super::json::Json;
use super::payload::Storable;

/// The path to a field: the steps to its owner, and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FieldPath {
    owner: Vec<Step>,
    field: String,
}

/// A step from a value to a value in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Index(usize),
    Key(String),
}

impl Step {
    /// Returns the schema of the value behind this step, in the schema of the value before it.
    pub(crate) fn schema_in<'a>(&self, schema: &'a Value) -> Option<&'a Value> {
        match self {
            Self::Index(_) => schema.get("items"),
            Self::Key(key) => schema
                .get("properties")
                .and_then(|fields| fields.get(key))
                .or_else(|| schema.get("additionalProperties")),
        }
    }
}

impl FieldPath {
    fn of(path: &Path<'_>) -> Option<Self> {
        let mut steps = Vec::new();
        let mut at = path;
        loop {
            at = match at {
                Path::Root => break,
                Path::Seq { parent, index } => {
                    steps.push(Step::Index(*index));
                    parent
                }
                Path::Map { parent, key } => {
                    steps.push(Step::Key(key.clone()));
                    parent
                }
                Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => {
                    parent
                }
            };
        }
        // The first step of the path is the last that was found.
        let mut steps = steps.into_iter();
        let field = match steps.next()? {
            Step::Key(key) => key,
            Step::Index(index) => index.to_string(),
        };
        let mut owner: Vec<Step> = steps.collect();
        owner.reverse();
        Some(Self { owner, field })
    }

    /// The steps to the value that has the field.
    pub(crate) fn owner(&self) -> &[Step] {
        &self.owner
    }

    /// The owner as Rust writes it: `orders[2].price`; empty for the whole value.
    pub(crate) fn owner_text(&self) -> String {
        self.owner.iter().fold(String::new(), |text, step| match step {
            Step::Index(index) => format!("{text}[{index}]"),
            Step::Key(key) if text.is_empty() => key.clone(),
            Step::Key(key) => format!("{text}.{key}"),
        })
    }

    /// The key of the field.
    pub(crate) fn field(&self) -> &str {
        &self.field
    }
}

/// Returns the first field in JSON text that `T` does not read; `None` also for text that is no `T`. serde buffers the
/// fields of a type with `#[serde(flatten)]`, and those of an internally tagged enum: none of them is unknown here.
pub(crate) fn find_unknown<T: Storable>(json: &Json) -> Option<FieldPath> {
    let mut first = None;
    let mut keep = |path: Path<'_>| {
        if first.is_none() {
            first = FieldPath::of(&path);
        }
    };
    let mut text = serde_json::Deserializer::from_str(json.as_str());
    // A value that cannot be read has been refused before.
    let _ = T::load(Deserializer::new(&mut text, &mut keep));
    first
}
