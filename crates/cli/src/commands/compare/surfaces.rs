//! Stored landscapes side by side: their figures, and their differences point by point.

use crate::args::CompareArgs;
use crate::error::CliError;
use crate::output::{Align, Console, Table, paths_json, short};
use crate::reports::verdicts;
use landscape_core::{Metrics, path_words};
use landscape_storage::{Run, Store};
use landscape_study::compare::{
    ComparedLandscape, Difference, LandscapeComparison, compare_landscapes,
};
use serde_json::json;
use std::path::PathBuf;

/// Prints and draws landscapes side by side.
pub fn surfaces(
    runs: &[Run],
    args: &CompareArgs,
    store: &Store,
    console: &Console,
) -> Result<(), CliError> {
    let found = compare_landscapes(runs, args.tolerance, store)?;
    let surfaces: Vec<_> = { found.landscapes.iter() }
        .map(|one| (one.run.as_str(), &one.surface))
        .collect();
    let files = super::files(args).draw_landscapes(&surfaces, store)?;
    console.result(
        || {
            let mut all = json!(found);
            all["files"] = paths_json(&files);
            all
        },
        || words(&found, &files),
    )?;
    match found.within_tolerance {
        Some(false) => Err(CliError::Differs {
            what: exceeded(args.tolerance.unwrap_or_default(), &found.differences),
        }),
        _ => Ok(()),
    }
}

fn words(found: &LandscapeComparison, files: &[PathBuf]) -> String {
    let mut text = table(&found.landscapes);
    text.extend(found.differences.iter().map(difference_words));
    if found.differences.is_empty() {
        text.push_str("\nno differences point by point: the grids are not the same\n");
    }
    text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
    text
}

fn difference_words(difference: &Difference) -> String {
    let (first, other) = (&difference.first, &difference.other);
    let why = difference.why.unwrap_or_default();
    let gaps = [
        difference.max,
        difference.share,
        difference.mean,
        difference.rms,
    ];
    let [Some(max), Some(share), Some(mean), Some(rms)] = gaps.map(|gap| gap.map(short)) else {
        return format!("\n{first} - {other}: not comparable point by point: {why}\n");
    };
    let points = difference.points;
    let doubt = doubt(difference);
    format!(
        "\n{first} - {other}: largest difference {max} ({share} of the range), mean {mean}, rms {rms}, over \
         {points} points{doubt}\n"
    )
}

/// Why points may not be compared one by one.
fn doubt(difference: &Difference) -> String {
    let why = difference.why;
    why.map_or(String::new(), |why| format!(" ({why})"))
}

fn exceeded(tolerance: f64, differences: &[Difference]) -> String {
    let beyond = differences.iter().filter(|d| !d.is_within(tolerance));
    let each = beyond.map(|d| match d.unlike {
        0 => format!(
            "`{}` and `{}` differ by {} of the range{}",
            d.first,
            d.other,
            short(d.largest),
            doubt(d)
        ),
        n => format!(
            "{n} points are finite in one of `{}` and `{}` alone",
            d.first, d.other
        ),
    });
    let each: Vec<String> = each.collect();
    format!("{}, and {} is allowed", each.join(", "), short(tolerance))
}

/// One row a figure, one column a landscape.
fn table(all: &[ComparedLandscape]) -> String {
    let first = std::iter::once(("", Align::Left));
    let names = all.iter().map(|one| (one.run.as_str(), Align::Right));
    let mut table = Table::new(first.chain(names));
    let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let mut whole = |name: &str, of: &dyn Fn(&ComparedLandscape) -> String| {
        table.row(std::iter::once(name.to_owned()).chain(all.iter().map(of)));
    };
    whole("hard to train", &|one| verdicts(&one.diagnoses));
    whole("loss at the origin", &|one| {
        let error = one.loss_se;
        let error = error.map_or(String::new(), |se| format!(" +- {}", short(se)));
        or_dash(one.loss) + &error
    });
    whole("accuracy there", &|one| {
        one.accuracy.map_or("-".to_owned(), percent)
    });
    let mut row = |name: &str, of: &dyn Fn(&Metrics) -> String| {
        whole(name, &|one| of(&one.metrics));
    };
    row("points", &|m| m.points.to_string());
    // Said where there are such points.
    let mut some = |name: &str, of: &dyn Fn(&Metrics) -> usize| {
        if all.iter().any(|one| of(&one.metrics) > 0) {
            row(name, &|m| of(m).to_string());
        }
    };
    some("not measured", &|m| m.missing);
    some("interpolated", &|m| m.interpolated);
    row("not finite", &|m| m.non_finite.to_string());
    row("smallest", &|m| short(m.min_loss));
    row("largest", &|m| short(m.max_loss));
    row("mean", &|m| short(m.mean_loss));
    row("robust range", &|m| short(m.robust_range));
    row("convexity", &|m| or_dash(m.convexity));
    row("smoothness", &|m| or_dash(m.smoothness));
    row("relative roughness", &|m| or_dash(m.relative_roughness));
    row("trap depth", &|m| short(m.trap_depth));
    row("basin width", &|m| {
        let open = if m.basin_open { ">" } else { "" };
        format!("{open}{}", short(m.basin_width))
    });
    row("sharpness", &|m| or_dash(m.sharpness));
    row("minima", &|m| m.minima.len().to_string());
    row("saddles", &|m| m.saddles.len().to_string());
    table.text()
}
