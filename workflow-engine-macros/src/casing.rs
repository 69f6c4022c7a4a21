//! Names in other spellings.

use syn::ext::IdentExt;

/// The words of an identifier: `extract_text` and `extractText` are `extract`, `text`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut after_lower = false;
    let mut open = false;
    for character in name.chars() {
        if character == '_' {
            open = false;
            after_lower = false;
            continue;
        }
        if !open || (character.is_uppercase() && after_lower) {
            words.push(String::new());
            open = true;
        }
        after_lower = character.is_lowercase() || character.is_ascii_digit();
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words
}

/// The name without `r#`.
pub fn plain(ident: &syn::Ident) -> String {
    ident.unraw().to_string()
}

/// `extract_text` → `extract-text`.
pub fn kebab(name: &str) -> String {
    words(name).join("-")
}

/// `extract_text` → `Extract Text`.
pub fn title(name: &str) -> String {
    words(name).iter().map(|word| capital(word)).collect::<Vec<_>>().join(" ")
}

/// `extract_text` → `ExtractText`.
pub fn pascal(name: &str) -> String {
    words(name).iter().map(|word| capital(word)).collect()
}

fn capital(word: &str) -> String {
    let mut characters = word.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{kebab, pascal, title};

    #[test]
    fn names_are_split_at_underscores_and_humps() {
        assert_eq!(kebab("extract_text"), "extract-text");
        assert_eq!(kebab("_private__name_"), "private-name");
        assert_eq!(kebab("extractText2"), "extract-text2");
        assert_eq!(title("extract_text"), "Extract Text");
        assert_eq!(pascal("extract_text"), "ExtractText");
        assert_eq!(pascal("übung_eins"), "ÜbungEins");
    }
}
