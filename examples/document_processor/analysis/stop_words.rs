//! Words that are in every text and say nothing about this one.

use std::collections::HashSet;

use whatlang::Lang;

/// Frequent English words that the list of NLTK leaves out.
const MORE_ENGLISH: [&str; 46] = [
    "almost", "along", "already", "also", "although", "always", "among", "another", "around", "cannot",
    "could", "ever", "every", "however", "like", "made", "make", "makes", "many", "may", "might", "much",
    "must", "never", "often", "one", "said", "say", "says", "shall", "since", "still", "though", "thus",
    "two", "upon", "us", "used", "uses", "using", "whether", "whose", "within", "without", "would", "yet",
];

/// The stop words of one language; none where no list is known, and then frequency alone decides.
pub struct StopWords(HashSet<&'static str>);

impl StopWords {
    /// The list for the language that `text` is most likely written in.
    pub fn for_text(text: &str) -> Self {
        let Some(language) = whatlang::detect_lang(text) else {
            return Self(HashSet::new());
        };
        let listed = two_letters(language).and_then(stop_words::lookup).unwrap_or_default();
        let more: &[&str] = if language == Lang::Eng { &MORE_ENGLISH } else { &[] };
        Self(listed.iter().chain(more).copied().collect())
    }

    /// Whether `word`, in lower case, is one of them.
    pub fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// ISO 639-1, by which the lists are found, for the languages that have a list.
const fn two_letters(language: Lang) -> Option<&'static str> {
    Some(match language {
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Ben => "bn",
        Lang::Cat => "ca",
        Lang::Cmn => "zh",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Heb => "he",
        Lang::Hun => "hu",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "no",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Slv => "sl",
        Lang::Spa => "es",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tur => "tr",
        Lang::Uzb => "uz",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_of_the_table_has_a_list() {
        for language in Lang::all() {
            if let Some(code) = two_letters(*language) {
                assert!(stop_words::lookup(code).is_some_and(|words| words.len() > 20), "{code}");
            }
        }
    }

    #[test]
    fn the_list_follows_the_language_of_the_text() {
        let german =
            StopWords::for_text("Der Wärter des Leuchtturms schrieb jedes Schiff auf, das vorbeifuhr.");
        assert!(german.contains("der") && !german.contains("the"));
        let english = StopWords::for_text("The keeper of the lighthouse wrote down every ship that passed.");
        assert!(english.contains("the") && english.contains("would") && !english.contains("ship"));
    }
}
