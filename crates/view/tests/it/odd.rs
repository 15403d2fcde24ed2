//! Landscapes that hardly are any: without points, of one, constant, not finite, at the ends of f64.

use crate::chromium::Browser;
use crate::support::{Server, database, embedded};
use landscape_core::{Axis, Grid, Measured, Sample};
use landscape_storage::{RunKind, RunSpec, Status, Store};
use serde_json::json;

/// A run on a grid of so many points, with the losses that are given in turn.
fn stored(store: &Store, name: &str, counts: &[usize], losses: &[f64]) {
    let axes = counts
        .iter()
        .map(|&count| Axis::new(-1.0, 1.0, count).unwrap());
    let grid = Grid::new(axes.collect()).unwrap();
    let mut spec = RunSpec::new(RunKind::Surface, json!({"plane": name, "grid": grid}));
    spec.name = Some(name.to_owned());
    let (run, _) = store.begin_surface(&spec, &grid, &[], None).unwrap();
    let point = |index: usize| Measured {
        index,
        sample: Sample {
            loss: losses[index % losses.len()],
            ..Sample::default()
        },
    };
    let known = if losses.is_empty() { 0 } else { grid.len() };
    let points: Vec<Measured> = (0..known).map(point).collect();
    store.append_points(&run, &points).unwrap();
    store.finish(&run, Status::Complete).unwrap();
}

const DRAWN: [(&str, &[f64]); 6] = [
    ("empty", &[]),
    ("constant", &[2.0]),
    (
        "holes",
        &[1.0, f64::NAN, 2.0, f64::INFINITY, f64::NEG_INFINITY, 3.0],
    ),
    ("nothing finite", &[f64::NAN, f64::INFINITY]),
    ("huge", &[1e308, -1e308, 1.7e308, 1.0]),
    ("below normal", &[5e-324, 1e-310, 0.0]),
];

/// Each is drawn, also in a browser, or said to be what it is.
#[test]
fn odd_landscapes_are_drawn_or_told() {
    let (_folder, path, store) = database();
    for (name, losses) in DRAWN {
        stored(&store, name, &[5, 5], losses);
    }
    let thin: [(&str, &[usize]); 3] = [("row", &[5, 1]), ("point", &[1, 1]), ("dot", &[1])];
    for (name, counts) in thin {
        stored(&store, name, counts, &[1.0]);
    }
    let server = Server::of([&path]);
    let rows = server.listing()["sources"][0]["rows"].clone();
    let loss = |name: &str| {
        let mut rows = rows.as_array().unwrap().iter();
        rows.find(|row| row["name"] == name).unwrap()["loss"].clone()
    };
    assert_eq!(
        (loss("empty"), loss("nothing finite")),
        (json!(null), json!(null))
    );
    assert_eq!((loss("constant"), loss("holes")), (json!(2.0), json!(1.0)));
    assert_eq!(
        (loss("huge"), loss("below normal")),
        (json!(-1e308), json!(0.0))
    );
    for (name, counts) in thin {
        let page = server.get(&format!("/run/0/{name}"));
        let axis = counts.iter().position(|&count| count == 1).unwrap() + 1;
        let words = format!("run `{name}` has 1 point on axis {axis}; a page needs 2 or more");
        assert!(
            page.status == 200 && page.text.contains(&words),
            "{name}: {}",
            page.text
        );
    }
    let mut browser = Browser::open();
    for (name, _) in DRAWN {
        let address = format!("/run/0/{}", name.replace(' ', "%20"));
        let page = server.get(&address);
        assert_eq!(page.status, 200, "{name}");
        assert_eq!(embedded(&page.text, "data")["runs"][0]["name"], name);
        if let Some(browser) = &mut browser {
            browser.go(&server.url(&address));
            browser.until("landscapeViewer.panes()[0].run.name", name);
            assert_eq!(browser.complaints, [""; 0], "{name}");
        }
    }
}
