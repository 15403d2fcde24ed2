//! Lines, planes and volumes.

use crate::args::SampleArgs;
use crate::error::CliError;
use crate::inputs::{open_store, read_store, stored_before};
use crate::interrupt::Interrupt;
use crate::output::{
    self, Console, Typed, duration, loss_json, number, paths_json, say_hidden, short, unsigned_zero,
};
use crate::words::adaptive_words;
use landscape_core::{Params, Plane, path_words};
use landscape_study::directions::{check_drawable, is_drawable, save_directions};
use landscape_study::figures::FigureFiles;
use landscape_study::files::{distinct, may_save, may_store};
use landscape_study::metrics::barrier_words;
use landscape_study::record::Rounding;
use landscape_study::runs::{Landscape, LandscapeSummary, SampledLandscape};
use landscape_trace::Group;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Samples a line, a plane or a volume.
pub fn sample<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    console: &Console,
) -> Result<(), CliError> {
    let landscape = prepare(args, console)?;
    if args.dry_run {
        return estimate(&landscape, args, console);
    }
    // From the first trace of the run on, stopping it saves what is done.
    Interrupt::listen();
    let store = open_store(&args.store.db.db, console)?;
    let sampled = landscape.run(&store, console)?;
    if let Some(path) = &args.plane.save_directions {
        save_directions(path, &landscape.directions.plane, args.store.force)?;
    }
    let name = &sampled.sampled.run.name;
    let drawn = files(args).draw(name, &store)?;
    say_hidden(&drawn.hidden, console);
    let files = drawn.files;
    report(&sampled, &landscape, &files, console)?;
    let db = &args.store.db;
    let mut next = vec![Typed::new("metrics").name(name).db(&db.db)];
    if files.is_empty() && is_drawable(&landscape.grid) {
        next.insert(0, Typed::plot(name, "svg").db(&db.db));
    }
    console.next(&next);
    Ok(())
}

/// Everything that was asked for, checked before any file is read and then read.
fn prepare<const DIMS: usize>(
    args: &SampleArgs<DIMS>,
    console: &Console,
) -> Result<Landscape, CliError> {
    let request = args.request(console.command());
    let asked = request.check(console)?;
    if !args.output.is_empty() {
        check_drawable(&asked)?;
    }
    if let Some(path) = &args.plane.save_directions {
        may_save(path, args.store.force)?;
    }
    files(args).check()?;
    distinct(args.output.iter().chain(&args.plane.save_directions))?;
    if !args.dry_run {
        may_store(&args.store.db.db)?;
    }
    let store = match args.network.run {
        Some(_) => Some(read_store(&args.store.db.db, console)?),
        None => None,
    };
    Ok(Landscape::prepare(&request, store.as_ref(), console)?)
}

/// What is drawn.
fn files<const DIMS: usize>(args: &SampleArgs<DIMS>) -> FigureFiles {
    FigureFiles {
        output: args.output.clone(),
        log: args.log,
        replace: args.store.force,
    }
}

/// Points, time and memory, from a few points that are measured and not kept.
fn estimate<const DIMS: usize>(
    landscape: &Landscape,
    args: &SampleArgs<DIMS>,
    console: &Console,
) -> Result<(), CliError> {
    let path = &args.store.db.db;
    let store = stored_before(path, console)?;
    let estimate = landscape.estimate(store.as_ref())?;
    let points = &estimate.parts[0];
    let summary = &landscape.summary;
    let groups = landscape.objective.groups();
    let lines = groups.iter().map(|group| format!("group   {group}\n"));
    let lines: String = lines.collect();
    let fields = json!({
        "points": points.count,
        "stored": points.stored,
        "points_per_second": number(1.0 / points.each),
        "tile": summary.tile,
        "operations": number(summary.work_a_point()),
        "groups": groups.iter().map(group_json).collect::<Vec<_>>(),
        "warnings": summary.warnings(),
    });
    let lines = format!("runs    {}\n{lines}", summary.headline());
    output::estimate(&estimate, console, (fields, lines))
}

/// What a device computes together.
fn group_json(group: &Group) -> Value {
    json!({
        "device": group.device,
        "samples": group.samples,
        "points": group.points,
        "memory": group.memory,
        "most": group.most,
        "bound": group.bound.to_string(),
    })
}

fn report(
    whole: &SampledLandscape,
    landscape: &Landscape,
    files: &[PathBuf],
    console: &Console,
) -> Result<(), CliError> {
    let summary = whole.summary(landscape);
    let rate = summary.computed as f64 / summary.seconds.max(1e-9);
    console.note(format_args!(
        "{}: {} points computed, {} were stored, in {} ({})",
        summary.run,
        summary.computed,
        summary.stored_before,
        duration(summary.seconds),
        output::rate(rate)
    ));
    console.result(
        || {
            let mut json = json!(summary);
            loss_json(landscape.loss, &mut json);
            json["files"] = paths_json(files);
            json
        },
        || {
            let mut text = words(&summary, &landscape.directions.plane);
            let barrier = summary.barrier.as_ref();
            text.extend(barrier.map(|barrier| format!("barrier {}\n", barrier_words(barrier))));
            text.extend(summary.rounding.as_ref().map(rounding_words));
            text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
            text
        },
    )
}

/// What lets every loss of a plane be NaN or infinite.
fn why_not_finite(plane: &Plane) -> String {
    let farthest = |params: &Params| params.largest().map(|(name, x)| (name.to_owned(), x.abs()));
    let directions = plane.directions().iter().map(|d| &d.tensors);
    let all = std::iter::once(plane.origin()).chain(directions);
    let farthest = all.filter_map(farthest).max_by(|a, b| a.1.total_cmp(&b.1));
    let Some((name, value)) = farthest else {
        return String::new();
    };
    format!(
        "no loss is finite: values overflow f32, which ends at 3.4e38, on their way through the network; the \
         largest number of the weights and directions is {value:.3e}, in `{name}`. Give other weights, or \
         smaller directions\n"
    )
}

fn words(summary: &LandscapeSummary, plane: &Plane) -> String {
    let option = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let shape: Vec<String> = summary.shape.iter().map(usize::to_string).collect();
    let norms: Vec<String> = summary.norms.iter().map(|norm| short(*norm)).collect();
    let mut text = format!(
        "{}: {} points, loss {} to {}, {} at the origin\n",
        summary.run,
        shape.join("x"),
        option(summary.min_loss),
        option(summary.max_loss),
        option(summary.center_loss),
    );
    text.push_str(&format!("norms of the directions: {}", norms.join(", ")));
    for (i, row) in summary.cosines.iter().enumerate() {
        for (j, cosine) in row.0.iter().enumerate().skip(i + 1) {
            text.push_str(&format!(
                "; cosine of {} and {}: {:.4}",
                i + 1,
                j + 1,
                unsigned_zero(*cosine, 4)
            ));
        }
    }
    text.push('\n');
    if let Some(report) = &summary.adaptive {
        text.push_str(&format!("{}\n", adaptive_words(report)));
    }
    if summary.not_finite > 0 {
        text.push_str(&format!("{} losses are not finite\n", summary.not_finite));
    }
    if summary.not_finite == summary.points {
        text.push_str(&why_not_finite(plane));
    }
    text
}

/// What a precision costs, in a sentence.
fn rounding_words(rounding: &Rounding) -> String {
    if rounding.points == 0 {
        return "bf16 is not compared with f32: no loss is finite at the centre and the corners\n"
            .to_owned();
    }
    let accuracy = match rounding.accuracy {
        Some(share) => format!(", the accuracy by {:.2}%", 100.0 * share),
        None => String::new(),
    };
    format!(
        "bf16 differs from f32 by at most {} ({}% of the loss){accuracy}, at {} points\n",
        short(rounding.loss),
        short(100.0 * rounding.relative),
        rounding.points
    )
}
