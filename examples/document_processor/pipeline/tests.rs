//! Calls the stages as ordinary functions, without an engine.

use super::*;

const MANY: usize = 1_000_000;
const LARGE: u64 = 20_000_000;

fn sample(name: &str) -> Source {
    Source::File(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("document_processor/samples").join(name))
}

async fn extracted(name: &str) -> Document {
    extract_text(sample(name), MANY, LARGE).await.unwrap()
}

async fn refusal(source: Source) -> String {
    let error = extract_text(source, MANY, LARGE).await.unwrap_err();
    assert!(!error.is_retryable(), "another attempt has the same result: {error}");
    error.message().to_owned()
}

#[test]
fn the_three_analyses_run_in_parallel() {
    let stages = &DocumentProcessor::definition().stages;
    let groups: Vec<(&str, u32)> =
        stages.iter().map(|stage| (stage.id.as_str(), stage.execution_group)).collect();
    assert_eq!(
        groups,
        [("extract-text", 1), ("rank-keywords", 2), ("detect-language", 2), ("summarize", 2), ("report", 3)]
    );
}

#[test]
fn runs_in_flight_survive_the_next_build() {
    workflow_engine::testing::assert_compatible::<DocumentProcessor>(
        "workflows/document_processor.lock.json",
    );
}

#[tokio::test]
async fn every_sample_has_a_title_and_a_language() {
    for (name, title, language) in [
        ("lighthouse.txt", "The lighthouse on Skerry Rock", "eng"),
        ("leuchtturm.md", "Der Leuchtturm auf der Klippe", "deu"),
        ("marees.html", "Les marées & la lune", "fra"),
    ] {
        let document = extracted(name).await;
        assert_eq!(document.title, title);
        assert_eq!(detect_language(document).await.unwrap().code, language);
    }
}

#[tokio::test]
async fn a_long_document_is_cut() {
    let document = extract_text(sample("lighthouse.txt"), 50, LARGE).await.unwrap();
    assert!(document.truncated && document.text.chars().count() <= 50);
}

#[tokio::test]
async fn keywords_and_sentences_have_the_requested_number() {
    let document = extracted("lighthouse.txt").await;
    assert_eq!(rank_keywords(document.clone(), 4).await.unwrap().ranked.len(), 4);
    assert_eq!(summarize(document, 2).await.unwrap().sentences.len(), 2);
}

#[tokio::test]
async fn a_report_joins_all_results_and_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let document = extracted("leuchtturm.md").await;
    let keywords = rank_keywords(document.clone(), 5).await.unwrap();
    let language = detect_language(document.clone()).await.unwrap();
    let summary = summarize(document.clone(), 3).await.unwrap();
    let ctx = StageContext::detached();
    let report = report(keywords, language, summary, document, folder.path().to_owned(), &ctx).await.unwrap();
    assert_eq!((report.language.name.as_str(), report.summary.len()), ("German", 3));
    assert!(report.files.json.is_file() && report.files.markdown.is_file());
}

#[tokio::test]
async fn an_unreadable_document_is_a_permanent_failure() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        Source::File(path)
    };
    assert_eq!(refusal(Source::File(folder.path().join("missing.txt"))).await, "the file does not exist");
    assert_eq!(refusal(Source::File(folder.path().into())).await, "the path is a folder, not a file");
    assert_eq!(refusal(file("empty.txt", b"")).await, "the document is empty");
    assert!(refusal(file("picture.txt", b"\x89PNG\r\n\x1a\n\0\0")).await.contains("binary"));
    assert!(refusal(file("latin1.txt", b"Gr\xfc\xdfe")).await.contains("not UTF-8"));
    assert!(refusal(file("bare.html", b"<p><img src='a.png'></p>")).await.contains("no text"));
}

#[tokio::test]
async fn a_file_that_is_too_large_is_refused() {
    let error = extract_text(sample("lighthouse.txt"), MANY, 10).await.unwrap_err();
    assert!(!error.is_retryable() && error.message().contains("larger than 10 bytes"), "{error}");
}
