//! Comparisons in words.

use super::{
    ComparedLandscape, ComparedTraining, Comparison, Difference, DifficultyVerdict, Fate,
    LandscapeComparison, Statistics,
};
use crate::words::{
    Align, Table, duration, or_dash, or_dash_by, percent, percents_in_all, with_error,
};
use landscape_core::{Metrics, short};
use std::fmt;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            ("TRAINING", Align::Left),
            ("PARAMETERS", Align::Right),
            ("STEPS", Align::Right),
            ("FIRST LOSS", Align::Right),
            ("LOSS", Align::Right),
            ("ACCURACY", Align::Right),
            ("HARD TO TRAIN", Align::Left),
            ("LAMBDA MAX", Align::Right),
            ("SHARPNESS", Align::Right),
            ("CONVEXITY", Align::Right),
            ("BASIN WIDTH", Align::Right),
            ("TIME", Align::Right),
        ];
        let rows = self.trainings.iter().map(ComparedTraining::cells);
        Table::new(columns).with(rows).fmt(f)?;
        if self.statistics.count > 2 {
            write!(f, "\n{}", self.statistics)?;
        }
        match &self.plane {
            Some(plane) => {
                let (name, shares) = (&plane.run.name, percents_in_all(&plane.explained));
                writeln!(
                    f,
                    "\n{name}: the joint plane explains {shares} of the variance"
                )
            }
            None => Ok(()),
        }
    }
}

impl ComparedTraining {
    fn cells(&self) -> [String; 12] {
        let (row, metrics) = (&self.row, self.row.metrics.as_ref());
        let label = match (row.fate, self.diverged_at) {
            (Fate::Learnt, _) => row.label.clone(),
            (Fate::Diverged, Some(step)) => format!("{} (diverged at step {step})", row.label),
            (other, _) => format!("{} ({})", row.label, other.name()),
        };
        let told = self.diagnosis.as_ref();
        let verdict = told.map(|told| DifficultyVerdict::of(&told.answers));
        [
            label,
            row.parameters.to_string(),
            row.steps.to_string(),
            short(row.first_loss),
            with_error(row.loss, self.loss_se),
            or_dash_by(row.accuracy, percent),
            verdicts(verdict.as_slice()),
            { row.lambda_max }.map_or("-".to_owned(), |found| found.to_string()),
            or_dash(row.sharpness),
            or_dash_by(metrics.and_then(|m| m.convexity), percent),
            metrics.map_or("-".to_owned(), basin_words),
            or_dash_by(row.seconds, duration),
        ]
    }
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            self.mean,
            self.standard_error,
            self.std,
            self.min,
            self.median,
            self.max,
        ];
        let [mean, error, std, min, median, max] = numbers.map(short);
        writeln!(
            f,
            "final loss: mean {mean} +- {error} (standard error), deviation {std}, min {min}, median {median}, \
             max {max}"
        )?;
        let (diverged, count, stuck) = (self.diverged, self.count, self.stuck);
        writeln!(f, "{diverged} of {count} diverged, {stuck} stuck")
    }
}

/// Verdicts with how sure they are.
fn verdicts(all: &[DifficultyVerdict]) -> String {
    let one = |told: &DifficultyVerdict| format!("{} ({})", told.verdict, told.confidence);
    match all {
        [] => "-".to_owned(),
        all => all.iter().map(one).collect::<Vec<_>>().join(", "),
    }
}

/// The width of a basin; with `>` where it reaches the edge of the grid.
fn basin_words(metrics: &Metrics) -> String {
    let open = if metrics.basin_open { ">" } else { "" };
    format!("{open}{}", short(metrics.basin_width))
}

impl fmt::Display for LandscapeComparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table().fmt(f)?;
        for difference in &self.differences {
            write!(f, "\n{difference}")?;
        }
        match self.differences.is_empty() {
            true => f.write_str("\nno differences point by point: the grids are not the same\n"),
            false => Ok(()),
        }
    }
}

impl LandscapeComparison {
    /// One row a figure, one column a landscape.
    fn table(&self) -> Table {
        let all = &self.landscapes;
        let first = std::iter::once(("", Align::Left));
        let names = all.iter().map(|one| (one.run.as_str(), Align::Right));
        let mut table = Table::new(first.chain(names));
        let mut whole = |name: &str, of: &dyn Fn(&ComparedLandscape) -> String| {
            table.row(std::iter::once(name.to_owned()).chain(all.iter().map(of)));
        };
        whole("hard to train", &|one| verdicts(&one.difficulty));
        whole("loss at the origin", &|one| {
            or_dash_by(one.loss, |loss| with_error(loss, one.loss_se))
        });
        whole("accuracy there", &|one| or_dash_by(one.accuracy, percent));
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
        row("basin width", &basin_words);
        row("sharpness", &|m| or_dash(m.sharpness));
        row("minima", &|m| m.minima.len().to_string());
        row("saddles", &|m| m.saddles.len().to_string());
        table
    }

    /// Which landscapes differ by more than the tolerance, in words; nothing where none does.
    pub fn exceeded(&self) -> Option<String> {
        let tolerance = self.tolerance?;
        let beyond = self.differences.iter().filter(|d| !d.is_within(tolerance));
        let each: Vec<String> = beyond.map(Difference::excess).collect();
        let allowed = short(tolerance);
        (!each.is_empty()).then(|| format!("{}, and {allowed} is allowed", each.join(", ")))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} - {}: ", self.first, self.other)?;
        let gaps = [self.max, self.share, self.mean, self.rms];
        let [Some(max), Some(share), Some(mean), Some(rms)] = gaps.map(|gap| gap.map(short)) else {
            let why = self.why.unwrap_or_default();
            return writeln!(f, "not comparable point by point: {why}");
        };
        writeln!(
            f,
            "largest difference {max} ({share} of the range), mean {mean}, rms {rms}, over {} points{}",
            self.points,
            self.doubt()
        )
    }
}

impl Difference {
    /// Why points may not be compared one by one.
    fn doubt(&self) -> String {
        self.why.map_or(String::new(), |why| format!(" ({why})"))
    }

    fn excess(&self) -> String {
        let (first, other, doubt) = (&self.first, &self.other, self.doubt());
        match self.unlike {
            0 => {
                let share = short(self.largest);
                format!("`{first}` and `{other}` differ by {share} of the range{doubt}")
            }
            n => format!("{n} points are finite in one of `{first}` and `{other}` alone"),
        }
    }
}
