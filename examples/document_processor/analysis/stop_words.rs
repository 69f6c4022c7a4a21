//! Stop words: words that occur in every text and say nothing about this one.

use std::collections::HashSet;

use whatlang::Lang;

/// The English list. The ISO list, used for all other languages, also contains "system" and "water"; this one does not.
const ENGLISH: &str = "a about above after again against ain all almost along already also although always am among an and another any are \
    aren't around as at be because been before being below between both but by can cannot can't could couldn't did didn't do \
    does doesn't doing don don't down during each either else ever every few for from further had hadn't has hasn't have \
    haven't having he hence her here hers herself him himself his how however i if in into is isn't it it's its itself just \
    let like made make makes many may me might more most much must mustn't my myself needn't neither never no nor not now of \
    off often on once one only or other our ours ourselves out over own per rather said same say says shall shan't she she's \
    should shouldn't should've since so some still such than that that'll the their theirs them themselves then there \
    therefore these they this those though through thus to too toward towards two under until up upon us used uses using very \
    via was wasn't we were weren't what when where whether which while who whom whose why will with within without won't \
    would wouldn't yet you you'd you'll you're you've your yours yourself yourselves";

/// The stop words of one language. Without a list for the language, it is empty, and only frequency counts.
pub struct StopWords(HashSet<&'static str>);

impl StopWords {
    /// Returns the list for the most likely language of `text`.
    pub fn for_text(text: &str) -> Self {
        let Some(language) = whatlang::detect_lang(text) else {
            return Self(HashSet::new());
        };
        if language == Lang::Eng {
            return Self(ENGLISH.split_ascii_whitespace().collect());
        }
        let listed = two_letters(language).and_then(stop_words::lookup).unwrap_or_default();
        Self(listed.iter().copied().collect())
    }

    /// Returns whether `word`, in lower case, is a stop word.
    pub fn contains(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

/// Returns the ISO 639-1 code of a language that has a list; the lists are keyed by it.
const fn two_letters(language: Lang) -> Option<&'static str> {
    Some(match language {
        Lang::Afr => "af",
        Lang::Ara => "ar",
        Lang::Bul => "bg",
        Lang::Ben => "bn",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cmn => "zh",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jpn => "ja",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mar => "mr",
        Lang::Nld => "nl",
        Lang::Nob => "no",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Spa => "es",
        Lang::Swe => "sv",
        Lang::Tgl => "tl",
        Lang::Tha => "th",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Vie => "vi",
        Lang::Zul => "zu",
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
