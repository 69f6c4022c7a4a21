use std::time::Duration;

use workflow_engine::prelude::*;

#[stage]
pub async fn begin(text: String) -> StageResult<String> {
    Ok(text)
}

#[stage]
pub async fn delay(text: String) -> StageResult<u32> {
    Ok(text.len() as u32)
}

#[stage]
pub async fn measure(text: String) -> StageResult<Option<u32>> {
    Ok(text.parse().ok())
}

#[stage]
pub async fn sum(a: u32, b: u32) -> StageResult<u32> {
    Ok(a + b)
}

#[stage]
pub async fn count(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
pub async fn close(counted: Result<Option<u32>, StageFailure>) -> StageResult<u32> {
    Ok(counted.ok().flatten().unwrap_or(0))
}

workflow! {
    /// A stage of this name stays usable.
    pub plain = begin >> delay;
    pub at_the_start = delay("250ms") >> begin >> delay("7d") >> delay;
    pub in_a_row = begin >> delay("1d") >> delay("12h") >> delay;
    pub before_a_group = begin >> delay("1d") >> [delay, delay("2h") >> again::delay] >> delay("30m") >> sum;
    pub before_a_match = begin >> delay("1d") >> catch(match measure { Some(number) => delay("1h") >> count, None => () })
        >> delay("1m") >> close;
    #[workflow(deadline = "2h")]
    pub limited = begin >> delay
}

mod again {
    use workflow_engine::prelude::*;

    #[stage(id = "delay-again")]
    pub async fn delay(text: String) -> StageResult<u32> {
        Ok(text.len() as u32)
    }
}

pub fn main() {
    let delays = |definition: &workflow_engine::definition::WorkflowDefinition| -> Vec<u64> {
        let delays = definition.stages.iter().map(|stage| stage.delay.unwrap_or_default());
        delays.map(|delay| delay.as_millis() as u64).collect()
    };
    assert_eq!(delays(plain::definition()), [0, 0]);
    assert_eq!(delays(at_the_start::definition()), [250, 604_800_000]);
    assert_eq!(delays(in_a_row::definition()), [0, 129_600_000]);
    assert_eq!(delays(before_a_group::definition()), [0, 86_400_000, 93_600_000, 1_800_000]);
    assert_eq!(delays(before_a_match::definition()), [0, 86_400_000, 3_600_000, 60_000]);
    assert_eq!(limited::definition().deadline, Some(Duration::from_secs(7_200)));
    assert_eq!(plain::definition().deadline, None);
}
