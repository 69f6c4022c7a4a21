//! Summarizes a text with its own sentences.
//!
//! `SumBasic` (Nenkova and Vanderwende: *The impact of frequency on summarization*, 2005) selects them: the sentence whose
//! words are most probable in the text comes first. Its words then have a lower weight, so that the next sentence adds
//! something new.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::stop_words::StopWords;
use super::words::content_words;

/// The minimum number of words in a sentence; shorter ones are exclamations and fragments.
const FEWEST_WORDS: usize = 4;

/// The maximum number of words in a sentence; longer ones include enumerations and tables.
const MOST_WORDS: usize = 60;

/// The most significant sentences of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// The sentences, in the order of the text.
    pub sentences: Vec<String>,
}

struct Sentence<'a> {
    text: &'a str,
    words: Vec<String>,
}

impl Summary {
    /// Returns the `count` most significant sentences of `text`, in which line ends separate blocks.
    pub fn of(text: &str, count: usize) -> Self {
        let stop_words = StopWords::for_text(text);
        let sentences = sentences(text, &stop_words);
        let mut probabilities = probabilities(&sentences);
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count {
            let best = (0..sentences.len())
                .filter(|index| !chosen.contains(index))
                .map(|index| (index, average(&sentences[index].words, &probabilities)))
                // Of two equal sentences, the earlier one wins.
                .min_by(|(a, weight_a), (b, weight_b)| weight_b.total_cmp(weight_a).then(a.cmp(b)));
            let Some((index, _)) = best else { break };
            for word in sentences[index].words.iter().collect::<HashSet<_>>() {
                if let Some(probability) = probabilities.get_mut(word) {
                    *probability *= *probability;
                }
            }
            chosen.push(index);
        }
        chosen.sort_unstable();
        Self { sentences: chosen.into_iter().map(|index| sentences[index].text.to_owned()).collect() }
    }
}

/// Returns the complete sentences of a text, or its lines if it has none, for example a list.
fn sentences<'a>(text: &'a str, stop_words: &StopWords) -> Vec<Sentence<'a>> {
    let divided = |is_wanted: fn(&str) -> bool| {
        let blocks = text.lines().flat_map(|block| block.unicode_sentences());
        let wanted = blocks.map(str::trim).filter(|sentence| is_wanted(sentence));
        wanted
            .map(|text| Sentence {
                text,
                words: content_words(text, stop_words).into_iter().map(|word| word.key).collect(),
            })
            .filter(|sentence| !sentence.words.is_empty())
            .collect::<Vec<_>>()
    };
    let whole = divided(is_whole);
    if whole.is_empty() { divided(|_| true) } else { whole }
}

fn is_whole(sentence: &str) -> bool {
    let ends = sentence
        .trim_end_matches(['"', '\'', ')', '”', '’', '“', '»', '«', '」'])
        .ends_with(['.', '!', '?', '…', '。', '！', '？', '।', '؟']);
    ends && (FEWEST_WORDS..=MOST_WORDS).contains(&sentence.unicode_words().count())
}

#[expect(clippy::cast_precision_loss, reason = "no text has 2^52 words")]
fn probabilities(sentences: &[Sentence<'_>]) -> HashMap<String, f64> {
    let mut counts: HashMap<String, f64> = HashMap::new();
    let words = || sentences.iter().flat_map(|sentence| &sentence.words);
    for word in words() {
        *counts.entry(word.clone()).or_default() += 1.0;
    }
    let total = words().count() as f64;
    for count in counts.values_mut() {
        *count /= total;
    }
    counts
}

#[expect(clippy::cast_precision_loss, reason = "no sentence has 2^52 words")]
fn average(words: &[String], probabilities: &HashMap<String, f64>) -> f64 {
    let sum: f64 = words.iter().filter_map(|word| probabilities.get(word)).sum();
    sum / words.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "The lighthouse\n\nThe keeper lit the lamp of the lighthouse every evening. Gulls cried. \
                        The lamp of the lighthouse could be seen by every ship.\n\nIn winter storms came from the \
                        north and broke the windows.";

    #[test]
    fn sentences_with_the_most_frequent_words_are_selected() {
        assert_eq!(
            Summary::of(TEXT, 1).sentences,
            ["The lamp of the lighthouse could be seen by every ship."]
        );
    }

    #[test]
    fn sentences_keep_the_order_of_the_text_and_exclude_headings() {
        let summary = Summary::of(TEXT, 10);
        assert_eq!(summary.sentences.len(), 3);
        assert!(
            summary.sentences[0].starts_with("The keeper") && summary.sentences[2].starts_with("In winter")
        );
    }

    #[test]
    fn a_list_is_summarized_by_its_items() {
        assert_eq!(Summary::of("bread\n\nbutter\n\nbread knife", 1).sentences.len(), 1);
    }

    #[test]
    fn zero_sentences_can_be_requested() {
        assert!(Summary::of(TEXT, 0).sentences.is_empty());
    }
}
