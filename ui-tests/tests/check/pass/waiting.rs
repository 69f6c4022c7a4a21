//! A stage that waits with every kind of parameter in its check, in every visibility.
#![deny(warnings)]
#![allow(dead_code)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use workflow_engine::prelude::*;

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct Ticket {
    number: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct Limits {
    lines: u32,
}

#[stage]
async fn load(path: String) -> StageResult<u32> {
    Ok(u32::try_from(path.len())?)
}

#[stage(check = ready, poll_every = "1h", give_up_after = "24h", require(load))]
async fn submit(number: u32, #[config(default = 1)] urgency: u32) -> StageResult<Ticket> {
    Ok(Ticket { number: number + urgency })
}

/// Looks.
#[check]
async fn ready(
    Ticket { number }: &Ticket,
    /// Since when.
    #[config(default = 3)]
    since: u32,
    #[config(flatten)] limits: Limits,
    #[require(load)] again: u32,
    #[optional(skipped)] absent: Option<&u32>,
    ctx: &StageContext<submit>,
) -> Result<Check<String>, std::num::TryFromIntError> {
    let all = number + since + limits.lines + again + ctx.require::<load>() + absent.unwrap_or(&0);
    u8::try_from(all).map(|all| Check::Ready(all.to_string()))
}

#[stage]
async fn skipped(text: String) -> StageResult<u32> {
    Ok(u32::try_from(text.len())?)
}

#[stage]
async fn missing(text: String) -> StageResult<u32> {
    Ok(u32::try_from(text.len())?)
}

pub mod public {
    use workflow_engine::prelude::*;

    #[stage(check = self::inner::done)]
    pub async fn ask(text: String) -> StageResult<String> {
        Ok(text)
    }

    #[stage(check = inner::done)]
    pub(crate) async fn ask_again(text: String) -> StageResult<String> {
        Ok(text)
    }

    mod inner {
        use workflow_engine::prelude::*;

        #[check]
        pub async fn done(text: &String, #[config] times: Option<u32>) -> StageResult<Check<()>> {
            let _ = (text, times);
            Ok(Check::PendingFor(std::time::Duration::from_secs(1)))
        }
    }

    workflow! { pub asking = ask >> wake }

    #[stage]
    pub async fn wake(ctx: &StageContext) -> StageResult<u32> {
        Ok(ctx.attempt())
    }
}

workflow! { batch = load >> submit >> missing }

pub fn main() {
    let config = SubmitConfig::default();
    assert_eq!((config.urgency, config.ready.since), (1, 3));
    assert_eq!(format!("{config:?}"), r#"SubmitConfig {"urgency":1,"since":3,"lines":0}"#);
    let stage = &batch::definition().stages[1];
    assert_eq!(stage.reads, [0]);
    let wait = stage.wait.expect("it waits");
    assert_eq!((wait.poll_every.as_secs(), wait.give_up_after.as_secs()), (3_600, 86_400));
    assert_eq!(wait.ticket_schema().get("title"), Some(&"Ticket".into()));
    let wait = public::asking::definition().stages[0].wait.expect("it waits");
    assert_eq!((wait.poll_every.as_secs(), wait.give_up_after.as_secs()), (30, 86_400));
    assert_eq!(public::AskingConfig::default().ask.times, None);
    assert!(batch::definition().stages[0].wait.is_none());
}
