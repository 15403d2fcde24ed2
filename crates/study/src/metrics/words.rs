use landscape_core::{Barrier, Grid, Metrics, short};

/// Minima that are named in a row.
const MINIMA: usize = 8;

/// A barrier in words.
pub fn barrier_words(barrier: &Barrier) -> String {
    let [from, to] = barrier.ends.map(short);
    match barrier.height > 0.0 {
        true => format!(
            "{} at {} above the chord from {from} to {to}",
            short(barrier.height),
            short(barrier.at)
        ),
        false => format!("0: nothing lies above the chord from {from} to {to}"),
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
    let convexity = figures.convexity.map_or("-".to_owned(), percent);
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

fn or_dash(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), short)
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// `(0.5, -1)`
pub fn coordinates(at: &[f64]) -> String {
    let words: Vec<String> = at.iter().map(|value| short(*value)).collect();
    format!("({})", words.join(", "))
}
