//! A program of workflows with the command line of this crate, and with an option and a command of its own.
//!
//! ```console
//! $ cargo run --example shop -- --db shop.db worker
//! $ cargo run --example shop -- --db shop.db start ordering --input '{"article": "tea", "number": 2}' --wait
//! ```

use std::process::ExitCode;

use workflow_engine::prelude::*;
use workflow_engine::{LogLevel, RunId};
use workflow_engine_cli::clap::{Arg, Command};
use workflow_engine_cli::{Exit, Failure, Program};

/// The name of the shop, which its mails are signed with.
struct Shop(String);

/// Looks up the price of an article.
#[stage]
async fn price(article: String, number: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.log(LogLevel::Info, "looked up", [("article", article.as_str())]);
    if article == "nothing" {
        return Err(StageError::permanent("there is no article `nothing`"));
    }
    Ok(number * u32::try_from(article.len()).unwrap_or(u32::MAX))
}

/// Reserves the articles.
#[stage]
async fn reserve(price: u32, ctx: &StageContext) -> StageResult<bool> {
    ctx.log(LogLevel::Warn, "the stock is low", ());
    Ok(price > 0)
}

/// Writes the invoice.
#[stage]
async fn invoice(price: u32, #[state] shop: &Shop) -> StageResult<String> {
    Ok(format!("{price} EUR, {}", shop.0))
}

/// Sends the articles.
#[stage]
async fn ship(reserved: bool, invoice: String) -> StageResult<String> {
    Ok(if reserved { invoice } else { "nothing to send".into() })
}

workflow! {
    /// Takes an order.
    Ordering = price >> [reserve, invoice] >> ship
}

/// Asks a customer, who writes the reply to a file.
#[stage(check = replied, poll_every = "1h")]
async fn ask(file: String) -> StageResult<String> {
    Ok(file)
}

#[check]
async fn replied(file: &String) -> StageResult<Check<String>> {
    Ok(std::fs::read_to_string(file).map_or(Check::Pending, Check::Ready))
}

workflow! {
    /// Waits for the reply of a customer.
    Asking = ask
}

/// Asks the owner of the shop.
#[stage(signal = Approval, give_up_after = "7d")]
async fn propose(euros: u32) -> StageResult<String> {
    Ok(format!("May the customer have {euros} EUR back?"))
}

/// Pays the customer.
#[stage]
async fn pay(decision: Approval) -> StageResult<String> {
    Ok(if decision.approved { "paid".into() } else { decision.comment.unwrap_or_default() })
}

workflow! {
    /// Gives a customer the money back, if the owner approves.
    Refunding = propose >> pay
}

/// Works until the worker stops it.
#[stage]
async fn stir(pot: u32, ctx: &StageContext) -> StageResult<u32> {
    ctx.progress(0.5, "stirring");
    ctx.cancellation().cancelled().await;
    Ok(pot)
}

workflow! {
    /// Never ends by itself.
    Stirring = stir
}

/// Orders one of each article.
#[stage]
async fn stock(articles: Vec<String>, ctx: &StageContext) -> StageResult<Vec<RunId>> {
    let mut runs = Vec::new();
    for article in articles {
        runs.push(ctx.start::<Ordering>(PriceInput { article, number: 1 }).await?);
    }
    Ok(runs)
}

workflow! {
    /// Starts a run for each article.
    Stocking = stock
}

fn main() -> ExitCode {
    Program::new(|engine, options| {
        let name = options.get_one::<String>("shop").cloned().unwrap_or_default();
        let engine = engine.register::<Ordering>().register::<Asking>().register::<Refunding>();
        Ok(engine.register::<Stirring>().register::<Stocking>().state(Shop(name)))
    })
    .arg(
        Arg::new("shop")
            .long("shop")
            .value_name("NAME")
            .default_value("the shop")
            .help("The name of the shop"),
    )
    .command(
        Command::new("restock").about("Orders an article again").arg(Arg::new("article").required(true)),
        |session, matches| async move {
            let article = matches.get_one::<String>("article").cloned().unwrap_or_default();
            if article.is_empty() {
                return Err(Failure::new(Exit::Usage, "the article has no name"));
            }
            let engine = session.engine().await?;
            let run =
                engine.start::<Ordering>(PriceInput { article, number: 1 }).tag("reason", "restock").await?;
            println!("{}", run.id());
            Ok(())
        },
    )
    .run()
}
