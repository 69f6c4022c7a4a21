//! Words, as Unicode divides them, and the form under which they are counted.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::stop_words::StopWords;

/// One word that says something about its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentWord {
    /// Lower case, without an article or an ending that an apostrophe joins to it.
    pub key: String,
    /// Where it begins in its text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// The words of `text` that are no stop words, in order.
pub fn content_words(text: &str, stop_words: &StopWords) -> Vec<ContentWord> {
    let mut words: Vec<ContentWord> = text
        .unicode_word_indices()
        .filter_map(|(start, word)| content_word(start, word, stop_words))
        .collect();
    join_plurals(&mut words);
    words
}

/// Counts `keepers` as `keeper` where the text has both: a guess that needs no grammar, for the many languages whose
/// plural ends in s.
fn join_plurals(words: &mut [ContentWord]) {
    let keys: HashSet<String> = words.iter().map(|word| word.key.clone()).collect();
    for word in words {
        if word.key.strip_suffix('s').is_some_and(|singular| keys.contains(singular)) {
            word.key.pop();
        }
    }
}

fn content_word(start: usize, word: &str, stop_words: &StopWords) -> Option<ContentWord> {
    let whole = word.to_lowercase().replace('’', "'");
    if stop_words.contains(&whole) {
        return None;
    }
    let key = without_joined(&whole);
    // What stands before and after an apostrophe is as long in lower case as it was written, but for letters whose
    // lower case takes more bytes; those are shown with their apostrophe.
    let offset = if word.len() == whole.len() { whole.find(key).unwrap_or(0) } else { 0 };
    let end = if word.len() == whole.len() { start + offset + key.len() } else { start + word.len() };
    let counts = is_long_enough(key) && !stop_words.contains(key);
    counts.then(|| ContentWord { key: key.to_owned(), start: start + offset, end })
}

/// `l'eau` is counted as `eau`, `keeper's` as `keeper`.
fn without_joined(word: &str) -> &str {
    let Some((before, after)) = word.split_once('\'') else {
        return word;
    };
    if after.chars().count() <= 2 { before } else { after }
}

/// Short words of alphabets are abbreviations and leftovers; in scripts without upper and lower case, one sign may be
/// a whole word.
fn is_long_enough(word: &str) -> bool {
    let mut letters = word.chars().filter(|c| c.is_alphabetic()).peekable();
    match letters.peek() {
        None => false,
        Some(letter) if letter.is_lowercase() => letters.count() >= 3,
        Some(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<String> {
        let stop_words = StopWords::for_text(text);
        content_words(text, &stop_words).into_iter().map(|word| word.key).collect()
    }

    #[test]
    fn stop_words_numbers_and_short_words_do_not_count() {
        assert_eq!(
            keys("The keeper of the lighthouse saw 12 ships, and it was 3 am when the last one came."),
            ["keeper", "lighthouse", "saw", "ships", "last", "came"]
        );
    }

    #[test]
    fn what_an_apostrophe_joins_is_taken_off() {
        let text = "The keeper’s lamp was the only light of the coast, and the sailors' only hope at night.";
        let stop_words = StopWords::for_text(text);
        let words = content_words(text, &stop_words);
        assert_eq!(words[0].key, "keeper");
        assert!(
            keys("L'eau de la mer est froide et l'hiver est long dans les îles.").contains(&"eau".to_owned())
        );
    }

    #[test]
    fn a_plural_counts_as_its_singular_where_the_text_has_both() {
        assert_eq!(
            keys("The keepers slept, but one keeper watched the waves."),
            ["keeper", "slept", "keeper", "watched", "waves"]
        );
    }

    #[test]
    fn the_place_of_a_word_is_where_its_key_stands() {
        let text = "La mer est froide, dit l'homme qui garde le phare avec ses enfants.";
        let stop_words = StopWords::for_text(text);
        for word in content_words(text, &stop_words) {
            assert_eq!(text[word.start..word.end].to_lowercase(), word.key);
        }
    }
}
