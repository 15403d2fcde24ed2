//! What the viewer computes itself is held to lists that are made here: `page/test/golden.json` has numbers in words, the
//! scales, ticks and levels of ranges, and the fine grids and contour lines of a hundred small fields with holes,
//! plateaus and saddles. The viewer's tests read it.

use super::drawn::{LevelPayload, TickPayload, TransformPayload};
use crate::field::Field;
use crate::isoline::trace;
use crate::layout::Bar;
use crate::options::Options;
use crate::scale::levels::{Level, levels};
use crate::scale::ticks::ticks;
use crate::scale::{Clip, Scale, ValueScale};
use crate::style::Style;
use crate::text::number::value;
use landscape_core::{Axis, Grid, Sample, Surface};
use serde_json::{Value as Json, json};

const FIELDS: u64 = 100;

/// Numbers between 0 and 1 that look random and are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = { self.0 }
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f64 / (1u64 << 24) as f64
    }
}

/// A small field: a saddle, noise, plateaus, noise with holes, and values over many decades, in turn.
fn field(k: u64) -> (usize, usize, Vec<f64>) {
    let mut numbers = Numbers(k + 1);
    let (nx, ny) = (2 + (k % 4) as usize, 2 + (k / 4 % 5) as usize);
    let mut at = |i: usize, j: usize| {
        let noise = numbers.next();
        let (x, y) = (i as f64 - 1.3, j as f64 - 1.7);
        let v = match k % 5 {
            0 => 4.0 + x * x - y * y + 0.5 * x * y,
            1 => 1.0 + 4.0 * noise,
            2 => libm::floor(4.0 * noise) / 2.0,
            3 if noise < 0.12 => return f64::NAN,
            3 if noise < 0.18 => return f64::INFINITY,
            3 => 6.0 * noise - 1.0,
            _ => libm::exp(9.0 * noise - 4.0),
        };
        libm::round(1000.0 * v) / 1000.0
    };
    let values = (0..nx * ny).map(|flat| at(flat / ny, flat % ny)).collect();
    (nx, ny, values)
}

fn number(v: f64) -> Json {
    match v.is_infinite() {
        true => json!("∞"),
        false => json!(v),
    }
}

/// A number with six digits: what is compared within rounding.
fn short(v: f64) -> Json {
    json!(format!("{v:.5e}").parse::<f64>().unwrap_or(v))
}

fn scale_of(values: &[f64], log: bool) -> ValueScale {
    let scale = if log { Scale::Log } else { Scale::Linear };
    ValueScale::of(values, scale, Clip::default(), None)
}

fn scale_list(values: &[f64], log: bool) -> (ValueScale, Vec<Level>, Json) {
    let scale = scale_of(values, log);
    let known = levels(scale.transform, scale.lo, scale.hi);
    let told: Vec<LevelPayload> = known.iter().cloned().map(LevelPayload::from).collect();
    let list = json!({
        "values": values.iter().map(|v| number(*v)).collect::<Vec<_>>(),
        "log": log,
        "transform": TransformPayload::from(scale.transform),
        "lo": scale.lo,
        "hi": scale.hi,
        "levels": told,
    });
    (scale, known, list)
}

/// The scale of two numbers, its ticks and those of a colour bar.
fn range(a: f64, b: f64, log: bool) -> Json {
    let (scale, known, mut list) = scale_list(&[a, b], log);
    let of = |most| {
        { ticks(scale.transform, scale.lo, scale.hi, most).into_iter() }
            .map(TickPayload::from)
            .collect::<Vec<_>>()
    };
    let style = Style {
        font_pt: 11.0,
        ..Style::default()
    };
    let bar = Bar::ticks_of(&scale, &known, &style, 260.0).into_iter();
    list["few"] = json!(of(3));
    list["many"] = json!(of(8));
    list["size"] = json!(style.small());
    list["bar"] = json!(bar.map(TickPayload::from).collect::<Vec<_>>());
    list
}

fn ranges() -> Vec<Json> {
    const ENDS: [f64; 14] = [
        0.0,
        5e-324,
        1e-320,
        1e-300,
        1e-17,
        0.04,
        0.1,
        1.0,
        2.5,
        17.0,
        1e16,
        1e200,
        1.7e308,
        f64::MAX,
    ];
    let both: Vec<f64> = ENDS.iter().flat_map(|v| [*v, -v]).collect();
    let mut pairs: Vec<(f64, f64)> = (0..both.len())
        .flat_map(|k| [(k, (3 * k + 5) % both.len()), (k, (k + 2) % both.len())])
        .map(|(a, b)| (both[a], both[b]))
        .collect();
    pairs.extend([
        (1.0, 1.0),
        (-3.0, -3.0),
        (0.3, 5.8),
        (0.3, 128.0),
        (1e-9, 1e9),
        (2.28, 3.91),
    ]);
    pairs.extend([
        (1e16, 1e16 + 2.0),
        (-2e5, 6e4),
        (0.13, 0.8),
        (0.0, 60_000.0),
        (0.033, 0.88),
    ]);
    { pairs.iter() }
        .flat_map(|(a, b)| [range(*a, *b, false), range(*a, *b, true)])
        .collect()
}

/// A field's scale, a digest of its fine grid, and of each line whether it is closed, how many points it has, its length
/// and the mean of its points in indices of the fine grid.
fn field_list(k: u64) -> Json {
    let (nx, ny, values) = field(k);
    let log = !k.is_multiple_of(3);
    let (scale, known, mut list) = scale_list(&values, log);
    let axis = |n: usize| Axis::new(0.0, (n - 1) as f64, n).expect("an axis of points");
    let grid = Grid::new(vec![axis(nx), axis(ny)]).expect("a plane");
    let mut surface = Surface::new(grid, vec![]);
    for (flat, loss) in values.iter().enumerate() {
        surface
            .set(flat, Sample::of(*loss))
            .expect("a point of the grid");
    }
    let fine = { Field::of(&surface, &scale, &Options::default()) }
        .expect("the loss is there")
        .refined();
    let finite = || fine.places.iter().filter(|v| v.is_finite());
    list["shape"] = json!([nx, ny]);
    list["fine"] = json!([fine.nx(), fine.ny(), finite().count()]);
    list["sum"] = short(finite().sum());
    list["squares"] = short(finite().map(|v| v * v).sum());
    let lines = known.iter().map(|level| {
        let found = trace(&fine, scale.transform.forward(level.value));
        let digest = found.iter().map(|line| {
            let n = line.points.len() as f64;
            let steps = line.points.windows(2);
            let length = steps.map(|w| libm::hypot(w[1].0 - w[0].0, w[1].1 - w[0].1));
            let mean = |get: fn(&(f64, f64)) -> f64| line.points.iter().map(get).sum::<f64>() / n;
            let numbers = [length.sum(), mean(|p| p.0), mean(|p| p.1)].map(short);
            json!([line.closed, line.points.len(), numbers])
        });
        digest.collect::<Vec<_>>()
    });
    list["lines"] = json!(lines.collect::<Vec<_>>());
    list
}

fn numbers() -> Vec<Json> {
    let known = [
        0.0,
        0.5,
        1.5,
        2.5,
        12.5,
        0.125,
        1e-4,
        99_999.5,
        123_456.0,
        -2.5e-7,
        9.9999e7,
        1e22,
        1e23,
        5e-324,
        f64::MAX,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    let mut random = Numbers(7);
    let spread = (0..60).map(|_| (random.next() - 0.5) * libm::exp10(40.0 * random.next() - 20.0));
    let all = known.into_iter().chain(spread);
    all.flat_map(|v| {
        [1, 2, 3, 4, 6, 17].map(|digits| json!([number(v), v < 0.0, digits, value(v, digits)]))
    })
    .collect()
}

/// One entry a line, so that changes can be read.
fn lines_of(name: &str, entries: Vec<Json>) -> String {
    let entries: Vec<String> = entries.iter().map(Json::to_string).collect();
    format!("\"{name}\": [\n{}\n]", entries.join(",\n"))
}

#[test]
fn the_golden_lists_are_those_of_this_code() {
    let parts = [
        lines_of("numbers", numbers()),
        lines_of("ranges", ranges()),
        lines_of("fields", (0..FIELDS).map(field_list).collect()),
    ];
    let made = format!("{{\n{}\n}}\n", parts.join(",\n"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/page/test/golden.json");
    if std::env::var_os("LANDSCAPE_UPDATE_DOCS").is_some() {
        std::fs::write(path, &made).expect("golden.json can be written");
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let differ = made.lines().zip(kept.lines()).find(|(a, b)| a != b);
    assert!(
        made == kept,
        "page/test/golden.json is not what this code makes (first at {differ:?}): run this test with \
         LANDSCAPE_UPDATE_DOCS=1, then scripts/page, and look at the change"
    );
}
