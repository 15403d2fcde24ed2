//! Surfaces for other programs.

use crate::support::{broken, path, plane};
use landscape_plot::{Colormap, Options, PathOnPlane, SurfaceMesh, surface_mesh};

/// A slope: its heights are known everywhere.
fn slope() -> SurfaceMesh {
    let surface = plane(3, 5, |x, _| 2.0 + x);
    let path = path(10);
    let on_it = [PathOnPlane {
        name: "my path",
        trajectory: &path,
    }];
    surface_mesh(&surface, &on_it, &Options::default()).unwrap()
}

#[test]
fn a_slope_is_a_slope() {
    let mesh = slope();
    let (low, high) =
        (mesh.vertices.iter()).fold((1.0f32, -1.0f32), |(a, b), v| (a.min(v[1]), b.max(v[1])));
    assert!((high - 0.31).abs() < 1e-6 && low > -0.31, "{low} {high}");
    for (vertex, color) in mesh.vertices.iter().zip(&mesh.colors) {
        let [x, y, z] = *vertex;
        assert!(x.abs() <= 0.5 && z.abs() <= 0.5);
        let share = x + 0.5;
        assert!((y - (low + share * (high - low))).abs() < 1e-5);
        let expected = Colormap::Viridis.color(f64::from(share));
        assert!(color.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= 1));
    }
    // Counterclockwise from above: normals point up.
    for triangle in &mesh.triangles {
        let [a, b, c] = triangle.map(|k| mesh.vertices[k as usize]);
        let up = (b[2] - a[2]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[2] - a[2]);
        assert!(up > 0.0);
    }
    // The path lies a little above the surface, and ends at the middle.
    let (name, line) = &mesh.lines[0];
    assert_eq!(name, "my path");
    assert!(line.iter().all(|[x, y, _]| {
        let above = y - (low + (x + 0.5) * (high - low));
        (0.0..0.01).contains(&above)
    }));
    let end = line[line.len() - 1];
    assert!(end[0].abs() < 1e-6 && end[2].abs() < 1e-6);
}

#[test]
fn obj_has_every_vertex_triangle_and_line() {
    let (mesh, mut flat) = (slope(), slope());
    let obj = mesh.to_obj();
    let count = |start: &str| obj.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(count("v "), mesh.vertices.len() + mesh.lines[0].1.len());
    assert_eq!(count("f "), mesh.triangles.len());
    assert!(obj.contains("\no my_path\n"));
    let line = obj.lines().find(|line| line.starts_with("l ")).unwrap();
    let numbers: Vec<usize> = line[2..].split(' ').map(|n| n.parse().unwrap()).collect();
    assert_eq!(numbers[0], mesh.vertices.len() + 1);
    assert_eq!(numbers[numbers.len() - 1], count("v "));
    flat.flatten();
    assert!(
        flat.vertices
            .iter()
            .chain(&flat.lines[0].1)
            .all(|v| v[1] == flat.vertices[0][1])
    );
}

#[test]
fn gltf_describes_its_buffer() {
    let mesh = slope();
    let text: serde_json::Value = serde_json::from_str(&mesh.to_gltf()).unwrap();
    let glb = mesh.to_glb();
    let number = |at: usize| u32::from_le_bytes(glb[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((number(4), number(8)), (2, glb.len()));
    let words = number(12);
    let binary: serde_json::Value = serde_json::from_slice(&glb[20..20 + words]).unwrap();
    for key in ["accessors", "bufferViews", "meshes", "nodes"] {
        assert_eq!(text[key], binary[key], "{key}");
    }
    let buffer = &glb[28 + words..];
    let mut end = 0;
    let views = binary["bufferViews"].as_array().unwrap();
    for (view, accessor) in views.iter().zip(binary["accessors"].as_array().unwrap()) {
        assert_eq!(view["byteOffset"].as_u64().unwrap() as usize, end);
        let size = if accessor["type"] == "VEC3" { 12 } else { 4 };
        let long = accessor["count"].as_u64().unwrap() as usize * size;
        assert_eq!(view["byteLength"].as_u64().unwrap() as usize, long);
        end += long;
    }
    assert_eq!(
        binary["buffers"][0]["byteLength"].as_u64().unwrap() as usize,
        end
    );
    assert!(buffer.len() - end < 4);
    let first: Vec<f32> = buffer[..12]
        .chunks(4)
        .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
        .collect();
    assert_eq!(first, mesh.vertices[0]);
}

#[test]
fn holes_stay_open_and_nothing_is_an_error() {
    let mesh = surface_mesh(&broken(), &[], &Options::default()).unwrap();
    assert!(mesh.vertices.iter().flatten().all(|v| v.is_finite()));
    assert!(
        mesh.vertices.iter().all(|v| v[0] > -0.45),
        "infinite at the left"
    );
    let nothing = plane(5, 5, |_, _| f64::NAN);
    let error = surface_mesh(&nothing, &[], &Options::default()).unwrap_err();
    assert!(error.to_string().contains("finite value"), "{error}");
}
