use super::{LandscapeMetrics, Minimum, Topology};
use crate::words::{Align, Table, indented, or_dash, or_dash_by, percent, reach_words};
use landscape_core::{Grid, Metrics, Reach, Width, short};
use std::fmt;

/// Minima that are named.
const MINIMA: usize = 8;

impl fmt::Display for LandscapeMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = metric_rows(&self.metrics, &self.grid);
        let topology = &self.topology;
        let barrier = self.barrier.map(|barrier| barrier.to_string());
        let more = [
            ("SMAD", Some(or_dash(topology.smad))),
            (
                "SMAD, first saddles",
                Some(or_dash(topology.smad_first_saddle)),
            ),
            ("barrier", barrier),
        ];
        rows.extend(
            more.into_iter()
                .filter_map(|(name, words)| Some((name.to_owned(), words?))),
        );
        rows.extend(self.widths.iter().map(width_row));
        let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, value) in &rows {
            writeln!(f, "{name:<width$}  {value}")?;
        }
        topology.fmt(f)
    }
}

/// The width of a basin in words, with its name.
fn width_row(width: &Width) -> (String, String) {
    let name = format!("width around {} at +{}", short(width.at), width.rise);
    (name, width_words(width))
}

/// `0.4 +- 0.02 (0.2 +- 0.01 below, 0.2 +- 0.01 above), up to 1.1`: the level that is reached there.
fn width_words(width: &Width) -> String {
    let side = |reach: &Option<Reach>| match reach {
        Some(reach) => reach_words(reach),
        None => "beyond the line".to_owned(),
    };
    let sides = format!("{} below, {} above", side(&width.below), side(&width.above));
    let level = short(width.level);
    match &width.width {
        Some(both) => format!("{} ({sides}), up to {level}", reach_words(both)),
        None => format!("{sides}, up to {level}"),
    }
}

/// The figures of a landscape in words, each with its name.
pub fn metric_rows(figures: &Metrics, grid: &Grid) -> Vec<(String, String)> {
    let dims = grid.dims();
    let mut rows = vec![("points", points(figures))];
    rows.extend(heights(figures, dims));
    rows.extend(shapes(figures));
    rows.extend(critical(figures, grid));
    let named = |(name, value): (&str, String)| (name.to_owned(), value);
    rows.into_iter().map(named).collect()
}

fn points(figures: &Metrics) -> String {
    let interpolated = match figures.interpolated {
        0 => String::new(),
        count => format!(", {count} interpolated"),
    };
    format!(
        "{} ({} missing, {} not finite{interpolated})",
        figures.points, figures.missing, figures.non_finite
    )
}

fn heights(figures: &Metrics, dims: usize) -> [(&'static str, String); 5] {
    let lowest = coordinates(&figures.argmin[..dims]);
    [
        ("at the origin", or_dash(figures.center_loss)),
        (
            "smallest",
            format!("{} at {lowest}", short(figures.min_loss)),
        ),
        ("largest", short(figures.max_loss)),
        ("mean", short(figures.mean_loss)),
        ("robust range", short(figures.robust_range)),
    ]
}

fn shapes(figures: &Metrics) -> [(&'static str, String); 8] {
    let convexity = or_dash_by(figures.convexity, percent);
    let open = match figures.basin_open {
        true => ", reaches the edge",
        false => "",
    };
    [
        (
            "convexity",
            format!("{convexity} of {} interior points", figures.hessians),
        ),
        ("smoothness", or_dash(figures.smoothness)),
        ("roughness", or_dash(figures.roughness)),
        ("relative roughness", or_dash(figures.relative_roughness)),
        ("trap depth", short(figures.trap_depth)),
        (
            "basin width",
            format!("{}{open}", short(figures.basin_width)),
        ),
        ("basin share", percent(figures.basin_share)),
        ("sharpness", or_dash(figures.sharpness)),
    ]
}

fn critical(figures: &Metrics, grid: &Grid) -> [(&'static str, String); 4] {
    let all = figures.minima.iter().take(MINIMA);
    let minima: Vec<String> = all
        .map(|&minimum| coordinates(&grid.point(minimum)[..grid.dims()]))
        .collect();
    let eigenvalues = figures.center_eigenvalues.as_deref().map(coordinates);
    [
        (
            "eigenvalues at the origin",
            eigenvalues.unwrap_or_else(|| "-".to_owned()),
        ),
        (
            "minima",
            match minima.is_empty() {
                true => "0".to_owned(),
                false => format!("{}: {}", figures.minima.len(), minima.join(" ")),
            },
        ),
        ("saddles", figures.saddles.len().to_string()),
        ("maxima", figures.maxima.len().to_string()),
    ]
}

/// `(0.5, -1)`
fn coordinates(at: &[f64]) -> String {
    let words: Vec<String> = at.iter().map(|value| short(*value)).collect();
    format!("({})", words.join(", "))
}

/// The minima that stand out most and the barriers between them; nothing of a surface with one.
impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.undecided.is_empty() {
            writeln!(
                f,
                "\nnot known to be minima: {} that are lowest among their neighbours, but lie beside or behind \
                 points that are not measured",
                self.undecided.len()
            )?;
        }
        let all = self.minima.len();
        if all < 2 {
            return Ok(());
        }
        let minima = indented(&self.minima_table().to_string(), 2);
        write!(f, "\n{all} minima by persistence\n{minima}")?;
        if self.is_shown_in_part() {
            writeln!(f, "  ({MINIMA} of {all} shown)")?;
        }
        if self.passages.is_empty() {
            return Ok(());
        }
        let barriers = indented(&self.barrier_table().to_string(), 2);
        write!(f, "\nbarriers between them, on the lowest path\n{barriers}")
    }
}

impl Topology {
    /// Whether its words leave minima out.
    pub fn is_shown_in_part(&self) -> bool {
        self.minima.len() > MINIMA
    }

    /// The place of a minimum in the list, from 1.
    fn place(&self, of: usize) -> String {
        let place = self.minima.iter().position(|minimum| minimum.point == of);
        place.map_or("-".to_owned(), |place| (place + 1).to_string())
    }

    fn minima_table(&self) -> Table {
        let rows = self.minima.iter().take(MINIMA).enumerate();
        Table::new([
            ("#", Align::Right),
            ("AT", Align::Left),
            ("VALUE", Align::Right),
            ("PERSISTENCE", Align::Right),
            ("JOINS", Align::Right),
            ("AT SADDLE", Align::Left),
        ])
        .with(rows.map(|(row, minimum)| self.minimum_cells(row, minimum)))
    }

    fn minimum_cells(&self, row: usize, minimum: &Minimum) -> [String; 6] {
        let joins = minimum.joins.map(|into| self.place(into));
        let saddle = minimum.saddle_at.as_deref().map(coordinates);
        [
            (row + 1).to_string(),
            coordinates(&minimum.at),
            short(minimum.value),
            match (minimum.persistence, row) {
                (Some(persistence), _) => short(persistence),
                (None, 0) => "lowest".to_owned(),
                (None, _) => "cut off".to_owned(),
            },
            joins.unwrap_or_else(|| "-".to_owned()),
            saddle.unwrap_or_else(|| "-".to_owned()),
        ]
    }

    fn barrier_table(&self) -> Table {
        Table::new([
            ("FROM", Align::Right),
            ("TO", Align::Right),
            ("HEIGHT", Align::Right),
            ("BACK", Align::Right),
            ("OVER", Align::Left),
        ])
        .with(self.passages.iter().map(|passage| {
            let [there, back] = passage.heights.map(short);
            let (from, to) = (self.place(passage.from), self.place(passage.to));
            [from, to, there, back, coordinates(&passage.saddle_at)]
        }))
    }
}
