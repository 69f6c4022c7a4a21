//! Suggestions for misspelled names.

/// Returns the known name with the fewest edits, if there is at most one edit for every three characters, or if the known
/// name begins with `name`.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = (name.chars().count() / 3).max(1);
    known
        .iter()
        .map(|known| (distance(name, known), *known))
        .filter(|(edits, known)| *edits <= allowed || known.starts_with(name) && name.len() > 2)
        .min()
        .map(|(_, known)| known)
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

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelled_name_has_a_suggestion_and_another_word_has_none() {
        let known = ["id", "name", "version", "retry", "timeout"];
        assert_eq!(nearest("timeuot", &known), Some("timeout"));
        assert_eq!(nearest("ret", &known), Some("retry"));
        assert_eq!(nearest("nam", &known), Some("name"));
        assert_eq!(nearest("parallel", &known), None);
    }
}
