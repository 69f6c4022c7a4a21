//! Analyses a text: its language, its keywords and its most significant sentences.

mod keywords;
mod languages;
mod stop_words;
mod summaries;
mod words;

pub use keywords::{Keyword, Keywords};
pub use languages::Language;
pub use summaries::Summary;
