//! One page of PDF from an SVG document.

use crate::error::PlotError;
use crate::text::FONT;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, TextStr};
use std::collections::HashMap;
use svg2pdf::usvg::{Options, Tree};
use svg2pdf::{ConversionOptions, to_chunk};

/// The name of the drawing among the page's resources.
const DRAWING: Name<'_> = Name(b"Figure");

/// A page of a width and a height in points that is filled by a drawing, with names and values as its keywords.
pub(crate) fn page(
    svg: &str,
    (width, height): (f64, f64),
    title: &str,
    entries: &[(String, String)],
) -> Result<Vec<u8>, PlotError> {
    let tree = tree(svg)?;
    let (drawing, at) = to_chunk(&tree, ConversionOptions::default()).map_err(failed)?;
    let mut next = Ref::new(1);
    let [catalog, pages, page, content, info] = [(); 5].map(|()| next.bump());
    let mut known = HashMap::new();
    let drawing = drawing.renumber(|old| *known.entry(old).or_insert_with(|| next.bump()));
    let at = *known.entry(at).or_insert_with(|| next.bump());

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page]).count(1);
    let (width, height) = (width as f32, height as f32);
    let mut only = pdf.page(page);
    only.media_box(Rect::new(0.0, 0.0, width, height));
    only.parent(pages).contents(content);
    only.resources().x_objects().pair(DRAWING, at);
    only.finish();
    let mut painted = Content::new();
    // The drawing fills a square of 1.
    painted.transform([width, 0.0, 0.0, height, 0.0, 0.0]);
    painted.x_object(DRAWING);
    pdf.stream(content, &painted.finish());
    let keywords: Vec<String> = { entries.iter() }
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    pdf.document_info(info)
        .title(TextStr(title))
        .keywords(TextStr(&keywords.join("; ")));
    pdf.extend(&drawing);
    Ok(sort_references(&pdf.finish()))
}

/// Sorts the references in dictionaries, which `svg2pdf` writes in the order of hashes, another one each time: one figure is one file.
/// Lines change places within their dictionary, so that objects stay where they are.
fn sort_references(pdf: &[u8]) -> Vec<u8> {
    let mut lines: Vec<&[u8]> = pdf.split_inclusive(|byte| *byte == b'\n').collect();
    let is_reference = |line: &[u8]| {
        let line = str::from_utf8(line).unwrap_or_default().trim();
        line.starts_with('/') && line.ends_with(" 0 R")
    };
    let (mut first, mut in_stream) = (0, false);
    for at in 0..lines.len() {
        in_stream = match lines[at] {
            b"stream\n" => true,
            b"endstream\n" => false,
            _ => in_stream,
        };
        if in_stream || !is_reference(lines[at]) {
            lines[first..at].sort_unstable();
            first = at + 1;
        }
    }
    lines.concat()
}

/// The drawing, with the font that travels with this crate alone.
fn tree(svg: &str) -> Result<Tree, PlotError> {
    let mut options = Options {
        font_family: "DejaVu Sans".to_owned(),
        ..Options::default()
    };
    options.fontdb_mut().load_font_data(FONT.to_vec());
    options.fontdb_mut().set_sans_serif_family("DejaVu Sans");
    Tree::from_str(svg, &options).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> PlotError {
    PlotError::Pdf {
        reason: error.to_string(),
    }
}
