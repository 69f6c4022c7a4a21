//! The measurements. They alternate between the crates and take medians, to reduce the noise of a shared machine.

use std::fs;
use std::io;
use std::time::Duration;

use crate::project::Project;
use crate::sample::Sample;
use crate::sources::Shape;

/// The same crate with and without macros.
pub struct Pair {
    pub macros: Sample,
    pub plain: Sample,
}

pub struct Cost {
    pub shape: Shape,
    pub stages: usize,
    pub cold: Pair,
    pub edit: Pair,
}

pub struct Figures {
    pub costs: Vec<Cost>,
    /// The number of stages that compile with the default limits of the compiler.
    pub limit: usize,
    /// The cold checks of that many stages, by shape.
    pub limits: Vec<(Shape, Sample)>,
    /// The cold build of the macro crate.
    pub macros: Sample,
    pub edits: usize,
    /// The load averages before and after.
    pub load: [String; 2],
}

impl Cost {
    /// The extra time of a stage compared with a plain function, after an edit, in milliseconds.
    pub fn extra(&self) -> f64 {
        extra(self.edit.macros.wall, self.edit.plain.wall, self.stages)
    }

    /// The same in processor time.
    pub fn extra_cpu(&self) -> f64 {
        extra(self.edit.macros.cpu, self.edit.plain.cpu, self.stages)
    }

    /// The same in a cold check.
    pub fn extra_cold(&self) -> f64 {
        extra(self.cold.macros.wall, self.cold.plain.wall, self.stages)
    }
}

fn extra(macros: Duration, plain: Duration, stages: usize) -> f64 {
    (macros.as_secs_f64() - plain.as_secs_f64()) * 1e3 / stages as f64
}

/// Returns the medians over `edits` edits, and over three cold checks.
pub fn cost(project: &Project, shape: Shape, stages: usize, edits: usize) -> io::Result<Cost> {
    const COLD: usize = 3;
    let mut cold = [Vec::new(), Vec::new()];
    let mut edited = [Vec::new(), Vec::new()];
    let sides = [(0, true), (1, false)];
    for _ in 0..COLD {
        for (side, macros) in sides {
            project.clean(shape, stages, macros)?;
            cold[side].push(project.check(shape, stages, macros)?);
        }
    }
    for edit in 1..=edits {
        for (side, macros) in sides {
            project.edit(shape, stages, macros, edit)?;
            edited[side].push(project.check(shape, stages, macros)?);
        }
    }
    Ok(Cost { shape, stages, cold: pair(&cold), edit: pair(&edited) })
}

/// Times the cold check of a workflow of this many stages. Fails if it does not compile.
pub fn at_the_limit(project: &Project, shape: Shape, stages: usize) -> io::Result<(Shape, Sample)> {
    eprintln!("{} of {stages} stages", shape.name());
    project.clean(shape, stages, true)?;
    Ok((shape, project.check(shape, stages, true)?))
}

/// Times the cold build of the macro crate.
pub fn macro_crate(project: &Project, repetitions: usize) -> io::Result<Sample> {
    eprintln!("the macro crate");
    let samples: Vec<Sample> =
        (0..repetitions.min(5)).map(|_| project.build_macros()).collect::<Result<_, _>>()?;
    Ok(median(&samples))
}

fn pair([macros, plain]: &[Vec<Sample>; 2]) -> Pair {
    Pair { macros: median(macros), plain: median(plain) }
}

fn median(samples: &[Sample]) -> Sample {
    let middle = |of: fn(&Sample) -> Duration| {
        let mut times: Vec<Duration> = samples.iter().map(of).collect();
        times.sort_unstable();
        benches::percentile(&times, 0.5)
    };
    Sample { wall: middle(|sample| sample.wall), cpu: middle(|sample| sample.cpu) }
}

/// Returns the load averages of the machine.
pub fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load: Vec<&str> = text.split_whitespace().take(3).collect();
    if load.is_empty() { "unknown".to_owned() } else { load.join(" ") }
}
