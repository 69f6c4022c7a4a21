//! The measurements of a session.

use std::path::PathBuf;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::place::Kind;
use crate::tuning::Tuning;

/// A measurement to make.
pub struct Task {
    pub who: Who,
    pub work: String,
    pub store: Kind,
    pub tuning: Tuning,
    /// The number of measurements.
    pub repeats: usize,
}

/// Who does the work.
#[derive(Clone)]
pub enum Who {
    Engine,
    Floor,
    /// A separate program: that of another engine, or one of ours that takes long to compile.
    Other {
        name: &'static str,
        program: PathBuf,
    },
}

impl Who {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Floor => "floor",
            Self::Other { name, .. } => name,
        }
    }
}

/// The name of a work, whether the short form includes it, and the maximum number of measurements, which is low for works
/// that take long.
type Work = (&'static str, bool, usize);

/// The works that the floor and the peers also do.
const SHARED: [Work; 3] = [("w1", true, MANY), ("w2", true, MANY), ("w3", true, MANY)];

const MANY: usize = usize::MAX;

const OURS: [Work; 32] = [
    ("w4-processes-1", false, 3),
    ("w4-processes-2", true, 3),
    ("w4-processes-4", false, 3),
    ("w4-finished-10000", true, 3),
    ("w4-finished-100000", false, 3),
    ("w4-finished-1000000", false, 3),
    ("w4-stages-10", false, 3),
    ("w4-stages-100", false, 3),
    ("w4-stages-1000", false, 3),
    ("w4-suspended-100000", false, 1),
    ("w4-delayed-0", false, 3),
    ("w4-delayed-100000", false, 3),
    ("delayed-0", false, 3),
    ("delayed-100000", false, 3),
    ("lists-10000", true, 1),
    ("lists-1000000", false, 1),
    ("operate-0", false, 3),
    ("operate-20", false, 3),
    ("page-100", false, 3),
    ("page-1000", false, 3),
    ("w5-workflows-1", true, 1),
    ("w5-workflows-101", false, 1),
    ("w6-alone", true, 1),
    ("w6-load", true, 1),
    ("w6-alone-heard", false, 1),
    ("w6-load-heard", false, 1),
    ("reaction-here", true, 3),
    ("reaction-elsewhere", true, 3),
    ("fair-priorities", false, 1),
    ("fair-crowd", false, 1),
    ("fair-saturated", false, 1),
    ("memory-outputs", false, 1),
];

/// The peers, with the stores on which their acknowledged work is on disk.
const PEERS: [(&str, &[Kind]); 6] = [
    ("durare", &Kind::ALL),
    ("dbos", &[Kind::Postgres]),
    ("apalis", &[Kind::Postgres]),
    ("sayiir", &[Kind::Postgres]),
    ("underway", &[Kind::Postgres]),
    ("duroxide", &Kind::ALL),
];

/// Returns the requested measurements that are possible here.
pub fn tasks(arguments: &Arguments, has_server: bool) -> Outcome<Vec<Task>> {
    let stores: Vec<Kind> =
        arguments.stores.iter().copied().filter(|store| has_server || *store == Kind::Sqlite).collect();
    let mut tuning = arguments.tuning;
    if arguments.is_short {
        tuning.seconds = Some(5);
    }
    let wanted = |works: &[Work]| {
        let wanted = works.iter().filter(|(work, is_short, _)| arguments.wants(work, *is_short)).copied();
        wanted.collect::<Vec<_>>()
    };
    let mut tasks = Vec::new();
    for (work, _, most) in wanted(&SHARED) {
        for &store in &stores {
            let mut all = vec![Who::Engine];
            // The others keep acknowledged work, so they are not comparable with a relaxed engine.
            if !tuning.is_relaxed {
                all.push(Who::Floor);
            }
            if arguments.peers && !tuning.is_relaxed {
                all.extend(peers(store)?);
            }
            let repeats = arguments.repeats().min(most);
            let task = |who| Task { who, work: work.to_owned(), store, tuning, repeats };
            tasks.extend(all.into_iter().map(task));
        }
    }
    for (work, _, most) in wanted(&OURS) {
        let repeats = arguments.repeats().min(most);
        let who = if work.starts_with("w4-stages") || work.starts_with("page") {
            let program = beside("speed-stages")?;
            program.exists().then_some(Who::Other { name: "engine", program })
        } else {
            Some(Who::Engine)
        };
        let Some(who) = who else { continue };
        let task = |&store| Task { who: who.clone(), work: work.to_owned(), store, tuning, repeats };
        tasks.extend(stores.iter().map(task));
    }
    for work in arguments.only.iter().flatten().filter(|work| has_other_number(work)) {
        let repeats = arguments.repeats();
        let task = |&store| Task { who: Who::Engine, work: work.clone(), store, tuning, repeats };
        tasks.extend(stores.iter().map(task));
    }
    Ok(tasks)
}

/// Returns whether this is a work of the list with a number that the list does not have: `w4-finished-20`.
fn has_other_number(work: &str) -> bool {
    let name = |work: &str| {
        let (name, number) = work.rsplit_once('-')?;
        number.parse::<u64>().ok().map(|_| name.to_owned())
    };
    OURS.iter().all(|(listed, ..)| *listed != work)
        && name(work).is_some_and(|name_of_work| {
            OURS.iter().any(|(listed, ..)| name(listed).is_some_and(|listed| listed == name_of_work))
        })
}

/// Returns the path of a program that is built outside the workspace, as described in `benches/README.md`.
fn beside(program: &str) -> Outcome<PathBuf> {
    let ours = std::env::current_exe()?;
    let target = ours.ancestors().nth(2).ok_or("this program is not in a target folder")?;
    Ok(target.join("peers/release").join(program))
}

/// Returns the peers that are built.
fn peers(store: Kind) -> Outcome<Vec<Who>> {
    let mut found = Vec::new();
    for (name, _) in PEERS.into_iter().filter(|(_, stores)| stores.contains(&store)) {
        let program = beside(&format!("peer-{name}"))?;
        if program.exists() {
            found.push(Who::Other { name, program });
        }
    }
    Ok(found)
}
