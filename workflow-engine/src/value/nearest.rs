//! Suggestions for misspelled names.

/// Returns the known name with the fewest edits, if there is at most one edit for every three characters.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let (edits, near) = known.iter().map(|known| (distance(name, known), *known)).min()?;
    (edits <= (name.chars().count() / 3).max(1)).then_some(near)
}

/// The Levenshtein distance: the number of inserted, removed or replaced characters.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The message for an unknown field, with a suggestion and the known fields.
pub(crate) fn unknown_field(key: &str, known: &[&str]) -> String {
    let mut text = format!("unknown field `{key}`");
    if let Some(near) = nearest(key, known) {
        text = format!("{text}, did you mean `{near}`");
    }
    if !known.is_empty() {
        text = format!("{text}; known are `{}`", known.join("`, `"));
    }
    text
}
