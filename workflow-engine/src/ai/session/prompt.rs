//! The prompt, as every call takes it.

use crate::ai::message::{Media, Message, Part, Role};

/// The prompt of a call: a text, the parts of one message, or a conversation.
///
/// ```
/// use workflow_engine::ai::{Message, Part, Prompt};
///
/// let text = Prompt::from("Why?");
/// let picture = Prompt::from([Part::text("What is this?"), Part::media("image/png", "iVBORw0KGgo=")]);
/// let conversation =
///     Prompt::from([Message::user("2 + 2?"), Message::assistant("4"), Message::user("And 3 + 3?")]);
/// assert_eq!(text.messages().len(), 1);
/// assert_eq!(picture.messages()[0].parts.len(), 2);
/// assert_eq!(conversation.messages().len(), 3);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt(Vec<Message>);

impl Prompt {
    /// Returns the messages.
    #[must_use]
    pub fn messages(&self) -> &[Message] {
        &self.0
    }

    pub(super) fn into_messages(self) -> Vec<Message> {
        self.0
    }
}

impl Part {
    /// Creates a text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// Creates a part with an image, a document or audio: its media type, such as `image/png`, and its content in base64.
    pub fn media(media_type: impl Into<String>, base64: impl Into<String>) -> Self {
        Self::Media(Media { media_type: media_type.into(), data: base64.into() })
    }
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Self {
        Self(vec![Message::user(text)])
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Self {
        Self(vec![Message::user(text)])
    }
}

impl From<&String> for Prompt {
    fn from(text: &String) -> Self {
        Self(vec![Message::user(text)])
    }
}

impl From<Message> for Prompt {
    fn from(message: Message) -> Self {
        Self(vec![message])
    }
}

impl From<Vec<Message>> for Prompt {
    fn from(messages: Vec<Message>) -> Self {
        Self(messages)
    }
}

impl<const N: usize> From<[Message; N]> for Prompt {
    fn from(messages: [Message; N]) -> Self {
        Self(messages.into())
    }
}

impl From<Vec<Part>> for Prompt {
    fn from(parts: Vec<Part>) -> Self {
        Self(vec![Message { role: Role::User, parts }])
    }
}

impl<const N: usize> From<[Part; N]> for Prompt {
    fn from(parts: [Part; N]) -> Self {
        Self::from(Vec::from(parts))
    }
}
