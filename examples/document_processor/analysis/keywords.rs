//! Keywords: the terms that a text repeats, ranked by their C-value.
//!
//! The C-value (Frantzi, Ananiadou and Mima: *Automatic recognition of multi-word terms*, 2000) counts how often a
//! term is used by itself: uses of `light` inside `light house keeper` are subtracted, and longer terms have a higher
//! weight.

use std::collections::HashMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::stop_words::StopWords;
use super::words::{ContentWord, content_words};

/// The maximum number of words in a term; longer terms repeat too rarely to be significant.
const LONGEST_TERM: usize = 3;

/// The words of a text, counted and ranked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keywords {
    /// The number of words in the text.
    pub words: usize,
    /// The most significant terms, in descending order.
    pub ranked: Vec<Keyword>,
}

/// A term of one or several words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Keyword {
    /// The term as it is written in the text, in its shortest form.
    pub term: String,
    /// The number of uses.
    pub count: usize,
    /// The C-value.
    pub score: f64,
}

#[derive(Debug)]
struct Term {
    first: usize,
    shown: String,
    count: usize,
}

impl Keywords {
    /// Returns the `count` most significant terms of `text`.
    pub fn of(text: &str, count: usize) -> Self {
        let stop_words = StopWords::for_text(text);
        let words = content_words(text, &stop_words);
        let terms = repeated(count_terms(text, &words));
        let inside_longer = uses_inside_longer(&terms);
        let mut scored: Vec<(f64, usize, Keyword)> = terms
            .into_iter()
            .map(|(key, term)| {
                let score = c_value(&key, term.count, inside_longer.get(&key));
                (score, term.first, Keyword { term: term.shown, count: term.count, score: rounded(score) })
            })
            .filter(|(score, ..)| *score > 0.0)
            .collect();
        // At equal score, the term that is used first comes first, so that the result is deterministic.
        scored.sort_by(|(a, first_a, _), (b, first_b, _)| b.total_cmp(a).then(first_a.cmp(first_b)));
        let ranked = scored.into_iter().take(count).map(|(.., keyword)| keyword).collect();
        Self { words: text.unicode_words().count(), ranked }
    }
}

/// Returns every sequence of up to three content words that only spaces or hyphens separate.
fn count_terms(text: &str, words: &[ContentWord]) -> HashMap<Vec<String>, Term> {
    let mut terms: HashMap<Vec<String>, Term> = HashMap::new();
    for (first, word) in words.iter().enumerate() {
        let mut end = word.start;
        let mut key = Vec::new();
        for next in words[first..].iter().take(LONGEST_TERM) {
            if !key.is_empty() && !joins(&text[end..next.start]) {
                break;
            }
            end = next.end;
            key.push(next.key.clone());
            let shown = &text[word.start..end];
            let term =
                terms.entry(key.clone()).or_insert_with(|| Term { first, shown: shown.to_owned(), count: 0 });
            term.count += 1;
            // The singular is shorter than the plural.
            if shown.len() < term.shown.len() {
                shown.clone_into(&mut term.shown);
            }
        }
    }
    terms
}

fn joins(between: &str) -> bool {
    between.chars().all(|c| c == ' ' || c == '-')
}

/// Removes terms that are used once, but keeps single words if a short text has no repeated terms.
fn repeated(mut terms: HashMap<Vec<String>, Term>) -> HashMap<Vec<String>, Term> {
    let has_repeated = terms.values().any(|term| term.count > 1);
    terms.retain(|key, term| term.count > 1 || (!has_repeated && key.len() == 1));
    terms
}

/// Returns, for every term, the number of longer terms that contain it and the number of their uses.
fn uses_inside_longer(terms: &HashMap<Vec<String>, Term>) -> HashMap<Vec<String>, (usize, usize)> {
    let mut inside: HashMap<Vec<String>, (usize, usize)> = HashMap::new();
    for (key, term) in terms {
        for length in 1..key.len() {
            for shorter in key.windows(length) {
                let (longer_terms, uses) = inside.entry(shorter.to_vec()).or_default();
                *longer_terms += 1;
                *uses += term.count;
            }
        }
    }
    inside
}

/// Uses log₂(length + 1) instead of the paper's log₂(length), which is zero for a single word.
#[expect(clippy::cast_precision_loss, reason = "no text has 2^52 words")]
fn c_value(key: &[String], count: usize, inside_longer: Option<&(usize, usize)>) -> f64 {
    let elsewhere = inside_longer.map_or(0.0, |(terms, uses)| *uses as f64 / *terms as f64);
    ((key.len() + 1) as f64).log2() * (count as f64 - elsewhere)
}

fn rounded(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str, count: usize) -> Vec<String> {
        Keywords::of(text, count).ranked.into_iter().map(|keyword| keyword.term).collect()
    }

    #[test]
    fn the_most_frequent_term_comes_first() {
        let text = "The harbour was quiet. In the harbour lay boats, and the boats of the harbour were old.";
        assert_eq!(terms(text, 2), ["harbour", "boats"]);
        assert_eq!(Keywords::of(text, 2).words, 17);
        assert_eq!(Keywords::of(text, 2).ranked[0].count, 3);
    }

    #[test]
    fn a_repeated_phrase_replaces_its_words() {
        let text = "A durable workflow survives a crash. The durable workflow goes on after it. No one has to \
                    start the durable workflow again, and the crash is forgotten.";
        assert_eq!(terms(text, 2), ["durable workflow", "crash"]);
    }

    #[test]
    fn equal_terms_keep_the_order_of_the_text() {
        let text = "There were apples and then there were pears and then there were plums.";
        assert_eq!(terms(text, 3), ["apples", "pears", "plums"]);
    }

    #[test]
    fn a_phrase_does_not_reach_over_a_full_stop() {
        let text =
            "They saw the boats. Harbour and sea were quiet. Then came the boats. Harbour and sea slept.";
        assert!(!terms(text, 10).contains(&"boats. Harbour".to_owned()));
    }
}
