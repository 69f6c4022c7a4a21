//! Words that the prose of this project does without, and what to write instead.

/// A word or phrase, in lower case, and its replacement.
const AVOIDED: &[(&str, &str)] = &[
    ("whoever", "name who acts: the worker, the store, the caller"),
    ("whomever", "name who acts: the worker, the store, the caller"),
    ("nobody", "`no worker`, `no caller`, `no one`"),
    ("somebody", "name who acts: the worker, the store, the caller"),
    ("anybody", "name who acts: any worker, any caller"),
    ("anyone else", "name who acts: another worker, another caller"),
    ("the far side", "the remote service, the provider"),
    ("a far side", "a remote service, a provider"),
    ("in vain", "without effect"),
    ("by other hands", "name who acts"),
    ("hears of", "receives, is notified of"),
    ("hear of", "receive, be notified of"),
    ("is answered", "returns"),
    ("are answered", "return"),
    ("was answered", "returned"),
    ("answers the", "returns the"),
    ("answers a", "returns a"),
    ("answers an", "returns an"),
    ("answers its", "returns its"),
    ("answers how", "returns how"),
    ("answers what", "returns what"),
    ("answers when", "returns when"),
    ("answers which", "returns which"),
    ("answers whether", "returns whether"),
    ("answers it", "returns it"),
    ("answers them", "returns them"),
    ("answers where", "returns where"),
    ("stands in between", "is in between"),
    ("is over", "has ended, is terminal"),
    ("are over", "have ended, are terminal"),
    ("is told", "is notified, receives"),
    ("are told", "are notified, receive"),
    ("looks at", "reads, checks"),
    ("looks whether", "checks whether"),
    ("gives up", "stops, times out"),
    ("hands over", "passes, submits"),
    ("handed over", "passed, submitted"),
    ("written down", "recorded"),
    ("so many", "name the number or the limit"),
    ("worth a look", "name the check"),
];

/// The avoided words of a text, each with its line and what to write instead.
pub fn avoided(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let words: String = line
            .chars()
            .map(|character| if character.is_alphanumeric() { character.to_ascii_lowercase() } else { ' ' })
            .collect();
        let words = format!(" {} ", words.split_whitespace().collect::<Vec<_>>().join(" "));
        for (phrase, instead) in AVOIDED {
            if words.contains(&format!(" {phrase} ")) {
                found.push(format!("{}: `{phrase}`: {instead}", number + 1));
            }
        }
    }
    found
}
