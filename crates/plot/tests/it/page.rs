//! The interactive page: what is embedded is what was given, and nothing is loaded from outside.

use crate::support::{estimated, measures};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use landscape_core::{
    Axis, Facts, Grid, Projection, Sample, Surface, Term, Trajectory, TrajectoryPoint, Value,
    diagnose,
};
use landscape_plot::page::{
    self, EigenvalueRow, Live, PageCurvature, PageData, PageError, PageRun, PlotCommand, TraceRow,
};
use landscape_plot::{LossCurve, Options, SHARPNESS_NOTE, spectrum};
use proptest::prelude::*;
use serde_json::Value as Json;

fn sample(loss: f64) -> Sample {
    Sample {
        loss,
        loss_se: Some(loss / 7.0),
        accuracy: Some(0.5),
        terms: vec![],
    }
}

fn surface(counts: &[usize], loss: impl Fn(usize) -> f64) -> Surface {
    let axes = { counts.iter() }.map(|&count| Axis::new(-1.0, 1.0, count).unwrap());
    let mut surface = Surface::new(Grid::new(axes.collect()).unwrap(), vec![]);
    for index in 0..surface.grid().len() {
        surface.set(index, sample(loss(index))).unwrap();
    }
    surface
}

fn one(run: PageRun) -> String {
    page::html(&PageData::new("title", vec![run])).unwrap()
}

/// What the browser would find in the data element.
fn data(html: &str) -> Json {
    let start = r#"<script id="data" type="application/json">"#;
    let rest = &html[html.find(start).unwrap() + start.len()..];
    serde_json::from_str(&rest[..rest.find("</script").unwrap()]).unwrap()
}

fn unpack(packed: &Json) -> Vec<f64> {
    let bytes = |key: &str| {
        packed[key]
            .as_str()
            .map(|text| STANDARD.decode(text).unwrap())
    };
    if let Some(bytes) = bytes("f64") {
        let words = bytes.chunks_exact(8);
        return words
            .map(|b| f64::from_le_bytes(b.try_into().unwrap()))
            .collect();
    }
    let bytes = bytes("f32").unwrap();
    let words = bytes.chunks_exact(4);
    words
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()).into())
        .collect()
}

fn quantity(run: &Json, key: &str) -> Vec<f64> {
    let all = run["quantities"].as_array().unwrap();
    unpack(&all.iter().find(|q| q["key"] == key).unwrap()["data"])
}

/// Equal bits, but any NaN equals any other.
fn same(a: &[f64], b: &[f64]) -> bool {
    let equal = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits() || (x.is_nan() && y.is_nan());
    a.len() == b.len() && a.iter().zip(b).all(equal)
}

#[test]
fn the_page_loads_nothing() {
    let html = one(PageRun::new("bowl", surface(&[5, 4], |k| k as f64 * 0.1)));
    assert!(html.contains("default-src 'none'"));
    for pattern in [
        " src=\"http",
        // Pictures in the SVG that it exports are data.
        " href=\"http",
        " href=\"/",
        "url(http",
        "@import",
        "<link",
        "<img",
        "<iframe",
    ] {
        assert!(!html.contains(pattern), "{pattern}");
    }
    // Names of vocabularies and an address in a licence; none is loaded.
    let allowed = [
        "www.w3.org/1999/xhtml",
        "www.w3.org/2000/svg",
        "www.apache.org/licenses/",
    ];
    for (at, scheme) in html
        .match_indices("http://")
        .chain(html.match_indices("https://"))
    {
        let rest = &html[at + scheme.len()..];
        let shown = rest.chars().take(60).collect::<String>();
        assert!(allowed.iter().any(|host| rest.starts_with(host)), "{shown}");
    }
    for call in [
        "fetch(",
        "XMLHttpRequest",
        "WebSocket",
        "sendBeacon",
        "importScripts",
        "EventSource",
    ] {
        assert!(!viewer_calls(&html, call), "{call}");
    }
}

/// True when the viewer's script calls a global of this name.
fn viewer_calls(html: &str, name: &str) -> bool {
    { html.match_indices(name) }.any(|(at, _)| {
        let before = html[..at].chars().next_back().unwrap_or(' ');
        !(before.is_alphanumeric() || before == '.' || before == '_' || before == '$')
    })
}

#[test]
fn licences_of_the_viewer_are_in_the_page() {
    let html = one(PageRun::new("bowl", surface(&[3, 3], |k| k as f64)));
    for words in ["three.js authors", "Permission is hereby granted"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn every_number_comes_back() {
    let losses = [
        0.1,
        -0.0,
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        1e-310,
        1e300,
        2.0 / 3.0,
        5.0,
    ];
    let surface = surface(&[3, 3], |k| losses[k]);
    let json = data(&one(PageRun::new("all", surface.clone())));
    let run = &json["runs"][0];
    assert!(same(&quantity(run, "loss"), &losses));
    assert!(same(
        &quantity(run, "loss_se"),
        &surface.values(Value::LossSe)
    ));
    assert!(same(&quantity(run, "accuracy"), &[0.5; 9]));
    assert!(same(&unpack(&run["axes"][1]["coords"]), &[-1.0, 0.0, 1.0]));
    assert!(run["missing"].is_null());
}

#[test]
fn narrow_arrays_are_sent_as_f32() {
    let json = data(&one(PageRun::new("short", surface(&[2, 2], |k| k as f64))));
    let loss = &json["runs"][0]["quantities"][0]["data"];
    assert!(loss["f32"].is_string() && loss["f64"].is_null());
}

#[test]
fn points_not_computed_are_told_from_nan() {
    let mut partial = Surface::new(Grid::square(3, 1.0, 2).unwrap(), vec![]);
    partial.set(4, sample(f64::NAN)).unwrap();
    let json = data(&one(PageRun::new("partial", partial)));
    let missing = unpack(&json["runs"][0]["missing"]);
    assert_eq!(missing, [0.0, 1.0, 2.0, 3.0, 5.0, 6.0, 7.0, 8.0]);
}

#[test]
fn terms_come_with_their_weights() {
    let term = Term {
        name: "l2".into(),
        weight: 0.25,
    };
    let mut surface = Surface::new(Grid::square(2, 1.0, 2).unwrap(), vec![term]);
    for index in 0..4 {
        let terms = vec![index as f64 + 0.1];
        surface
            .set(
                index,
                Sample {
                    terms,
                    ..sample(1.0)
                },
            )
            .unwrap();
    }
    let json = data(&one(PageRun::new("l2", surface)));
    let run = &json["runs"][0];
    assert!(same(&quantity(run, "term:l2"), &[0.1, 1.1, 2.1, 3.1]));
    assert_eq!(run["weights"][0][0], "term:l2");
    assert_eq!(run["weights"][0][1], 0.25);
}

#[test]
fn the_path_comes_with_true_and_plane_losses() {
    let point = |step: u64, loss: Option<f64>| TrajectoryPoint {
        step,
        coords: [step as f64 * 0.1, 0.3, 0.0],
        residual: 0.7,
        loss,
        plane_loss: Some(1.5),
    };
    let mut run = PageRun::new("path", surface(&[3, 3], |k| k as f64));
    run.trajectory = Some(Trajectory {
        points: vec![point(0, Some(2.25)), point(16, None)],
        explained_variance: vec![0.8, 0.1],
        projection: Projection::LeastSquares,
    });
    let json = data(&one(run));
    let path = &json["runs"][0]["paths"][0];
    assert_eq!(path["step"], serde_json::json!([0, 16]));
    assert_eq!(path["explained"], serde_json::json!([0.8, 0.1]));
    assert!(same(&unpack(&path["x"]), &[0.0, 1.6]));
    assert!(same(&unpack(&path["loss"]), &[2.25, f64::NAN]));
    assert!(same(&unpack(&path["planeLoss"]), &[1.5, 1.5]));
    assert!(same(&unpack(&path["residual"]), &[0.7, 0.7]));
}

#[test]
fn several_paths_minima_and_the_diagnosis_come_with_the_page() {
    let path = crate::support::path(12);
    let mut poor = path.clone();
    poor.explained_variance = vec![0.2, 0.1];
    let mut run = PageRun::new("paths", crate::support::four_minima());
    run.trajectory = Some(path.clone());
    run.paths = vec![("SGD".to_owned(), path), ("Adam".to_owned(), poor)];
    let losses = [1.0, 0.5, 0.3, 0.25, 0.24];
    let told = diagnose(&Facts {
        losses: &losses,
        ..Facts::default()
    });
    run.diagnoses = vec![("SGD".to_owned(), told)];
    let json = &data(&one(run))["runs"][0];
    let names: Vec<&str> = { json["paths"].as_array().unwrap().iter() }
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["", "SGD", "Adam"]);
    assert_eq!(json["paths"][0]["warnings"], serde_json::json!([]));
    let warned = json["paths"][2]["warnings"][0].as_str().unwrap();
    assert!(warned.contains("explains only 30.0%"), "{warned}");
    let minima = json["minima"].as_array().unwrap();
    let known = crate::support::pairs();
    assert_eq!(minima.len(), known.len());
    assert!(minima[0]["barrier"].is_null() && minima[0]["value"] == known[0].birth);
    let barrier = known[1].death.unwrap() - known[1].birth;
    assert!(
        minima
            .iter()
            .any(|m| { m["barrier"].as_f64() }.is_some_and(|found| (found - barrier).abs() < 1e-9))
    );
    assert_eq!(json["diagnoses"][0][1]["course"]["verdict"], "smooth");
}

#[test]
fn an_empty_path_is_no_path() {
    let mut run = PageRun::new("path", surface(&[3, 3], |k| k as f64));
    run.trajectory = Some(Trajectory {
        points: vec![],
        explained_variance: vec![],
        projection: Projection::Cos,
    });
    assert_eq!(data(&one(run))["runs"][0]["paths"], serde_json::json!([]));
}

#[test]
fn text_is_text() {
    let nasty = r#"</title></script><!--<script> & "quotes" 'and' <b>tags</b>"#;
    let mut run = PageRun::new(nasty, surface(&[2, 2], |k| k as f64));
    run.description = Some(nasty.into());
    run.axis_labels[0] = nasty.into();
    run.provenance = vec![(nasty.into(), nasty.into())];
    let plain = one(PageRun::new("plain", surface(&[2, 2], |k| k as f64)));
    let html = page::html(&PageData::new(nasty, vec![run])).unwrap();
    for tag in ["</title", "<script", "</script", "<b>", "<!--"] {
        assert_eq!(
            html.matches(tag).count(),
            plain.matches(tag).count(),
            "{tag}"
        );
    }
    let title = "<title>&lt;/title&gt;&lt;/script&gt;&lt;!--&lt;script&gt; &amp; &quot;quotes&quot; &#39;and&#39;";
    assert!(html.contains(title));
    let json = data(&html);
    assert_eq!(json["title"], nasty);
    assert_eq!(json["runs"][0]["name"], nasty);
    assert_eq!(json["runs"][0]["provenance"][0][1], nasty);
}

#[test]
fn a_title_that_is_a_mark_stays_a_title() {
    let run = PageRun::new("a", surface(&[2, 2], |k| k as f64));
    let html = page::html(&PageData::new("<!--DATA-->", vec![run])).unwrap();
    assert!(html.contains("<title>&lt;!--DATA--&gt;</title>"));
    assert_eq!(data(&html)["title"], "<!--DATA-->");
}

#[test]
fn equal_data_give_equal_bytes() {
    let page = || one(PageRun::new("a", surface(&[11, 7], |k| (k as f64).sqrt())));
    assert_eq!(page(), page());
}

#[test]
fn lines_and_volumes_are_pages_too() {
    let runs = vec![
        PageRun::new("line", surface(&[9], |k| k as f64)),
        PageRun::new("volume", surface(&[3, 4, 5], |k| k as f64)),
        PageRun::new("one slice", surface(&[3, 4, 1], |k| k as f64)),
    ];
    let json = data(&page::html(&PageData::new("all", runs)).unwrap());
    let axes: Vec<usize> = { 0..3 }
        .map(|k| json["runs"][k]["axes"].as_array().unwrap().len())
        .collect();
    assert_eq!(axes, [1, 3, 3]);
    assert_eq!(quantity(&json["runs"][1], "loss").len(), 60);
}

#[test]
fn wrong_input_is_named() {
    let fails = |change: fn(&mut PageRun)| {
        let mut run = PageRun::new("r", surface(&[2, 2], |k| k as f64));
        change(&mut run);
        page::html(&PageData::new("t", vec![run])).unwrap_err()
    };
    assert!(matches!(
        page::html(&PageData::new("t", vec![])),
        Err(PageError::NoRuns)
    ));
    let labels = fails(|run| run.axis_labels = vec!["α".into()]);
    assert_eq!(labels.to_string(), "run `r` has 2 axes but 1 axis labels");
    let thin = fails(|run| run.surface = surface(&[4, 1], |k| k as f64));
    assert_eq!(
        thin.to_string(),
        "run `r` has 1 point on axis 2; a page needs 2 or more"
    );
    let curve = fails(|run| {
        run.curves.push(LossCurve {
            name: "c".into(),
            steps: vec![0.0, 1.0],
            losses: vec![1.0],
            accuracies: vec![],
        });
    });
    let message = "curve `c` of run `r` has 2 steps but 1 losses and 0 accuracies";
    assert_eq!(curve.to_string(), message);
}

proptest! {
    #[test]
    fn any_losses_round_trip(losses in prop::collection::vec(any::<f64>(), 6)) {
        let json = data(&one(PageRun::new("any", surface(&[3, 2], |k| losses[k]))));
        prop_assert!(same(&quantity(&json["runs"][0], "loss"), &losses));
    }

    #[test]
    fn any_text_round_trips(title in any::<String>(), name in any::<String>()) {
        let run = PageRun::new(name.clone(), surface(&[2, 2], |k| k as f64));
        let json = data(&page::html(&PageData::new(title.clone(), vec![run])).unwrap());
        prop_assert_eq!(json["title"].as_str(), Some(title.as_str()));
        prop_assert_eq!(json["runs"][0]["name"].as_str(), Some(name.as_str()));
    }
}

fn curvature() -> PageCurvature {
    let value = |part: &str, rank: &str, converged| EigenvalueRow {
        part: part.to_owned(),
        rank: rank.to_owned(),
        value: 9.75,
        residual: 1e-4,
        converged,
    };
    let figure = spectrum(&estimated("one"), &Options::default()).unwrap();
    PageCurvature {
        name: "<b>h</b>".to_owned(),
        heading: None,
        description: Some("a & b".to_owned()),
        figures: vec![("Spectrum".to_owned(), figure)],
        eigenvalues: vec![value("all", "top 1", true), value("all", "top 2", false)],
        traces: vec![TraceRow {
            part: "all".to_owned(),
            method: "xtrace".to_owned(),
            mean: 25.5,
            se: Some(0.25),
            products: 30,
        }],
        sharpness: measures(),
        facts: vec![("products".to_owned(), "412".to_owned())],
        command: Some("landscape hessian <x>".to_owned()),
    }
}

#[test]
fn curvature_is_there_without_a_script() {
    let page = PageData::new("t", vec![]).with_curvature(vec![curvature()]);
    let html = page::html(&page).unwrap();
    let body = html.split("<script").next().unwrap();
    for part in [
        "Curvature: &lt;b&gt;h&lt;/b&gt;",
        "a &amp; b",
        "<td class=\"number\">9.75</td>",
        "<td class=\"warn\">no</td>",
        "1 of 2 did not converge",
        "<td class=\"number\">25.5</td><td class=\"number\">± 0.25</td>",
        "adaptive, average case",
        SHARPNESS_NOTE,
        "landscape hessian &lt;x&gt;",
    ] {
        assert!(body.contains(part), "{part}");
    }
    assert!(!body.contains("<th>part</th>"), "all rows say the same");
    let image = body.split("data:image/svg+xml;base64,").nth(1).unwrap();
    let svg = STANDARD.decode(image.split('"').next().unwrap()).unwrap();
    assert_eq!(svg, curvature().figures[0].1.svg().as_bytes());
    assert_eq!(data(&html)["runs"], serde_json::json!([]));
}

#[test]
fn layers_have_a_column() {
    let mut layers = curvature();
    layers.eigenvalues[1].part = "fc1".to_owned();
    let page = PageData::new("t", vec![]).with_curvature(vec![layers]);
    let html = page::html(&page).unwrap();
    assert!(html.contains("<th>part</th><th>rank</th>") && html.contains("<td>fc1</td>"));
}

#[test]
fn curvature_stands_below_the_runs() {
    let run = PageRun::new("r", surface(&[5, 5], |k| k as f64));
    let page = PageData::new("t", vec![run]).with_curvature(vec![curvature()]);
    let html = page::html(&page).unwrap();
    assert!(html.find("id=\"stage\"").unwrap() < html.find("Curvature:").unwrap());
    assert_eq!(data(&html)["runs"].as_array().unwrap().len(), 1);
    let plain = page::html(&PageData::new("t", page.runs)).unwrap();
    assert!(!plain.contains("Curvature:") && !plain.contains("<!--CURVATURE-->"));
}

/// The page of a server is that of a file, with a script that asks the server and nobody else.
#[test]
fn a_page_that_is_served_follows_its_runs() {
    let name = "</script><script>alert(1)</script>";
    let run = PageRun::new(name, surface(&[5, 5], |k| k as f64));
    let page = PageData::new("t", vec![run]).with_curvature(vec![curvature()]);
    let plot = PlotCommand {
        key: "0/a".to_owned(),
        run: name.to_owned(),
        database: None,
    };
    let live = Live {
        data: "/data?run=0".to_owned(),
        events: "/events?run=0".to_owned(),
        diagnoses: String::new(),
        list: "/".to_owned(),
        figure: "/figure".to_owned(),
        version: 7,
        plots: vec![plot],
    };
    let (served, file) = (
        page::served(&page, &live).unwrap(),
        page::html(&page).unwrap(),
    );
    assert!(served.contains("default-src 'none'; connect-src 'self'; script-src"));
    assert!(viewer_calls(&served, "EventSource") && !viewer_calls(&file, "EventSource"));
    assert!(!file.contains("connect-src") && !file.contains("<!--LIVE-->"));
    assert!(!served.contains("<script>alert"));
    assert_eq!(data(&served), data(&file));
    let fresh: Json = serde_json::from_str(&page::fresh(&page, 8).unwrap()).unwrap();
    assert_eq!(
        (&fresh["version"], &fresh["title"]),
        (&8.into(), &"t".into())
    );
    // What is fetched later is, letter for letter, what the page holds, so that it can tell what is new.
    assert!(served.contains(fresh["data"].as_str().unwrap()));
    assert!(served.contains(fresh["sections"].as_str().unwrap()));
    let empty = PageData::new("t", vec![]);
    assert!(matches!(
        page::served(&empty, &live),
        Err(PageError::NoRuns)
    ));
    assert!(matches!(page::fresh(&empty, 1), Err(PageError::NoRuns)));
}
