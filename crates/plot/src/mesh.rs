//! A surface in three dimensions, for programs that model, render and print: OBJ and glTF 2.0.

use crate::style::Rgb;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fmt::Write;

/// A surface as triangles with a colour at each vertex, and paths on it as lines.
///
/// `x` runs along the first axis, `y` upwards, and `z` against the second axis, as in glTF. The longer of both axes has the
/// length 1, the height 0.62, and the middle is at 0.
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceMesh {
    /// Places of the vertices.
    pub vertices: Vec<[f32; 3]>,
    /// Their colours in sRGB, one a vertex.
    pub colors: Vec<Rgb>,
    /// Triangles by the numbers of their vertices from 0, counterclockwise seen from above.
    pub triangles: Vec<[u32; 3]>,
    /// Names and places of lines, each of two places or more.
    pub lines: Vec<(String, Vec<[f32; 3]>)>,
    /// Names and values that tell where it came from.
    pub provenance: Vec<(String, String)>,
}

const GENERATOR: &str = concat!("landscape-plot ", env!("CARGO_PKG_VERSION"));
/// Numbers that glTF has for what is in a buffer, and for how vertices are joined.
const F32: u32 = 5126;
const U32: u32 = 5125;
const VERTICES: u32 = 34962;
const INDICES: u32 = 34963;
const TRIANGLES: u32 = 4;
const LINE_STRIP: u32 = 3;

impl SurfaceMesh {
    /// Lays everything into the plane at the bottom of the box.
    pub fn flatten(&mut self) {
        let floor = self.vertices.iter().map(|v| v[1]).reduce(f32::min);
        let floor = floor.unwrap_or(0.0);
        let places = self.lines.iter_mut().flat_map(|(_, places)| places);
        self.vertices
            .iter_mut()
            .chain(places)
            .for_each(|v| v[1] = floor);
    }

    /// A Wavefront OBJ file; colours follow the places of vertices, as Blender, MeshLab and others read them.
    pub fn to_obj(&self) -> String {
        let mut out = format!("# {GENERATOR}\n");
        // Writing to a string cannot fail.
        for (name, value) in &self.provenance {
            let _ = writeln!(out, "# {name}: {}", value.replace(['\n', '\r'], " "));
        }
        out.push_str("o surface\n");
        for ([x, y, z], color) in self.vertices.iter().zip(&self.colors) {
            let [r, g, b] = color.map(|c| f32::from(c) / 255.0);
            let _ = writeln!(out, "v {x} {y} {z} {r:.4} {g:.4} {b:.4}");
        }
        out.push_str("s 1\n");
        for triangle in &self.triangles {
            let [a, b, c] = triangle.map(|k| k + 1);
            let _ = writeln!(out, "f {a} {b} {c}");
        }
        let mut first = self.vertices.len() + 1;
        for (name, places) in &self.lines {
            let _ = writeln!(out, "o {}", name.replace(char::is_whitespace, "_"));
            for [x, y, z] in places {
                let _ = writeln!(out, "v {x} {y} {z}");
            }
            let numbers: Vec<String> = { first..first + places.len() }
                .map(|k| k.to_string())
                .collect();
            let _ = writeln!(out, "l {}", numbers.join(" "));
            first += places.len();
        }
        out
    }

    /// A glTF 2.0 file of text, its numbers embedded in base64.
    pub fn to_gltf(&self) -> String {
        let (mut scene, buffer) = self.scene();
        let data = STANDARD.encode(buffer);
        scene["buffers"][0]["uri"] = format!("data:application/octet-stream;base64,{data}").into();
        scene.to_string()
    }

    /// A binary glTF 2.0 file.
    pub fn to_glb(&self) -> Vec<u8> {
        let (scene, mut buffer) = self.scene();
        let mut words = scene.to_string().into_bytes();
        words.resize(words.len().next_multiple_of(4), b' ');
        buffer.resize(buffer.len().next_multiple_of(4), 0);
        let all = 12 + 8 + words.len() + 8 + buffer.len();
        let mut out = b"glTF".to_vec();
        for number in [2, all, words.len()] {
            out.extend((number as u32).to_le_bytes());
        }
        out.extend(b"JSON");
        out.extend(words);
        out.extend((buffer.len() as u32).to_le_bytes());
        out.extend(b"BIN\0");
        out.extend(buffer);
        out
    }

    /// The description of the scene, and the numbers that it speaks of.
    fn scene(&self) -> (Value, Vec<u8>) {
        let mut parts = Parts::default();
        let colors: Vec<[f32; 3]> = self.colors.iter().map(|color| color.map(linear)).collect();
        let surface = json!({
            "attributes": {
                "POSITION": parts.places(&self.vertices),
                "NORMAL": parts.vectors(&self.normals()),
                "COLOR_0": parts.vectors(&colors),
            },
            "indices": parts.indices(&self.triangles),
            "mode": TRIANGLES,
            "material": 0,
        });
        let mut meshes = vec![json!({"name": "surface", "primitives": [surface]})];
        for (name, places) in &self.lines {
            let line = json!({
                "attributes": {"POSITION": parts.places(places)},
                "mode": LINE_STRIP,
                "material": 1,
            });
            meshes.push(json!({"name": name, "primitives": [line]}));
        }
        let nodes: Vec<Value> = { meshes.iter().enumerate() }
            .map(|(k, mesh)| json!({"name": mesh["name"], "mesh": k}))
            .collect();
        let told = self
            .provenance
            .iter()
            .cloned()
            .map(|(name, value)| (name, value.into()));
        let scene = json!({
            "asset": {
                "version": "2.0",
                "generator": GENERATOR,
                "extras": told.collect::<serde_json::Map<String, Value>>(),
            },
            "extensionsUsed": ["KHR_materials_unlit"],
            "scene": 0,
            "scenes": [{"nodes": (0..nodes.len()).collect::<Vec<_>>()}],
            "nodes": nodes,
            "meshes": meshes,
            "materials": [
                {
                    "name": "surface",
                    "doubleSided": true,
                    "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.9},
                },
                {
                    "name": "path",
                    "extensions": {"KHR_materials_unlit": {}},
                    "pbrMetallicRoughness": {"baseColorFactor": [0.0, 0.0, 0.0, 1.0], "metallicFactor": 0.0},
                },
            ],
            "accessors": parts.accessors,
            "bufferViews": parts.views,
            "buffers": [{"byteLength": parts.buffer.len()}],
        });
        (scene, parts.buffer)
    }

    /// The normal at each vertex: the mean of those of its triangles, by their areas.
    fn normals(&self) -> Vec<[f32; 3]> {
        let mut sums = vec![[0.0f64; 3]; self.vertices.len()];
        for triangle in &self.triangles {
            let [a, b, c] = triangle.map(|k| self.vertices[k as usize].map(f64::from));
            let (u, v) = (minus(b, a), minus(c, a));
            let cross = [
                u[1] * v[2] - u[2] * v[1],
                u[2] * v[0] - u[0] * v[2],
                u[0] * v[1] - u[1] * v[0],
            ];
            for k in triangle {
                let sum = &mut sums[*k as usize];
                *sum = [0, 1, 2].map(|axis| sum[axis] + cross[axis]);
            }
        }
        let unit = |sum: [f64; 3]| {
            let length = libm::sqrt(sum.iter().map(|v| v * v).sum());
            match length > 0.0 {
                true => sum.map(|v| (v / length) as f32),
                false => [0.0, 1.0, 0.0],
            }
        };
        sums.into_iter().map(unit).collect()
    }
}

fn minus(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [0, 1, 2].map(|axis| a[axis] - b[axis])
}

/// The light of a component in sRGB, which glTF counts in.
fn linear(component: u8) -> f32 {
    crate::style::light(component) as f32
}

/// Numbers in one buffer, and where each kind of them is.
#[derive(Default)]
struct Parts {
    buffer: Vec<u8>,
    views: Vec<Value>,
    accessors: Vec<Value>,
}

impl Parts {
    /// Places, with the box around them.
    fn places(&mut self, places: &[[f32; 3]]) -> usize {
        let ends = |of: fn(f32, f32) -> f32| {
            [0, 1, 2].map(|axis| places.iter().map(|p| p[axis]).reduce(of).unwrap_or(0.0))
        };
        let at = self.vectors(places);
        self.accessors[at]["min"] = json!(ends(f32::min));
        self.accessors[at]["max"] = json!(ends(f32::max));
        at
    }

    fn vectors(&mut self, vectors: &[[f32; 3]]) -> usize {
        let bytes = vectors.iter().flatten().flat_map(|v| v.to_le_bytes());
        self.add(bytes.collect(), VERTICES, (F32, "VEC3", vectors.len()))
    }

    fn indices(&mut self, triangles: &[[u32; 3]]) -> usize {
        let bytes = triangles.iter().flatten().flat_map(|v| v.to_le_bytes());
        self.add(
            bytes.collect(),
            INDICES,
            (U32, "SCALAR", 3 * triangles.len()),
        )
    }

    fn add(
        &mut self,
        bytes: Vec<u8>,
        target: u32,
        (kind, shape, count): (u32, &str, usize),
    ) -> usize {
        self.views.push(json!({
            "buffer": 0,
            "byteOffset": self.buffer.len(),
            "byteLength": bytes.len(),
            "target": target,
        }));
        self.buffer.extend(bytes);
        self.accessors.push(json!({
            "bufferView": self.views.len() - 1,
            "componentType": kind,
            "type": shape,
            "count": count,
        }));
        self.accessors.len() - 1
    }
}
