//! Renders a report as Markdown.

use super::Report;

/// Returns the report as Markdown. The document's text is escaped, because it may look like markup.
pub fn render(report: &Report) -> String {
    let cut = if report.truncated { " (only the beginning of a longer document)" } else { "" };
    let summary: Vec<String> = report.summary.iter().map(|sentence| escape(sentence)).collect();
    let keywords: Vec<String> = report
        .keywords
        .iter()
        .map(|keyword| format!("| {} | {} | {} |\n", escape(&keyword.term), keyword.count, keyword.score))
        .collect();
    format!(
        "# {title}\n\n\
         - Source: {source}\n\
         - Language: {language} ({confidence:.0} % sure)\n\
         - Words: {words}{cut}\n\n\
         ## Summary\n\n\
         {summary}\n\n\
         ## Keywords\n\n\
         | Term | Uses | Score |\n\
         |---|---:|---:|\n\
         {keywords}",
        title = escape(&report.title),
        source = escape(&report.source.to_string()),
        language = report.language.name,
        confidence = report.language.confidence * 100.0,
        words = report.words,
        summary = summary.join(" "),
        keywords = keywords.concat(),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_the_text_is_escaped() {
        assert_eq!(escape("a|b <script> *c*"), r"a\|b \<script\> \*c\*");
    }
}
