//! The lines of a figure for pgfplots: what LaTeX draws in the type of the document, with every number there to be changed.
//!
//! Axes with a linear or a logarithmic scale hold the values themselves, those of other scales their places, with the
//! words of their ticks.

use crate::lines::{Colors, Frame, Line, Side};
use crate::scale::Transform;
use crate::style::Style;
use std::fmt::Write;

/// Frames as a `tikzpicture`, on a page `height` points tall; what stands in the metadata of other files is its head.
pub(crate) fn picture(
    frames: &[Frame],
    height: f64,
    style: &Style,
    provenance: &[(String, String)],
) -> String {
    let mut out = String::new();
    for (name, value) in provenance {
        let _ = writeln!(out, "% {name}: {}", one_line(value));
    }
    out.push_str(
        "% \\usepackage{pgfplots} \\pgfplotsset{compat=1.16}, and \\input this file.\n\\begin{tikzpicture}\n",
    );
    for frame in frames {
        axis(&mut out, frame, height, style);
    }
    out.push_str("\\end{tikzpicture}\n");
    out
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

fn axis(out: &mut String, frame: &Frame, height: f64, style: &Style) {
    let (f, [x, y]) = (frame.area, &frame.sides);
    let (words, small) = (font(style.font_pt), font(style.small()));
    let mut options = vec![
        "scale only axis".to_owned(),
        format!("width={:.2}bp, height={:.2}bp", f.w, f.h),
        format!(
            "at={{({:.2}bp, {:.2}bp)}}, anchor=south west",
            f.x,
            height - f.bottom()
        ),
        format!("label style={{{words}}}, title style={{{words}}}"),
        format!("tick label style={{{small}}}, tick align=outside, tick pos=left"),
        format!(
            "legend style={{{small}, draw=none, at={{(0.5, -0.3)}}, anchor=north, legend columns=2}}"
        ),
        "legend cell align=left, unbounded coords=jump, empty line=jump".to_owned(),
    ];
    for (name, text) in [
        ("title", &frame.title),
        ("xlabel", &x.label),
        ("ylabel", &y.label),
    ] {
        if !text.is_empty() {
            options.push(format!("{name}={{{}}}", escape(text)));
        }
    }
    options.push(scale("x", x));
    options.push(scale("y", y));
    options.extend(frame.colors.as_ref().map(bar));
    let _ = writeln!(out, "\\begin{{axis}}[\n  {},\n]", options.join(",\n  "));
    for line in &frame.lines {
        plot(out, line, [x, y]);
    }
    out.push_str("\\end{axis}\n");
}

fn font(size: f64) -> String {
    format!("font=\\fontsize{{{size}}}{{{:.2}}}\\selectfont", 1.2 * size)
}

/// Whether an axis holds the values themselves.
fn has_values(axis: &Side) -> bool {
    matches!(axis.transform, Transform::Linear | Transform::Log)
}

fn coordinate(axis: &Side, value: f64) -> f64 {
    match has_values(axis) {
        true => value,
        false => axis.transform.forward(value),
    }
}

/// The range of an axis, its mode, and its ticks where they are not those of pgfplots.
fn scale(name: &str, axis: &Side) -> String {
    let (lo, hi) = (coordinate(axis, axis.lo), coordinate(axis, axis.hi));
    let range = format!("{name}min={lo:e}, {name}max={hi:e}");
    match axis.transform {
        Transform::Linear => range,
        Transform::Log => format!("{name}mode=log, {range}"),
        _ => {
            let labelled = axis
                .ticks
                .iter()
                .filter_map(|t| Some((t.value, t.label.as_deref()?)));
            let ticks = labelled.map(|(value, words)| (coordinate(axis, value), words.to_owned()));
            format!("{range}, {}", labels(name, &ticks.collect::<Vec<_>>()))
        }
    }
}

fn labels(name: &str, ticks: &[(f64, String)]) -> String {
    let places: Vec<String> = ticks.iter().map(|(at, _)| format!("{at:e}")).collect();
    let words: Vec<String> = { ticks.iter() }
        .map(|(_, words)| format!("{{{}}}", escape(words)))
        .collect();
    format!(
        "{name}tick={{{}}}, {name}ticklabels={{{}}}",
        places.join(", "),
        words.join(", ")
    )
}

fn bar(colors: &Colors) -> String {
    let table: Vec<String> = { colors.table.iter() }
        .map(|[r, g, b]| format!("rgb255=({r},{g},{b})"))
        .collect();
    format!(
        "colormap={{values}}{{{}}}, point meta min={:e}, point meta max={:e},\n  colorbar, colorbar style={{ylabel={{{}}}, {}}}",
        table.join(" "),
        colors.ends.0,
        colors.ends.1,
        escape(&colors.name),
        labels("y", &colors.ticks)
    )
}

fn plot(out: &mut String, line: &Line, [x, y]: [&Side; 2]) {
    let mut options = vec![color(&line.color)];
    match line.width > 0.0 {
        true => options.push(format!("line width={}bp", line.width)),
        false => options.push("only marks".to_owned()),
    }
    if !line.dash.is_empty() {
        let part = |(k, length): (usize, &f64)| {
            format!("{} {length}bp", if k % 2 == 0 { "on" } else { "off" })
        };
        let parts: Vec<String> = line.dash.iter().enumerate().map(part).collect();
        options.push(format!("dash pattern={}", parts.join(" ")));
    }
    match line.mark {
        Some(mark) => options.push(format!("mark={mark}, mark options={{solid}}")),
        None => options.push("no marks".to_owned()),
    }
    if line.mark.is_some() && line.width > 0.0 {
        options.push(format!(
            "mark repeat={}",
            line.points.len().div_ceil(8).max(1)
        ));
    }
    if line.name.is_empty() {
        options.push("forget plot".to_owned());
    }
    let _ = writeln!(
        out,
        "\\addplot[{}] table[header=false] {{",
        options.join(", ")
    );
    for (a, b) in &line.points {
        let (a, b) = (coordinate(x, *a), coordinate(y, *b));
        match a.is_finite() && b.is_finite() {
            true => {
                let _ = writeln!(out, "{a:e} {b:e}");
            }
            false => out.push('\n'),
        }
    }
    out.push_str("};\n");
    if !line.name.is_empty() {
        let _ = writeln!(out, "\\addlegendentry{{{}}}", escape(&line.name));
    }
}

/// `#rrggbb` as a colour of xcolor.
fn color(hex: &str) -> String {
    let part = |k: usize| {
        hex.get(k..k + 2)
            .and_then(|two| u8::from_str_radix(two, 16).ok())
    };
    let [r, g, b] = [1, 3, 5].map(|k| part(k).unwrap_or(0));
    format!("color={{rgb,255:red,{r};green,{g};blue,{b}}}")
}

/// Characters above and below the line, with those that stand for them in TeX.
const RAISED: [&str; 2] = ["⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"];
const LOWERED: [&str; 2] = ["₀₁₂₃₄₅₆₇₈₉", "0123456789"];

/// Text that TeX sets as it is read.
fn escape(text: &str) -> String {
    let mut out = String::new();
    // `^` or `_` while characters above or below the line follow one another.
    let mut script = None;
    for c in text.chars() {
        let now = [('^', RAISED), ('_', LOWERED)]
            .into_iter()
            .find_map(|(sign, [from, to])| {
                let at = from.chars().position(|known| known == c)?;
                Some((sign, to.chars().nth(at)?))
            });
        if script != now.map(|(sign, _)| sign) {
            if script.is_some() {
                out.push_str("}$");
            }
            script = now.map(|(sign, _)| sign);
            out.extend(script.map(|sign| format!("${sign}{{")));
        }
        match now {
            Some((_, plain)) => out.push(plain),
            None => push(&mut out, c),
        }
    }
    if script.is_some() {
        out.push_str("}$");
    }
    out
}

fn push(out: &mut String, c: char) {
    let words = match c {
        '\\' => "\\textbackslash{}",
        '~' => "\\textasciitilde{}",
        '^' => "\\textasciicircum{}",
        '−' => "$-$",
        '×' => "$\\times$",
        '±' => "$\\pm$",
        '·' => "$\\cdot$",
        '≤' => "$\\le$",
        '∞' => "$\\infty$",
        'α' => "$\\alpha$",
        'β' => "$\\beta$",
        'γ' => "$\\gamma$",
        'η' => "$\\eta$",
        'θ' => "$\\theta$",
        'λ' => "$\\lambda$",
        'σ' => "$\\sigma$",
        '…' => "\\ldots{}",
        '{' | '}' | '$' | '&' | '#' | '_' | '%' => {
            out.push('\\');
            return out.push(c);
        }
        c if c.is_control() => " ",
        c => return out.push(c),
    };
    out.push_str(words);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_break_out_of_tex() {
        assert_eq!(
            escape("50% of a_b & {c} #1 $2 \\x"),
            "50\\% of a\\_b \\& \\{c\\} \\#1 \\$2 \\textbackslash{}x"
        );
        assert_eq!(
            escape("−2×10⁻³ λ₁"),
            "$-$2$\\times$10$^{-3}$ $\\lambda$$_{1}$"
        );
        assert_eq!(one_line("a\n\\end"), "a \\end");
    }
}
