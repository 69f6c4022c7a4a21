//! Finding and showing runs.

use crate::world::{NOTHING, TEA, World};

#[test]
fn runs_are_found_by_status_tag_and_workflow() {
    let world = World::new();
    let good = world.executed(TEA, &["--tag", "customer=acme"]);
    let bad = world.executed(NOTHING, &["--tag", "customer=acme"]);
    let other = world.started("stirring", r#"{"pot":1}"#, &[]);

    let ids = |arguments: &[&str]| -> Vec<String> {
        let listed = world.wfe(&[&["runs", "list", "--output", "ndjson"], arguments].concat()).done();
        let id = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned()
        };
        listed.lines().map(id).collect()
    };
    assert_eq!(ids(&[]), [other.clone(), bad.clone(), good.clone()]);
    assert_eq!(ids(&["--status", "failed"]), std::slice::from_ref(&bad));
    assert_eq!(ids(&["--filter", "status:completed tag:customer=acme"]), std::slice::from_ref(&good));
    assert_eq!(ids(&["--workflow", "stirring"]), std::slice::from_ref(&other));
    assert_eq!(ids(&["--status", "open"]), std::slice::from_ref(&other));
    assert_eq!(ids(&["--error", "stage_failed", "--since", "1h"]), std::slice::from_ref(&bad));
    assert_eq!(ids(&["--before", "2020-01-01"]), [""; 0]);
    assert_eq!(ids(&["--filter", "phase:completed id:0"]), std::slice::from_ref(&good));
    assert_eq!(ids(&["--waiting-for", "worker"]), std::slice::from_ref(&other));
    assert_eq!(ids(&["--id", &bad[..23]]), std::slice::from_ref(&bad));
    assert_eq!(world.wfe(&["runs", "list", "--count", "--tag", "customer=acme"]).done(), "2\n");
}

#[test]
fn a_list_says_how_many_stages_have_ended() {
    let world = World::new();
    world.executed(TEA, &[]);
    world.executed(NOTHING, &[]);
    world.started("stirring", r#"{"pot":1}"#, &[]);
    let table = world.wfe(&["runs", "list"]).done();
    let ended: Vec<&str> =
        table.lines().map(|line| line.split_whitespace().nth(3).unwrap_or_default()).collect();
    assert_eq!(ended, ["STAGES", "0/1", "0/4", "4/4"], "{table}");
}

#[tokio::test]
async fn the_most_expensive_runs_are_listed_first() {
    let world = World::new();
    let [one, two, three] = [(); 3].map(|()| world.executed(TEA, &[]));
    for (run, cost) in [(&one, 100_000_000_000_i64), (&two, 300_000_000_000), (&three, 200_000_000_000)] {
        let statement = format!("UPDATE workflow_runs SET total_cost = {cost} WHERE id = '{run}'");
        world.sql(statement).await;
    }
    let ids = |more: &[&str]| -> Vec<String> {
        let command = [&["runs", "list", "--most-expensive"], more].concat();
        let table = world.wfe(&command).done();
        table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
    };
    assert_eq!(ids(&["--limit", "2"]), [two.clone(), three.clone()]);
    assert_eq!(ids(&["--since", "1h"]), [two, three, one]);
    assert_eq!(ids(&["--since", "2100-01-01"]), [""; 0]);
    world
        .wfe(&["runs", "list", "--most-expensive", "--status", "failed"])
        .fails(2, "no condition but `--since`");
    world.wfe(&["runs", "list", "--most-expensive", "--limit", "201"]).fails(2, "at most 200");
    world.wfe(&["runs", "list", "--most-expensive", "--all"]).fails(2, "--all");
}

#[test]
fn the_runs_that_a_run_has_started_are_found_by_their_parent() {
    let world = World::new();
    let start = ["start", "stocking", "--input", r#"{"articles":["tea","salt","nothing"]}"#];
    let output = world.shop(&[&start[..], &["--wait", "--worker", "--output", "json"]].concat());
    let line = output.stderr.lines().find_map(|line| line.strip_prefix("run "));
    let parent = line.unwrap_or_else(|| panic!("{output:#?}")).to_owned();
    world.executed(TEA, &[]);

    let ids = |arguments: &[&str]| -> Vec<String> {
        let list = world.wfe(&[&["runs", "list", "--output", "json"], arguments].concat()).json();
        let items = list["items"].as_array().unwrap();
        items.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    let children: Vec<String> = serde_json::from_str(&output.stdout).unwrap();
    let mut newest_first = children.clone();
    newest_first.sort_by(|one, other| other.cmp(one));
    assert_eq!(children.len(), 3);
    assert_eq!(ids(&["--parent", &parent]), newest_first);
    assert_eq!(ids(&["--filter", &format!("parent:{parent}")]), newest_first);
    assert_eq!(ids(&["--parent", &parent, "--limit", "2"]), newest_first[..2]);
    assert_eq!(ids(&["--parent", &parent, "--workflow", "stocking"]), [""; 0]);
    assert_eq!(ids(&["--parent", &children[0]]), [""; 0], "it has started none");
    assert_eq!(world.wfe(&["runs", "list", "--count", "--parent", &parent]).done(), "3\n");
    world.wfe(&["runs", "list", "--parent", "tea"]).fails(2, "tea");
    let shown = world.wfe(&["runs", "show", &children[0]]).done();
    assert!(shown.contains(&format!("{parent}, stage stock")), "{shown}");
}

#[test]
fn a_list_continues_after_a_page_and_reads_all() {
    let world = World::new();
    let ids: Vec<String> =
        (0..5).map(|pot| world.started("stirring", &format!(r#"{{"pot":{pot}}}"#), &[])).collect();
    let first = world.wfe(&["runs", "list", "--limit", "2", "-o", "json"]).json();
    let next = first["next"].as_str().unwrap().to_owned();
    let second = world.wfe(&["runs", "list", "--limit", "2", "-o", "json", "--after", &next]).json();
    let page = |page: &serde_json::Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!([page(&first), page(&second)].concat(), [&*ids[4], &*ids[3], &*ids[2], &*ids[1]]);
    let all = world.wfe(&["runs", "list", "--all", "-o", "json"]).json();
    assert_eq!(page(&all).len(), 5);
    let table = world.wfe(&["runs", "list", "--limit", "2"]);
    assert!(table.stderr.contains(&format!("--after {next}")), "{table:#?}");
}

#[test]
fn a_failed_run_says_why_and_where() {
    let world = World::new();
    let run = world.executed(NOTHING, &["--tag", "customer=acme"]);
    let shown = world.wfe(&["--tz", "utc", "runs", "show", &run]).done();
    for expected in [
        run.as_str(),
        "ordering",
        "FAILED",
        "STAGE_FAILED: stage `price` failed",
        "there is no article `nothing`",
        "customer=acme",
        "(UTC)",
        "STAGE",
    ] {
        assert!(shown.contains(expected), "`{expected}` is missing:\n{shown}");
    }
    let details = world.wfe(&["-o", "json", "runs", "show", &run]).json();
    assert_eq!(details["run"]["status"], "FAILED");
    assert_eq!(details["stages"][0]["id"], "price");
    assert_eq!(world.wfe(&["runs", "show", &run, "--input"]).done(), format!("{NOTHING}\n"));
}

#[test]
fn the_log_and_the_events_of_a_run_are_printed() {
    let world = World::new();
    let run = world.executed(TEA, &[]);
    let lines = world.wfe(&["runs", "logs", &run]).done();
    assert!(
        lines.lines().next().unwrap().ends_with(r#"INFO   price#1  looked up  [["article","tea"]]"#),
        "{lines}"
    );
    let warnings = world.wfe(&["runs", "logs", &run, "--level", "warn", "-o", "ndjson"]).done();
    assert_eq!(warnings.lines().count(), 1);
    assert!(warnings.contains(r#""message":"the stock is low""#), "{warnings}");
    let newest = world.wfe(&["runs", "logs", &run, "--tail", "1"]).done();
    assert!(newest.contains("the stock is low") && newest.lines().count() == 1, "{newest}");
    assert_eq!(world.wfe(&["runs", "logs", &run, "--follow"]).done(), lines);

    let events = world.wfe(&["runs", "events", &run, "-o", "ndjson"]).done();
    let all: Vec<serde_json::Value> =
        events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(all[0]["type"], "workflow:created");
    assert_eq!(all.last().unwrap()["type"], "workflow:completed");
    assert_eq!(world.wfe(&["runs", "events", &run, "-o", "ndjson", "-f"]).done(), events);
    let rest = world.wfe(&["runs", "events", &run, "-o", "ndjson", "--after", "2"]).done();
    assert_eq!(rest.lines().count(), all.len() - 2);
}

#[test]
fn two_runs_are_compared_stage_by_stage() {
    let world = World::new();
    let (tea, coffee) = (world.executed(TEA, &[]), world.executed(r#"{"article":"coffee","number":2}"#, &[]));
    let shown = world.wfe(&["runs", "compare", &tea, &coffee]).done();
    assert!(shown.contains(r#"/article: "tea" → "coffee""#), "{shown}");
    assert!(shown.contains("output of price:\n  : 6 → 12"), "{shown}");
    let json = world.wfe(&["-o", "json", "runs", "compare", &tea, &coffee]).json();
    assert_eq!(json["input"][0]["pointer"], "/article");
    assert_eq!(json["stages"].as_array().unwrap().len(), 4);
    assert_eq!(json["config"], serde_json::json!([]));
}
