//! Splits a text into words by Unicode's rules, and reduces them to the form in which they are counted.

use std::collections::HashSet;

use unicode_segmentation::UnicodeSegmentation;

use super::stop_words::StopWords;

/// A content word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentWord {
    /// The word in lower case, without an article or ending that an apostrophe attaches.
    pub key: String,
    /// The start of the word in its text, in bytes.
    pub start: usize,
    /// The end of the word, in bytes.
    pub end: usize,
}

/// Returns the words of `text` that are not stop words, in order.
pub fn content_words(text: &str, stop_words: &StopWords) -> Vec<ContentWord> {
    let mut words: Vec<ContentWord> = text
        .unicode_word_indices()
        .filter_map(|(start, word)| content_word(start, word, stop_words))
        .collect();
    join_plurals(&mut words);
    words
}

/// Counts `keepers` as `keeper` if the text has both: a heuristic without grammar, for languages whose plural ends in s.
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
    // The parts around an apostrophe have the same length in lower case, except for letters whose lower case takes more
    // bytes; such words keep their apostrophe.
    let offset = if word.len() == whole.len() { whole.find(key).unwrap_or(0) } else { 0 };
    let end = if word.len() == whole.len() { start + offset + key.len() } else { start + word.len() };
    let counts = is_long_enough(key) && !stop_words.contains(key);
    counts.then(|| ContentWord { key: key.to_owned(), start: start + offset, end })
}

/// Reduces `l'eau` to `eau` and `keeper's` to `keeper`.
fn without_joined(word: &str) -> &str {
    let Some((before, after)) = word.split_once('\'') else {
        return word;
    };
    if after.chars().count() <= 2 { before } else { after }
}

/// Short words in alphabets are abbreviations and fragments; in scripts without case, one character may be a whole word.
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
    fn stop_words_numbers_and_short_words_are_ignored() {
        assert_eq!(
            keys("The keeper of the lighthouse saw 12 ships, and it was 3 am when the last one came."),
            ["keeper", "lighthouse", "saw", "ships", "last", "came"]
        );
    }

    #[test]
    fn parts_that_an_apostrophe_attaches_are_removed() {
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
    fn the_position_of_a_word_is_that_of_its_key() {
        let text = "La mer est froide, dit l'homme qui garde le phare avec ses enfants.";
        let stop_words = StopWords::for_text(text);
        for word in content_words(text, &stop_words) {
            assert_eq!(text[word.start..word.end].to_lowercase(), word.key);
        }
    }
}
