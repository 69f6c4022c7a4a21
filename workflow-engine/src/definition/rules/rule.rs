//! A rule as data, and as keywords of JSON Schema.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::kinds::LengthUnit;

/// One rule of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// `range(min..=max)`, or `range(min..max)` with `exclusive`.
    Range {
        /// The smallest value.
        min: Option<Bound>,
        /// The largest value.
        max: Option<Bound>,
        /// Whether `max` itself is out of range.
        exclusive: bool,
    },
    /// `length(min..=max)`.
    Length {
        /// The unit of the length.
        unit: LengthUnit,
        /// The smallest length.
        min: Option<u64>,
        /// The largest length.
        max: Option<u64>,
    },
    /// `pattern = "…"`.
    Pattern(&'static str),
}

/// The end of a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// A whole number.
    Int(i64),
    /// A number with a fraction.
    Float(f64),
}

impl From<Bound> for Value {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Int(number) => number.into(),
            Bound::Float(number) => number.into(),
        }
    }
}

impl Rule {
    /// Writes the rule into the schema of its field.
    pub(crate) fn describe(self, schema: &mut Map<String, Value>) {
        let mut write = |keyword: &str, value: Option<Value>| {
            if let Some(value) = value {
                schema.insert(keyword.to_owned(), value);
            }
        };
        match self {
            Self::Range { min, max, exclusive } => {
                write("minimum", min.map(Into::into));
                let maximum = if exclusive { "exclusiveMaximum" } else { "maximum" };
                write(maximum, max.map(Into::into));
            }
            Self::Length { unit, min, max } => {
                let [minimum, maximum] = unit.keywords();
                write(minimum, min.map(Into::into));
                write(maximum, max.map(Into::into));
            }
            Self::Pattern(pattern) => write("pattern", Some(pattern.into())),
        }
    }
}

/// The name of a private dialect in which schemas have no rules. The fingerprint contains schemas of this dialect, so that
/// a stricter rule does not strand runs that were created under the old rule.
const WITHOUT_RULES: &str = "workflow-engine:without-rules";

/// Returns a generator of schemas without rules.
pub(crate) fn without_rules() -> SchemaGenerator {
    SchemaSettings::default()
        .with(|settings| settings.meta_schema = Some(WITHOUT_RULES.into()))
        .into_generator()
}

/// Returns whether the generator makes schemas without rules.
pub(crate) fn is_without_rules(generator: &SchemaGenerator) -> bool {
    generator.settings().meta_schema.as_deref() == Some(WITHOUT_RULES)
}
