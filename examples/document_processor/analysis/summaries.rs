//! A summary made of the text's own sentences.
//!
//! They are chosen by `SumBasic` (Nenkova and Vanderwende: *The impact of frequency on summarization*, 2005): the
//! sentence whose words are most probable in the text goes first, and its words then count for less, so that the next
//! sentence says something new.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;

use super::stop_words::StopWords;
use super::words::content_words;

/// Shorter sentences are exclamations and leftovers.
const FEWEST_WORDS: usize = 4;

/// Among longer ones are enumerations and tables.
const MOST_WORDS: usize = 60;

/// The most telling sentences of a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// In the order of the text.
    pub sentences: Vec<String>,
}

struct Sentence<'a> {
    text: &'a str,
    words: Vec<String>,
}

impl Summary {
    /// The `count` most telling sentences of `text`, whose blocks are divided by line ends.
    pub fn of(text: &str, count: usize) -> Self {
        let stop_words = StopWords::for_text(text);
        let sentences = sentences(text, &stop_words);
        let mut probabilities = probabilities(&sentences);
        let mut chosen: Vec<usize> = Vec::new();
        while chosen.len() < count {
            let best = (0..sentences.len())
                .filter(|index| !chosen.contains(index))
                .map(|index| (index, average(&sentences[index].words, &probabilities)))
                // Of two equal sentences the earlier one.
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

/// Whole sentences; where a text has none, as a list has not, its lines.
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
    fn the_sentences_that_share_most_words_with_the_text_are_chosen() {
        assert_eq!(
            Summary::of(TEXT, 1).sentences,
            ["The lamp of the lighthouse could be seen by every ship."]
        );
    }

    #[test]
    fn sentences_keep_the_order_of_the_text_and_headings_are_none() {
        let summary = Summary::of(TEXT, 10);
        assert_eq!(summary.sentences.len(), 3);
        assert!(
            summary.sentences[0].starts_with("The keeper") && summary.sentences[2].starts_with("In winter")
        );
    }

    #[test]
    fn a_list_is_summed_up_by_its_items() {
        assert_eq!(Summary::of("bread\n\nbutter\n\nbread knife", 1).sentences.len(), 1);
    }

    #[test]
    fn no_sentences_are_asked_for() {
        assert!(Summary::of(TEXT, 0).sentences.is_empty());
    }
}
