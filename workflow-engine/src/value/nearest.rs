//! Which name was probably meant.

/// The known name that is nearest to this one, if it is near: one edit in three characters.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let (edits, near) = known.iter().map(|known| (distance(name, known), *known)).min()?;
    (edits <= (name.chars().count() / 3).max(1)).then_some(near)
}

/// Edits from one text to the other, one for a character put in, taken out or replaced (Levenshtein's distance).
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

/// Names the known field that was probably meant, and those there are.
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
