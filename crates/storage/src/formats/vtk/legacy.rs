//! VTK's legacy format 3.0, binary: the highest byte first, every bit kept.

use super::{Data, Shape, Values};
use std::io::{self, Write};

pub(super) fn write(data: &Data, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# vtk DataFile Version 3.0\nloss landscape\nBINARY")?;
    shape(&data.shape, out)?;
    let points = data.columns.first().map_or(0, |column| column.values.len());
    writeln!(out, "POINT_DATA {points}")?;
    let (first, rest) = data.columns.split_at(data.columns.len().min(1));
    for column in first {
        let (name, kind) = (encoded(&column.name), kind(&column.values));
        writeln!(out, "SCALARS {name} {kind} 1\nLOOKUP_TABLE default")?;
        values(&column.values, out)?;
    }
    writeln!(out, "FIELD FieldData {}", rest.len())?;
    for column in rest {
        let (name, kind) = (encoded(&column.name), kind(&column.values));
        writeln!(out, "{name} 1 {} {kind}", column.values.len())?;
        values(&column.values, out)?;
    }
    Ok(())
}

fn shape(shape: &Shape, out: &mut dyn Write) -> io::Result<()> {
    match shape {
        Shape::Mesh {
            points,
            lines,
            quads,
        } => {
            writeln!(out, "DATASET POLYDATA\nPOINTS {} double", points.len())?;
            for value in points.iter().flatten() {
                out.write_all(&value.to_be_bytes())?;
            }
            writeln!(out)?;
            cells("LINES", lines, out)?;
            cells("POLYGONS", quads, out)
        }
        Shape::Image {
            counts: [nx, ny, nz],
            origin: [x, y, z],
            spacing: [dx, dy, dz],
        } => {
            writeln!(out, "DATASET STRUCTURED_POINTS\nDIMENSIONS {nx} {ny} {nz}")?;
            writeln!(
                out,
                "ORIGIN {x:?} {y:?} {z:?}\nSPACING {dx:?} {dy:?} {dz:?}"
            )
        }
    }
}

/// Cells, each with its number of points before them.
fn cells<C: AsRef<[usize]>>(name: &str, cells: &[C], out: &mut dyn Write) -> io::Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    let size: usize = cells.iter().map(|cell| 1 + cell.as_ref().len()).sum();
    writeln!(out, "{name} {} {size}", cells.len())?;
    for cell in cells.iter().map(AsRef::as_ref) {
        for number in std::iter::once(&cell.len()).chain(cell) {
            // Grids are small enough for it.
            out.write_all(&(*number as i32).to_be_bytes())?;
        }
    }
    writeln!(out)
}

fn kind(values: &Values) -> &'static str {
    match values {
        Values::F64(_) => "double",
        Values::I64(_) => "vtktypeint64",
        Values::U8(_) => "unsigned_char",
    }
}

fn values(values: &Values, out: &mut dyn Write) -> io::Result<()> {
    match values {
        Values::F64(values) => {
            { values.iter() }.try_for_each(|v| out.write_all(&v.to_be_bytes()))?
        }
        Values::I64(values) => {
            { values.iter() }.try_for_each(|v| out.write_all(&v.to_be_bytes()))?
        }
        Values::U8(values) => out.write_all(values)?,
    }
    writeln!(out)
}

/// Names are words: anything but letters, digits and a few signs becomes `%XX`.
fn encoded(name: &str) -> String {
    let mut word = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte.is_ascii_alphanumeric() || b"_-.".contains(&byte) {
            true => word.push(byte.into()),
            false => word.push_str(&format!("%{byte:02X}")),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        assert_eq!(encoded("loss_se"), "loss_se");
        assert_eq!(encoded("my term%"), "my%20term%25");
    }
}
