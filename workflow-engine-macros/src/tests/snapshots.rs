//! Whole expansions.

use expect_test::expect_file;

use super::tokens;
use crate::{stage, workflow};

/// The expansion as rustfmt would lay it out; as tokens where it is not valid Rust.
fn readable(expansion: &proc_macro2::TokenStream) -> String {
    syn::parse2(expansion.clone()).map_or_else(|_| expansion.to_string(), |file| prettyplease::unparse(&file))
}

#[test]
fn a_stage_with_every_kind_of_parameter() {
    let expansion = stage::expand(
        tokens(r#"retry(max_attempts = 5, jitter), timeout = "30s", require(a::load), optional(detect)"#),
        tokens(
            r"
            /// Summarizes.
            pub async fn summarize(
                /// What is summarized.
                document: Document,
                language: Option<String>,
                #[config(default = 5)] sentences: usize,
                #[config(flatten)] ai: AiConfig,
                #[require(extract)] text: &Text,
                #[optional(rank)] keywords: Option<Keywords>,
                ctx: &StageContext<summarize>,
            ) -> StageResult<Summary> {
                Ok(Summary::of(document))
            }
            ",
        ),
    );
    expect_file!["snapshots/stage.rs"].assert_eq(&readable(&expansion));
}

#[test]
fn a_stage_with_a_mistake() {
    let expansion = stage::expand(
        tokens(r#"timeout = "soon""#),
        tokens("async fn load(#[config] depth: u32) -> StageResult<u32> { Ok(depth) }"),
    );
    expect_file!["snapshots/stage_with_a_mistake.rs"].assert_eq(&readable(&expansion));
}

#[test]
fn a_workflow_with_a_group() {
    let expansion =
        workflow::expand(tokens("/// Processes.\npub process = load >> [count, b::rank] >> report"));
    expect_file!["snapshots/workflow.rs"].assert_eq(&readable(&expansion));
}
