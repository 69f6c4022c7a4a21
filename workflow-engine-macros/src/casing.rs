//! Names in other spellings.

use syn::ext::IdentExt;

/// The words of an identifier as they are written: `extract_text` is `extract`, `text`; `HTTPFetch` is `HTTP`, `Fetch`.
fn words(name: &str) -> Vec<&str> {
    name.split('_').flat_map(humps).filter(|word| !word.is_empty()).collect()
}

/// A word begins at an upper-case letter after a lower-case one or a digit, and at the last letter of an acronym that is
/// followed by a lower-case one.
fn humps(name: &str) -> Vec<&str> {
    let letters: Vec<(usize, char)> = name.char_indices().collect();
    let mut words = Vec::new();
    let mut start = 0;
    for (index, &(at, letter)) in letters.iter().enumerate().skip(1) {
        let before = letters[index - 1].1;
        let next_is_lower = letters.get(index + 1).is_some_and(|(_, next)| next.is_lowercase());
        let after_acronym = before.is_uppercase() && next_is_lower;
        if letter.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit() || after_acronym) {
            words.push(&name[start..at]);
            start = at;
        }
    }
    words.push(&name[start..]);
    words
}

/// The name without `r#`.
pub fn plain(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

/// `extract_text` and `ExtractText` → `extract-text`, `HTTPFetch` → `http-fetch`.
pub fn kebab(name: &str) -> String {
    words(name).join("-").to_lowercase()
}

/// `extract_text` and `ExtractText` → `Extract Text`, `HTTPFetch` → `HTTP Fetch`.
pub fn title(name: &str) -> String {
    capitals(name).join(" ")
}

/// `extract_text` → `ExtractText`; `ExtractText` and `HTTPFetch` stay as they are.
pub fn pascal(name: &str) -> String {
    capitals(name).concat()
}

/// The words with capitals. An acronym keeps its own; a name like `EXTRACT_TEXT` has none.
fn capitals(name: &str) -> Vec<String> {
    let screams = name.contains('_') && !name.contains(char::is_lowercase);
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first = letters.next().into_iter().flat_map(char::to_uppercase);
        let rest = letters.as_str();
        let rest = if screams { rest.to_lowercase() } else { rest.to_owned() };
        first.chain(rest.chars()).collect()
    };
    words(name).into_iter().map(capital).collect()
}

/// A case of keys in JSON, as in serde's `rename_all`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case(usize);

impl Case {
    pub const NAMES: [&'static str; 8] = [
        "camelCase",
        "snake_case",
        "kebab-case",
        "PascalCase",
        "SCREAMING_SNAKE_CASE",
        "SCREAMING-KEBAB-CASE",
        "lowercase",
        "UPPERCASE",
    ];

    pub fn of(name: &str) -> Option<Self> {
        Self::NAMES.iter().position(|known| *known == name).map(Self)
    }

    /// The key of a field with this name in snake case.
    pub fn key(self, name: &str) -> String {
        let words = || name.split('_').filter(|word| !word.is_empty());
        let capitals = || {
            words().map(|word| {
                let mut letters = word.chars();
                letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
            })
        };
        match Self::NAMES[self.0] {
            "camelCase" => {
                let first = words().next().unwrap_or_default();
                std::iter::once(first.to_owned()).chain(capitals().skip(1)).collect()
            }
            "PascalCase" => capitals().collect(),
            "kebab-case" => words().collect::<Vec<_>>().join("-"),
            "SCREAMING_SNAKE_CASE" | "UPPERCASE" => name.to_uppercase(),
            "SCREAMING-KEBAB-CASE" => words().collect::<Vec<_>>().join("-").to_uppercase(),
            // A field's name is in snake case, and in lower case.
            _ => name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Case, kebab, pascal, title};

    #[test]
    fn a_key_has_the_case_of_serdes_rule() {
        for (case, key) in [
            ("camelCase", "maxPageCount"),
            ("snake_case", "max_page_count"),
            ("kebab-case", "max-page-count"),
            ("PascalCase", "MaxPageCount"),
            ("SCREAMING_SNAKE_CASE", "MAX_PAGE_COUNT"),
            ("SCREAMING-KEBAB-CASE", "MAX-PAGE-COUNT"),
            ("lowercase", "max_page_count"),
            ("UPPERCASE", "MAX_PAGE_COUNT"),
        ] {
            assert_eq!(Case::of(case).map(|case| case.key("max_page_count")).as_deref(), Some(key));
        }
        assert_eq!(Case::of("Camel"), None);
    }

    #[test]
    fn names_are_split_at_underscores_and_humps() {
        assert_eq!(kebab("extract_text"), "extract-text");
        assert_eq!(kebab("_private__name_"), "private-name");
        assert_eq!(kebab("extractText2"), "extract-text2");
        assert_eq!(title("extract_text"), "Extract Text");
        assert_eq!(pascal("extract_text"), "ExtractText");
        assert_eq!(pascal("übung_eins"), "ÜbungEins");
        assert_eq!(title("EXTRACT_TEXT"), "Extract Text");
        assert_eq!(pascal("EXTRACT_TEXT"), "ExtractText");
    }

    #[test]
    fn the_name_of_a_type_keeps_its_capitals() {
        for (name, id, shown) in [
            ("WordReport", "word-report", "Word Report"),
            ("Report", "report", "Report"),
            ("HTTPFetch", "http-fetch", "HTTP Fetch"),
            ("FetchHTTP", "fetch-http", "Fetch HTTP"),
            ("ETL", "etl", "ETL"),
            ("Utf8Report", "utf8-report", "Utf8 Report"),
            ("V2ETLReport", "v2-etl-report", "V2 ETL Report"),
            ("ÜbungEins", "übung-eins", "Übung Eins"),
        ] {
            assert_eq!(
                (kebab(name).as_str(), title(name).as_str(), pascal(name).as_str()),
                (id, shown, name)
            );
        }
    }
}
