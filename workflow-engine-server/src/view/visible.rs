//! Records without what their caller may not see.

use workflow_engine::Json;
use workflow_engine::records::{AiCallRecord, AnnotationRecord, DeadLetter, Event, EventKind, LogRecord};

use crate::app::App;
use crate::authorize::Caller;

/// An event: its payloads are an output, the value of an annotation and the message of a report of progress.
pub(crate) fn visible_event(app: &App, caller: &Caller, mut event: Event) -> Event {
    let sees = caller.sees_payloads();
    match &mut event.kind {
        EventKind::WorkflowCompleted { output, .. } => {
            *output = output.take().filter(|_| sees).map(|output| app.redactor.json(&output));
        }
        EventKind::AnnotationCreated { key, value, .. } => *value = attribute(app, sees, key, value),
        EventKind::StageProgress { message, .. } if !sees => message.clear(),
        _ => {}
    }
    event
}

/// A dead letter, which has an event.
pub(crate) fn visible_dead_letter(app: &App, caller: &Caller, mut letter: DeadLetter) -> DeadLetter {
    letter.event = visible_event(app, caller, letter.event);
    letter
}

/// A log line. Its caller sees payloads.
pub(crate) fn visible_log(app: &App, mut line: LogRecord) -> LogRecord {
    line.fields = app.redactor.json(&line.fields);
    line
}

/// An annotation. Its caller sees payloads.
pub(crate) fn visible_annotation(app: &App, mut annotation: AnnotationRecord) -> AnnotationRecord {
    annotation.value = attribute(app, true, &annotation.key, &annotation.value);
    annotation.payload = annotation.payload.map(|payload| app.redactor.json(&payload));
    annotation
}

/// A call of a model: its payloads are the prompt, the response and the metadata.
pub(crate) fn visible_call(app: &App, caller: &Caller, mut call: AiCallRecord) -> AiCallRecord {
    if !caller.sees_payloads() {
        (call.prompt, call.response, call.metadata) = (None, None, None);
    }
    call.metadata = call.metadata.map(|metadata| app.redactor.json(&metadata));
    call
}

fn attribute(app: &App, sees: bool, key: &str, value: &Json) -> Json {
    let is_hidden = key.split('.').any(|segment| app.redactor.hides(segment));
    match sees {
        true if is_hidden => Json::encode("[hidden]").unwrap_or_else(|_| Json::null()),
        true => app.redactor.json(value),
        false => Json::null(),
    }
}
