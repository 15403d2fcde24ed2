//! VTK's XML formats, after *VTK File Formats*: arrays in base64, every bit kept.

use super::{Column, Data, Shape, Values};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, Write};

pub(super) fn write(data: &Data, out: &mut dyn Write) -> io::Result<()> {
    let kind = match data.shape {
        Shape::Mesh { .. } => "PolyData",
        Shape::Image { .. } => "ImageData",
    };
    writeln!(out, "<?xml version=\"1.0\"?>")?;
    writeln!(
        out,
        "<VTKFile type=\"{kind}\" version=\"1.0\" byte_order=\"LittleEndian\" \
         header_type=\"UInt64\">"
    )?;
    match &data.shape {
        Shape::Mesh {
            points,
            lines,
            quads,
        } => mesh(points, lines, quads, &data.columns, out)?,
        Shape::Image {
            counts,
            origin,
            spacing,
        } => image(counts, origin, spacing, &data.columns, out)?,
    }
    writeln!(out, "</VTKFile>")
}

fn mesh(
    points: &[[f64; 3]],
    lines: &[Vec<usize>],
    quads: &[[usize; 4]],
    columns: &[Column],
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<PolyData>")?;
    writeln!(
        out,
        "<Piece NumberOfPoints=\"{}\" NumberOfVerts=\"0\" NumberOfLines=\"{}\" \
         NumberOfStrips=\"0\" NumberOfPolys=\"{}\">",
        points.len(),
        lines.len(),
        quads.len()
    )?;
    point_data(columns, out)?;
    writeln!(out, "<Points>")?;
    let bytes = points.iter().flatten().flat_map(|v| v.to_le_bytes());
    array("Points", "Float64", 3, bytes, out)?;
    writeln!(out, "</Points>")?;
    cells("Lines", lines, out)?;
    cells("Polys", quads, out)?;
    writeln!(out, "</Piece>\n</PolyData>")
}

fn image(
    counts: &[usize; 3],
    origin: &[f64; 3],
    spacing: &[f64; 3],
    columns: &[Column],
    out: &mut dyn Write,
) -> io::Result<()> {
    let [x, y, z] = counts.map(|count| count.saturating_sub(1));
    let extent = format!("0 {x} 0 {y} 0 {z}");
    let (origin, spacing) = (triple(origin), triple(spacing));
    writeln!(
        out,
        "<ImageData WholeExtent=\"{extent}\" Origin=\"{origin}\" Spacing=\"{spacing}\">"
    )?;
    writeln!(out, "<Piece Extent=\"{extent}\">")?;
    point_data(columns, out)?;
    writeln!(out, "</Piece>\n</ImageData>")
}

fn triple(values: &[f64; 3]) -> String {
    let [x, y, z] = values;
    format!("{x:?} {y:?} {z:?}")
}

fn point_data(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    let first = columns.first().map_or("", |column| &column.name);
    writeln!(out, "<PointData Scalars=\"{}\">", escaped(first))?;
    for Column { name, values } in columns {
        match values {
            Values::F64(values) => {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes());
                array(name, "Float64", 1, bytes, out)?;
            }
            Values::I64(values) => {
                let bytes = values.iter().flat_map(|v| v.to_le_bytes());
                array(name, "Int64", 1, bytes, out)?;
            }
            Values::U8(values) => array(name, "UInt8", 1, values.iter().copied(), out)?,
        }
    }
    writeln!(out, "</PointData>")
}

/// Cells as the points of all of them in a row, and where each ends.
fn cells<C: AsRef<[usize]>>(name: &str, cells: &[C], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<{name}>")?;
    let points = cells.iter().flat_map(|cell| cell.as_ref());
    let bytes = points.flat_map(|&point| (point as i64).to_le_bytes());
    array("connectivity", "Int64", 1, bytes, out)?;
    let mut end = 0i64;
    let ends = cells.iter().flat_map(|cell| {
        end += cell.as_ref().len() as i64;
        end.to_le_bytes()
    });
    array("offsets", "Int64", 1, ends, out)?;
    writeln!(out, "</{name}>")
}

/// An array: the number of its bytes, then the bytes.
fn array(
    name: &str,
    kind: &str,
    components: usize,
    values: impl Iterator<Item = u8>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut bytes = vec![0; 8];
    bytes.extend(values);
    let length = bytes.len() as u64 - 8;
    bytes[..8].copy_from_slice(&length.to_le_bytes());
    writeln!(
        out,
        "<DataArray type=\"{kind}\" Name=\"{}\" NumberOfComponents=\"{components}\" \
         format=\"binary\">",
        escaped(name)
    )?;
    writeln!(out, "{}", STANDARD.encode(&bytes))?;
    writeln!(out, "</DataArray>")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // XML has no way to write these.
            control if control.is_control() => escaped.push('_'),
            other => escaped.push(other),
        }
    }
    escaped
}
