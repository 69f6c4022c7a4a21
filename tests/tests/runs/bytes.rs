//! Bytes are inputs, settings, outputs and artifacts, also large ones.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::on_every_store;
use tests::world::World;
use workflow_engine::kernel::CreateRun;
use workflow_engine::prelude::*;
use workflow_engine::{Bytes, ErrorCode, Json};

fn picture(size: u32) -> Bytes {
    (0..size).map(|index| index.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect::<Vec<u8>>().into()
}

/// Inverts every byte.
fn inverted(bytes: &Bytes) -> Bytes {
    bytes.iter().map(|byte| !byte).collect::<Vec<u8>>().into()
}

#[stage]
async fn invert(
    picture: Bytes,
    #[config(default = Bytes::from([1, 2, 3]))] signature: Bytes,
    ctx: &StageContext,
) -> StageResult<Bytes> {
    ctx.put_artifact("signature", &signature)?;
    Ok(inverted(&picture))
}

#[stage]
async fn restore(
    picture: Bytes,
    #[require(invert)] same: &Bytes,
    ctx: &StageContext,
) -> StageResult<Option<Bytes>> {
    if picture != *same {
        return Err(StageError::permanent("the two outputs differ"));
    }
    let signature: Option<Bytes> = ctx.storage().of::<invert>().get("signature").await?;
    if signature.as_deref() != Some(&[1, 2, 3][..]) {
        return Err(StageError::permanent("the artifact has other bytes"));
    }
    Ok(Some(inverted(&picture)))
}

workflow! { Developing = invert >> restore }

async fn bytes_arrive_as_they_were_sent(world: World) {
    let engine = world.engine().register::<Developing>().build().await.unwrap();
    for size in [0, 1, 2, 3, 100_000] {
        let run = engine.start::<Developing>(InvertInput { picture: picture(size) }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), Some(picture(size)), "{size} bytes");
        assert_eq!(run.outputs().await.unwrap().invert, Some(inverted(&picture(size))));
    }
    engine.shutdown().await;
}

on_every_store!(bytes_arrive_as_they_were_sent);

#[tokio::test]
async fn a_text_that_is_no_base64_is_refused_with_the_place() {
    let engine = Engine::builder("memory:").register::<Developing>().build().await.unwrap();
    let create = |input: serde_json::Value| {
        let command = json!({ "workflow_id": "developing", "input": input });
        engine.dispatch(serde_json::from_value::<CreateRun>(command).unwrap())
    };
    for (picture, reason) in [
        (json!("AB=="), "Invalid last symbol"),
        (json!("AQI"), "padding"),
        (json!("A-_="), "Invalid symbol"),
        (json!([1, 2]), "expected a text in base64"),
    ] {
        let error = create(json!({ "picture": picture })).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidInput);
        let text = error.to_string();
        assert!(text.contains("field `picture`") && text.contains(reason), "{picture}: {text}");
    }
    let run = create(json!({ "picture": "AQI=" })).await.unwrap().run_id;
    let run = engine.run_handle::<Developing>(run).await.unwrap();
    assert_eq!(run.output().await.unwrap(), Some(Bytes::from([1, 2])));
    let schema = Developing::definition().input_schema().to_value();
    assert_eq!(schema["properties"]["picture"]["contentEncoding"], "base64");
}

/// A build without optimization takes many times as long as a release.
#[test]
#[allow(clippy::disallowed_methods, reason = "this measures the machine's time")]
fn eight_mebibytes_are_no_matter_of_seconds() {
    let picture = picture(8 * 1024 * 1024);
    let began = Instant::now();
    let json = Json::encode(&picture).unwrap();
    assert_eq!(json.decode::<Bytes>().unwrap(), picture);
    let limit = if cfg!(debug_assertions) { Duration::from_secs(30) } else { Duration::from_millis(500) };
    assert!(began.elapsed() < limit, "{:?}", began.elapsed());
}

#[test]
fn bytes_show_their_number_only() {
    assert_eq!(format!("{:?}", picture(7)), "Bytes(7 bytes)");
    assert_eq!(picture(7).clone().into_vec().len(), 7);
}
