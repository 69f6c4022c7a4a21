//! What an annotation may contain.

use super::Annotation;
use crate::value::Json;

#[test]
fn keys_have_segments() {
    let is_taken = |key: &str| {
        let mut annotation = Annotation::default();
        annotation.attributes.insert(key.to_owned(), Json::null());
        annotation.check().is_ok()
    };
    for key in ["a", "review.outcome", "größe.%_\\", "a b", &"a".repeat(255)] {
        assert!(is_taken(key), "{key}");
    }
    for key in ["", ".", "a.", ".a", "a..b", "a\nb", "a\0", &"a".repeat(256)] {
        assert!(!is_taken(key), "{key:?}");
    }
}
