//! Detects the language of a text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A detected language, with the confidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Language {
    /// The ISO 639-3 code; `und` if the language cannot be determined.
    pub code: String,
    /// The English name.
    pub name: String,
    /// The confidence, from 0 to 1.
    pub confidence: f64,
}

impl Language {
    /// Returns the most likely language of `text`.
    pub fn of(text: &str) -> Self {
        whatlang::detect(text).map_or_else(Self::undetermined, |found| Self {
            code: found.lang().code().to_owned(),
            name: found.lang().eng_name().to_owned(),
            confidence: found.confidence(),
        })
    }

    fn undetermined() -> Self {
        Self { code: "und".to_owned(), name: "undetermined".to_owned(), confidence: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_distinguished() {
        let english =
            Language::of("The keeper of the lighthouse wrote down every ship that passed in the night.");
        assert_eq!((english.code.as_str(), english.name.as_str()), ("eng", "English"));
        let german =
            Language::of("Der Wärter des Leuchtturms schrieb jedes Schiff auf, das in der Nacht vorbeifuhr.");
        assert_eq!((german.code.as_str(), german.name.as_str()), ("deu", "German"));
    }

    #[test]
    fn numbers_have_no_language() {
        assert_eq!(Language::of("1 2 3"), Language::undetermined());
    }
}
