//! Lets a language model summarise documents and extract facts from them, and shows the cost.
//!
//! ```console
//! $ cargo run --example ai_summary
//! $ OPENAI_API_KEY=… cargo run --example ai_summary -- README.md https://example.com
//! ```

#[path = "../document_processor/documents/mod.rs"]
mod documents;
#[path = "../openai/mod.rs"]
mod openai;
mod pipeline;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use workflow_engine::prelude::*;

use documents::Source;
use pipeline::{AiSummary, ExtractTextInput};

/// Summarises documents with a language model and extracts typed facts.
#[derive(Parser)]
struct Arguments {
    /// Files or URLs.
    #[arg(default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/document_processor/samples/lighthouse.txt"))]
    documents: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match summarise(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There is no other place to report an error of writing this line.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn summarise(Arguments { documents }: Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout();
    let client = openai::client(pipeline::stand_in).await?;
    let engine = Engine::builder("memory:").register::<AiSummary>().ai(client).build().await?;
    let folder = std::env::current_dir()?;
    let mut runs = Vec::new();
    for document in &documents {
        let source = Source::from_argument(document)?;
        let label = source.label(&folder);
        // The budget bounds the cost of each document.
        let run = engine.start::<AiSummary>(ExtractTextInput { source }).budget("0.10 USD".parse()?).await?;
        runs.push((label, run));
    }
    for (label, run) in runs {
        let report = run.output().await.map_err(|error| format!("{label}: {error}"))?;
        writeln!(out, "\n{} ({label})\n\n{}\n", report.title, report.summary)?;
        writeln!(out, "subject: {}\nyears:   {:?}", report.facts.subject, report.facts.years)?;
        for call in run.ai_calls().await? {
            let tokens = call.input_tokens + call.output_tokens;
            writeln!(out, "{:>8} {tokens:>6} tokens  {}", call.call_type.as_str(), call.cost)?;
        }
        let costs = run.cost_summary().await?;
        writeln!(out, "   total {:>6} tokens  {}", costs.tokens, costs.cost)?;
    }
    engine.shutdown().await;
    Ok(())
}
