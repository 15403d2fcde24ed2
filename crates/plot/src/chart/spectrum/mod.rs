//! Spectra: the density of eigenvalues with its error, and single eigenvalues.

mod marks;
mod ridge;
mod window;

pub use ridge::spectra;

use crate::curvature::{Density, Eigenvalue, Spectrum};
use crate::error::PlotError;
use crate::figure::Figure;
use crate::layout::{Axis, Entry, GAP, LEADING, PAD, Panel, Sheet, Swatch, TICK, Words, draw_axes};
use crate::options::Options;
use crate::scale::Transform;
use crate::style::{CURVE, DASHES, INK, LINES};
use crate::svg::{Canvas, Path, Rect, Stroke};
use crate::text::number::{count, value};
use marks::{COLOR, EXACT, Marks};
use window::{Window, smoothed};

/// How far above the axis the width of the Gaussian is drawn, in points.
const KERNEL: f64 = 6.0;
/// The colour of the estimated density.
const DENSITY: &str = LINES[0];

/// The density of the eigenvalues on a logarithmic scale against the eigenvalue on a symmetric
/// logarithmic one: with the band of its interval, single eigenvalues marked above (hollow
/// where they did not converge), and the exact spectrum where it is known.
///
/// Densities are drawn down to a tenth of what one eigenvalue amounts to. The axis is linear within
/// the width of the Gaussian, unless [`Options::scale`] is [`crate::Scale::SymLog`].
///
/// # Errors
/// When there is neither a density nor an exact spectrum, lists have different lengths, or an
/// option is not usable.
pub fn spectrum(spectrum: &Spectrum, options: &Options) -> Result<Figure, PlotError> {
    options.check()?;
    spectrum.check()?;
    let window = Window::of(std::slice::from_ref(spectrum), options);
    let marks = Marks::new(&spectrum.eigenvalues, !spectrum.exact.is_empty());
    let mut sheet = Sheet::new(options);
    let panel = layout(&sheet, &window, &marks);
    draw(&mut sheet.canvas, spectrum, &window, &panel, &marks);
    if !spectrum.exact.is_empty() {
        marks::rug(&mut sheet.canvas, &panel, &spectrum.exact);
    }
    let labels = [x_label(options), y_label(options)];
    let words = [Words::All(&labels[0]), Words::All(&labels[1])];
    draw_axes(&mut sheet.canvas, &panel, words, &options.style, false);
    marks.draw(&mut sheet.canvas, &panel, &options.style);
    explain(&mut sheet, spectrum, &window);
    Ok(sheet.finish(panel.frame.x, panel.bottom, "Spectrum"))
}

fn x_label(options: &Options) -> String {
    let given = options.axes[0].clone();
    given.unwrap_or_else(|| "eigenvalue of the Hessian".to_owned())
}

fn y_label(options: &Options) -> String {
    let given = options.value_label.clone();
    given.unwrap_or_else(|| "spectral density".to_owned())
}

fn layout(sheet: &Sheet<'_>, window: &Window, marks: &Marks) -> Panel {
    let style = sheet.style;
    let small = style.small();
    let top = sheet.top + 0.5 * small + marks.height(&style);
    let (mut left, mut right) = (40.0, 10.0);
    let mut panel = panel(Rect::new(left, top, 100.0, 60.0), window, sheet);
    for _ in 0..3 {
        let w = sheet.width() - left - right;
        let frame = Rect::new(left, top, w, (0.56 * w).min(200.0));
        panel = self::panel(frame, window, sheet);
        left = PAD + LEADING * style.font_pt + GAP + panel.y.label_width(small) + GAP + TICK;
        right = PAD + panel.x.overhang(small).max(2.0);
    }
    panel
}

fn panel(frame: Rect, window: &Window, sheet: &Sheet<'_>) -> Panel {
    let style = sheet.style;
    let small = style.small();
    let (x, y) = (window.x, window.y);
    let (across, up) = ((frame.x, frame.right()), (frame.bottom(), frame.y));
    Panel {
        frame,
        x: Axis::horizontal(window.transform, x.0, x.1, across, small),
        y: Axis::vertical(Transform::Log, y.0, y.1, up, small),
        bottom: frame.bottom() + TICK + GAP + small + GAP + LEADING * style.font_pt,
    }
}

fn draw(canvas: &mut Canvas, spectrum: &Spectrum, window: &Window, panel: &Panel, marks: &Marks) {
    canvas.group("stems");
    marks.stems(canvas, panel);
    canvas.end();
    canvas.group("density");
    canvas.clipped(panel.frame);
    match &spectrum.density {
        Some(density) => {
            let within = window::within(spectrum);
            band(canvas, density, panel, within);
            let exact = smoothed(spectrum, density);
            let stroke = Stroke::new(EXACT, CURVE).dash(DASHES[1]);
            let inside = |p: &(f64, f64)| p.0 >= within.0 && p.0 <= within.1;
            canvas.line(&curve(exact.into_iter().filter(inside), panel), stroke);
            let points = density.grid.iter().copied();
            let points = points.zip(density.density.iter().copied()).filter(inside);
            canvas.line(&curve(points, panel), Stroke::new(DENSITY, CURVE));
            kernel(canvas, density, panel);
        }
        None => histogram(canvas, &window.histogram(&spectrum.exact), panel),
    }
    if let Some(limit) = spectrum.stability_limit.as_ref() {
        let x = panel.x.at(limit.value);
        let line = Path::segment(x, panel.frame.y, x, panel.frame.bottom());
        canvas.line(&line, Stroke::new(INK, 0.8).dash(DASHES[3]));
    }
    canvas.end();
    canvas.end();
}

/// Where a density lies on the page; what is below the frame stays just below it.
fn height(panel: &Panel, density: f64) -> f64 {
    let low = panel.y.lo();
    match density > low {
        true => panel.y.at(density),
        false => panel.frame.bottom() + 1.0,
    }
}

/// A curve, broken where it is not finite; its deep parts run below the frame.
fn curve(points: impl Iterator<Item = (f64, f64)>, panel: &Panel) -> Path {
    let all: Vec<(f64, f64)> = points.collect();
    let runs = all.split(|(x, d)| !x.is_finite() || !d.is_finite());
    runs.fold(Path::new(), |path, run| {
        let run = run.iter().map(|(x, d)| (panel.x.at(*x), height(panel, *d)));
        path.polyline(&run.collect::<Vec<_>>(), false)
    })
}

/// The area of the interval of the density.
fn band(canvas: &mut Canvas, density: &Density, panel: &Panel, within: (f64, f64)) {
    let inside = |k: &usize| density.grid[*k] >= within.0 && density.grid[*k] <= within.1;
    let finite = |k: &usize| density.lower[*k].is_finite() && density.upper[*k].is_finite();
    let known = |k: &usize| finite(k) && inside(k);
    let all: Vec<usize> = (0..density.lower.len().min(density.upper.len())).collect();
    for run in all.split(|k| !known(k)).filter(|run| run.len() > 1) {
        let place = |k: &usize, d: f64| (panel.x.at(density.grid[*k]), height(panel, d));
        let upper = run.iter().map(|k| place(k, density.upper[*k]));
        let lower = run.iter().rev().map(|k| place(k, density.lower[*k]));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        let path = Path::new().polyline(&outline, true);
        canvas.shape(&path, Some(DENSITY), 0.25, None);
    }
}

/// The width of the Gaussian on the axis: from one standard deviation below 0 to one above.
fn kernel(canvas: &mut Canvas, density: &Density, panel: &Panel) {
    if density.width.is_nan() || density.width <= 0.0 {
        return;
    }
    let (x, y) = (|v: f64| panel.x.at(v), panel.frame.bottom() - KERNEL);
    let (a, b) = (x(-density.width), x(density.width));
    let ends = [a, b].map(|x| [(x, y - 1.5), (x, y + 1.5)]);
    let path = Path::segment(a, y, b, y).polyline(&ends[0], false);
    canvas.line(&path.polyline(&ends[1], false), Stroke::new(INK, 0.8));
}

fn histogram(canvas: &mut Canvas, bins: &[(f64, f64, f64)], panel: &Panel) {
    let bottom = panel.frame.bottom();
    let path = bins
        .iter()
        .filter(|b| b.2 > 0.0)
        .fold(Path::new(), |path, bin| {
            let (a, b, y) = (panel.x.at(bin.0), panel.x.at(bin.1), height(panel, bin.2));
            path.rect(Rect::new(a, y, b - a, bottom - y))
        });
    canvas.shape(&path, Some(EXACT), 0.35, Some(Stroke::new(EXACT, 0.3)));
}

/// Legend and caption.
fn explain(sheet: &mut Sheet<'_>, spectrum: &Spectrum, window: &Window) {
    let mut legend = Vec::new();
    if let Some(density) = &spectrum.density {
        let words = "density (stochastic Lanczos quadrature)";
        let swatch = Swatch::Curve(DENSITY.to_owned(), &[], None);
        legend.push(Entry::new(swatch, words));
        if density.width > 0.0 {
            let words = format!("Gaussian of the density, ±σ = ±{}", value(density.width, 2));
            legend.push(Entry::new(Swatch::Span, words));
        }
        let mut edges = density.lower.iter().zip(&density.upper);
        if edges.any(|(lower, upper)| upper > lower) {
            let words = match density.confidence {
                share if share > 0.0 => format!("{}% interval", value(100.0 * share, 3)),
                _ => "interval".to_owned(),
            };
            legend.push(Entry::new(Swatch::Band(DENSITY), words));
        }
    }
    legend.extend(exact_entries(spectrum));
    legend.extend(eigenvalue_entries(std::slice::from_ref(spectrum)));
    let shown = |limit: &f64| *limit >= window.x.0 && *limit <= window.x.1;
    if let Some(limit) = &spectrum.stability_limit {
        let words = format!("{} = {}", limit.name, value(limit.value, 3));
        match shown(&limit.value) {
            true => legend.push(Entry::new(limit_swatch(), words)),
            false => sheet.notes.push(format!("{words} lies beyond the axis")),
        }
    }
    sheet.legend.extend(legend);
    note(sheet, std::slice::from_ref(spectrum), window);
}

fn limit_swatch() -> Swatch {
    Swatch::Curve(INK.to_owned(), DASHES[3], None)
}

fn exact_entries(spectrum: &Spectrum) -> Vec<Entry> {
    let n = count(spectrum.exact.len());
    let smooth = spectrum.density.as_ref().is_some_and(|d| d.width > 0.0);
    match (spectrum.exact.is_empty(), smooth) {
        (true, _) => Vec::new(),
        (false, true) => vec![
            Entry::new(
                Swatch::Curve(EXACT.to_owned(), DASHES[1], None),
                "exact, smoothed in the same way",
            ),
            Entry::new(Swatch::Rug(EXACT), format!("all {n} eigenvalues")),
        ],
        (false, false) => vec![Entry::new(
            Swatch::Band(EXACT),
            format!("all {n} eigenvalues, exact"),
        )],
    }
}

/// How many eigenvalues are marked, and how many of them did not converge.
fn eigenvalue_entries(spectra: &[Spectrum]) -> Vec<Entry> {
    let all = || spectra.iter().flat_map(|s| &s.eigenvalues);
    let of = |converged: bool, words: &str| {
        let n = all().filter(|v| v.converged == converged).count();
        let swatch = Swatch::Point(marks::kind(converged), COLOR);
        (n > 0).then(|| Entry::new(swatch, format!("{words} ({n})")))
    };
    let entries = [of(true, "converged eigenvalue"), of(false, "not converged")];
    entries.into_iter().flatten().collect()
}

/// What the caption says: the quadrature's settings, outliers, the scales.
fn note(sheet: &mut Sheet<'_>, spectra: &[Spectrum], window: &Window) {
    let mut notes: Vec<String> = Vec::new();
    for density in spectra.iter().filter_map(|s| s.density.as_ref()) {
        notes.push(format!(
            "the density is of {} Lanczos steps from {}, smoothed with a Gaussian of σ = {}",
            density.lanczos_steps,
            match density.probes {
                1 => "1 probe".to_owned(),
                n => format!("{n} probes"),
            },
            value(density.width, 2)
        ));
    }
    notes.sort();
    notes.dedup();
    notes.truncate(3);
    let densities = spectra.iter().filter_map(|s| s.density.as_ref());
    if densities.clone().count() > 0 && densities.clone().all(is_blurred) {
        notes.push("the bulk is narrower than this Gaussian, and has its shape here".to_owned());
    }
    if let [one] = spectra {
        notes.extend(
            one.parameters
                .map(|n| format!("the network has {} parameters", count(n))),
        );
        notes.extend(one.outlier_cut.map(|cut| outliers(one, cut)));
    }
    if let Transform::Arsinh { threshold } = window.transform {
        let threshold = value(threshold, 3);
        notes.push(format!(
            "the axis of eigenvalues is logarithmic beyond −{threshold} and {threshold}, and close to linear about 0"
        ));
    }
    sheet.notes.extend(notes);
}

/// Whether the peak of a density is hardly wider than the Gaussian that smooths it.
fn is_blurred(density: &Density) -> bool {
    const HALF_WIDTHS: f64 = 2.355;
    let known = density.grid.iter().zip(&density.density);
    let known: Vec<(f64, f64)> = known.map(|(at, d)| (*at, *d)).collect();
    let peak = known.iter().map(|(_, d)| *d).fold(0.0, f64::max);
    let high = || known.iter().filter(|(_, d)| *d >= 0.5 * peak);
    let ends = high().next().zip(high().next_back());
    let wide = ends.map_or(0.0, |(first, last)| last.0 - first.0);
    density.width > 0.0 && wide < 1.2 * HALF_WIDTHS * density.width
}

fn outliers(spectrum: &Spectrum, cut: f64) -> String {
    let above = spectrum.eigenvalues.iter().filter(|v| v.value > cut);
    let (good, open): (Vec<&Eigenvalue>, Vec<&Eigenvalue>) = above.partition(|v| v.converged);
    let more = match open.len() {
        0 => String::new(),
        n => format!(" and {n} not converged"),
    };
    let plural = if good.len() == 1 { "" } else { "s" };
    format!(
        "{} outlier{plural} above {}{more}",
        good.len(),
        value(cut, 3)
    )
}
