//! Generated code is silent under every lint that a careful project turns on.
#![deny(warnings, missing_docs, clippy::all, clippy::pedantic, rust_2018_idioms, unreachable_pub)]
#![deny(missing_debug_implementations, single_use_lifetimes, unused_qualifications, unused_lifetimes)]

/// Stages and a workflow as a library would publish them.
pub mod library {
    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use workflow_engine::prelude::*;

    /// A document.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    pub struct Document {
        /// Its text.
        pub text: String,
    }

    /// A style.
    #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default)]
    pub struct Style {
        /// Its tone.
        pub tone: String,
    }

    /// Extracts text.
    ///
    /// # Errors
    /// Never.
    #[stage(timeout = "30s", retry(max_attempts = 2, jitter))]
    pub async fn extract(
        url: String,
        #[config(default = 50_000)] max_length: usize,
    ) -> StageResult<Document> {
        std::future::ready(()).await;
        Ok(Document { text: url.chars().take(max_length).collect() })
    }

    /// Summarizes.
    ///
    /// # Errors
    /// Never.
    #[stage(optional(extract))]
    pub async fn summarize(
        document: Document,
        number: u64,
        #[config(flatten)] style: Style,
        #[config] model: Option<String>,
        ctx: &StageContext<summarize>,
    ) -> StageResult<String> {
        std::future::ready(()).await;
        Ok(format!("{}{number}{}{model:?}{:?}", document.text, style.tone, ctx.optional::<extract>()))
    }

    #[stage]
    async fn count(document: Document, #[state] style: &Style) -> StageResult<u64> {
        std::future::ready(()).await;
        Ok((document.text.len() + style.tone.len()) as u64)
    }

    #[stage]
    async fn copy(document: Document) -> StageResult<Document> {
        std::future::ready(()).await;
        Ok(document)
    }

    workflow! {
        /// Processes a document.
        pub process = extract >> [copy, count] >> summarize;

        private = extract >> count;

        /// Files mail.
        pub filing = match catch(sort) {
            Ok(Mail::Letter(text)) if text.len() > 3 => answer,
            Ok(Mail::Letter(text)) => catch(answer_soon) >> unwrap,
            Ok(Mail::Spam) => (),
            Err(StageFailure { message, .. }) => complain,
        };

        choosing = match sort { Letter(text) => answer, Spam => () };
    }

    /// A kind of mail.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
    pub enum Mail {
        /// A letter.
        Letter(String),
        /// Nothing of interest.
        Spam,
    }

    /// Sorts.
    ///
    /// # Errors
    /// Never.
    #[stage]
    pub async fn sort(text: String) -> StageResult<Mail> {
        std::future::ready(()).await;
        Ok(if text.is_empty() { Mail::Spam } else { Mail::Letter(text) })
    }

    /// Answers.
    ///
    /// # Errors
    /// Never.
    #[stage]
    pub async fn answer(text: String) -> StageResult<String> {
        std::future::ready(()).await;
        Ok(text)
    }

    #[stage]
    async fn answer_soon(text: String) -> StageResult<String> {
        std::future::ready(()).await;
        Ok(text)
    }

    #[stage]
    async fn unwrap(answer: Result<String, StageFailure>) -> StageResult<String> {
        std::future::ready(()).await;
        Ok(answer.unwrap_or_default())
    }

    #[stage]
    async fn complain(message: String) -> StageResult<String> {
        std::future::ready(()).await;
        Ok(message)
    }
}

#[test]
fn the_library_is_used() {
    use workflow_engine::Workflow as _;
    assert_eq!(library::process::definition().stages.len(), 4);
    assert_eq!(library::filing::definition().stages.len(), 5);
    assert!(library::ProcessConfig::default().summarize.style.tone.is_empty());
}
