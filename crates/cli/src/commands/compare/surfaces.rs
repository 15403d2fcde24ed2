//! Stored landscapes side by side: their figures, and their differences point by point.

use crate::args::CompareArgs;
use crate::error::CliError;
use crate::output::{Align, Console, Table, number, paths_json, short};
use crate::reports::verdicts;
use landscape_core::{Diagnosis, Metrics, Surface, Value as Number, path_words};
use landscape_storage::{Error, Run, Store};
use landscape_study::compare::{Relation, relation};
use landscape_study::diagnose::evidence;
use landscape_study::metrics::metrics_of_run;
use serde_json::{Value, json};
use std::path::PathBuf;

/// A landscape with its figures.
struct Landscape {
    run: Run,
    surface: Surface,
    metrics: Metrics,
    /// What is said of the networks that it shows.
    told: Vec<Diagnosis>,
}

/// How far a landscape is from the first one, over the points at which both are finite.
struct Difference {
    first: String,
    other: String,
    /// Whether both show the same plane.
    relation: Relation,
    points: usize,
    /// Points that are finite in one of them alone.
    unlike: usize,
    max: f64,
    mean: f64,
    rms: f64,
    /// The largest as a share of the first one's range.
    share: f64,
}

/// Prints and draws landscapes side by side.
pub fn surfaces(
    runs: &[Run],
    args: &CompareArgs,
    store: &Store,
    console: &Console,
) -> Result<(), CliError> {
    if let Some(given) = args.tolerance.filter(|t| !(*t >= 0.0 && t.is_finite())) {
        return Err(CliError::Conflict {
            what: format!("--tolerance {given:?} is not a share of a range"),
            remedy: "give a number from 0 on, for example --tolerance 1e-6".to_owned(),
        });
    }
    let all: Vec<Landscape> = { runs.iter() }
        .map(|run| Landscape::load(run, store))
        .collect::<Result<_, _>>()?;
    let differences = differences(&all);
    let within = within(args.tolerance, &differences, &all)?;
    let surfaces: Vec<_> = { all.iter() }
        .map(|one| (one.run.name.as_str(), &one.surface))
        .collect();
    let files = super::files(args).draw_landscapes(&surfaces, store)?;
    console.result(
        || {
            json!({
                "landscapes": all.iter().map(Landscape::json).collect::<Vec<_>>(),
                "differences": differences.iter().map(Difference::json).collect::<Vec<_>>(),
                "within_tolerance": within,
                "files": paths_json(&files),
            })
        },
        || words(&all, &differences, &files),
    )?;
    match within {
        Some(false) => Err(CliError::Differs {
            what: exceeded(args.tolerance.unwrap_or_default(), &differences),
        }),
        _ => Ok(()),
    }
}

impl Landscape {
    fn load(run: &Run, store: &Store) -> Result<Self, CliError> {
        let surface = store.load_surface(run).map_err(|error| match error {
            Error::Lacks { .. } => CliError::Conflict {
                what: format!("`{}` is a {} without a landscape", run.name, run.kind),
                remedy: "name trainings alone, or landscapes alone; `landscape runs` lists them"
                    .to_owned(),
            },
            error => error.into(),
        })?;
        let figures = metrics_of_run(run, &surface, Number::Loss)?;
        let told = evidence(store, run)?;
        Ok(Landscape {
            run: run.clone(),
            surface,
            metrics: figures,
            told: told.iter().map(|evidence| evidence.diagnose()).collect(),
        })
    }

    /// A number at the origin.
    fn at_origin(&self, value: Number) -> Option<f64> {
        self.surface.interpolate(value, [0.0; 3])
    }

    fn json(&self) -> Value {
        json!({
            "run": self.run.name,
            "kind": self.run.kind,
            "shape": self.surface.grid().shape(),
            "metrics": self.metrics,
            "loss": number(self.at_origin(Number::Loss)),
            "loss_se": number(self.at_origin(Number::LossSe)),
            "accuracy": number(self.at_origin(Number::Accuracy)),
            "difficulty": self.told.iter().map(|told| json!({
                "verdict": told.difficulty.verdict.name(),
                "confidence": told.difficulty.confidence.name(),
            })).collect::<Vec<_>>(),
        })
    }
}

/// Of all landscapes on the first one's grid from the first one.
fn differences(all: &[Landscape]) -> Vec<Difference> {
    let same = |other: &&Landscape| other.surface.grid() == all[0].surface.grid();
    let others = all[1..].iter().filter(same);
    others.map(|other| Difference::of(&all[0], other)).collect()
}

impl Difference {
    fn of(first: &Landscape, other: &Landscape) -> Self {
        let (a, b) = (first.surface.losses(), other.surface.losses());
        let both = |(a, b): &(&f64, &f64)| a.is_finite() && b.is_finite();
        let gaps: Vec<f64> = a
            .iter()
            .zip(&b)
            .filter(both)
            .map(|(a, b)| (a - b).abs())
            .collect();
        let one = |(a, b): &(&f64, &f64)| a.is_finite() != b.is_finite();
        let n = gaps.len() as f64;
        let max = gaps.iter().copied().fold(0.0, f64::max);
        Difference {
            first: first.run.name.clone(),
            other: other.run.name.clone(),
            relation: relation(&first.run, &other.run),
            points: gaps.len(),
            unlike: a.iter().zip(&b).filter(one).count(),
            max,
            mean: gaps.iter().sum::<f64>() / n,
            rms: (gaps.iter().map(|gap| gap * gap).sum::<f64>() / n).sqrt(),
            share: if max == 0.0 {
                0.0
            } else {
                max / first.metrics.range
            },
        }
    }

    fn json(&self) -> Value {
        // Points of planes that have nothing to do with each other have no differences.
        let related = self.relation.same() != Some(false);
        let gap = |value: f64| number(related.then_some(value));
        json!({
            "first": self.first,
            "other": self.other,
            "points": self.points,
            "unlike": self.unlike,
            "max": gap(self.max),
            "mean": gap(self.mean),
            "rms": gap(self.rms),
            "share": gap(self.share),
            "same_plane": self.relation.same(),
            "why": self.relation.why(),
        })
    }

    fn words(&self) -> String {
        let (first, other) = (&self.first, &self.other);
        if let Relation::Unrelated(why) = self.relation {
            return format!("\n{first} - {other}: not comparable point by point: {why}\n");
        }
        let doubt = match self.relation.why() {
            Some(why) => format!(" ({why})"),
            None => String::new(),
        };
        format!(
            "\n{first} - {other}: largest difference {} ({} of the range), mean {}, rms {}, over {} points{doubt}\n",
            short(self.max),
            short(self.share),
            short(self.mean),
            short(self.rms),
            self.points
        )
    }

    fn is_within(&self, tolerance: f64) -> bool {
        self.unlike == 0 && self.share <= tolerance
    }
}

/// Whether all landscapes agree, where that was asked for.
fn within(
    tolerance: Option<f64>,
    differences: &[Difference],
    all: &[Landscape],
) -> Result<Option<bool>, CliError> {
    let Some(tolerance) = tolerance else {
        return Ok(None);
    };
    if differences.len() + 1 < all.len() {
        return Err(CliError::Conflict {
            what: "--tolerance compares point by point, and these landscapes have several grids"
                .to_owned(),
            remedy: "sample them with the same --grid and --range, or leave --tolerance out"
                .to_owned(),
        });
    }
    Ok(Some(differences.iter().all(|d| d.is_within(tolerance))))
}

fn exceeded(tolerance: f64, differences: &[Difference]) -> String {
    let beyond = differences.iter().filter(|d| !d.is_within(tolerance));
    let each = beyond.map(|d| match d.unlike {
        0 => format!(
            "`{}` and `{}` differ by {} of the range{}",
            d.first,
            d.other,
            short(d.share),
            { d.relation.why() }.map_or(String::new(), |why| format!(" ({why})"))
        ),
        n => format!(
            "{n} points are finite in one of `{}` and `{}` alone",
            d.first, d.other
        ),
    });
    let each: Vec<String> = each.collect();
    format!("{}, and {} is allowed", each.join(", "), short(tolerance))
}

fn words(all: &[Landscape], differences: &[Difference], files: &[PathBuf]) -> String {
    let mut text = table(all);
    text.extend(differences.iter().map(Difference::words));
    if differences.is_empty() {
        text.push_str("\nno differences point by point: the grids are not the same\n");
    }
    text.extend(files.iter().map(|file| format!("{}\n", path_words(file))));
    text
}

/// One row a figure, one column a landscape.
fn table(all: &[Landscape]) -> String {
    let first = std::iter::once(("", Align::Left));
    let names = all.iter().map(|one| (one.run.name.as_str(), Align::Right));
    let mut table = Table::new(first.chain(names));
    let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), short);
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let mut whole = |name: &str, of: &dyn Fn(&Landscape) -> String| {
        table.row(std::iter::once(name.to_owned()).chain(all.iter().map(of)));
    };
    whole("hard to train", &|one| verdicts(&one.told));
    whole("loss at the origin", &|one| {
        let error = one.at_origin(Number::LossSe);
        let error = error.map_or(String::new(), |se| format!(" +- {}", short(se)));
        or_dash(one.at_origin(Number::Loss)) + &error
    });
    whole("accuracy there", &|one| {
        one.at_origin(Number::Accuracy)
            .map_or("-".to_owned(), percent)
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
