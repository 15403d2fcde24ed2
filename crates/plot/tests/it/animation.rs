//! Animations: what decoders of others see.

use crate::support::{path, plane};
use landscape_plot::{Animation, AnimationFormat, Figure, Options, trajectory};
use std::io::Cursor;

const DPI: f64 = 60.0;

/// A path at three of its steps, the last one complete.
fn frames() -> Vec<Figure> {
    let surface = plane(9, 9, |x, y| 0.3 + x * x + y * y);
    let at = |until| {
        let options = Options {
            until: Some(until),
            ..Options::default()
        };
        trajectory(&surface, &path(20), &options).unwrap()
    };
    [0, 95, 190].map(at).to_vec()
}

/// Width, height and colours of a figure.
fn pixels(figure: &Figure) -> (usize, usize, Vec<u8>) {
    let (map, _) = crate::support::pixels(figure, DPI);
    let rgb = map.data().chunks_exact(4).flat_map(|p| p[..3].to_vec());
    (map.width() as usize, map.height() as usize, rgb.collect())
}

fn encoded(format: AnimationFormat) -> Vec<u8> {
    Animation::new(frames())
        .unwrap()
        .encode(format, DPI)
        .unwrap()
}

/// Whether what a decoder shows is the frame, apart from the white below a frame that is less tall.
fn shows(shown: &[u8], figure: &Figure, off: u8) {
    let (_, _, rgb) = pixels(figure);
    let far = rgb
        .iter()
        .zip(shown)
        .filter(|(a, b)| a.abs_diff(**b) > off)
        .count();
    assert!(far * 200 <= rgb.len(), "{far} of {}", rgb.len());
    assert!(shown[rgb.len()..].iter().all(|v| v.abs_diff(255) <= off));
}

#[test]
fn a_path_grows_up_to_its_step() {
    let drawn = frames();
    let words = [">step 90<", ">end (step 190) = trained point<"];
    for (figure, words) in drawn[1..].iter().zip(words) {
        assert!(figure.svg().contains(words), "{words}");
    }
    // The axes, and what is said of the whole path, stay.
    assert!(drawn.iter().all(|f| f.svg().contains(">start (step 0)<")));
    let surface = plane(9, 9, |x, y| 0.3 + x * x + y * y);
    let whole = trajectory(&surface, &path(20), &Options::default()).unwrap();
    assert_eq!(drawn[2].svg(), whole.svg());
}

#[test]
fn webp_shows_every_frame_without_loss() {
    let file = encoded(AnimationFormat::WebP);
    let mut decoder = image_webp::WebPDecoder::new(Cursor::new(&file)).unwrap();
    assert!(decoder.is_animated());
    assert_eq!(decoder.num_frames(), 3);
    let mut shown = vec![0; decoder.output_buffer_size().unwrap()];
    for (k, figure) in frames().iter().enumerate() {
        let time = decoder.read_frame(&mut shown).unwrap();
        assert_eq!(time, if k == 2 { 2000 } else { 80 });
        shows(&shown, figure, 0);
    }
}

#[test]
fn gif_shows_every_frame_in_colours_near_its_own() {
    let file = encoded(AnimationFormat::Gif);
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(&file[..]).unwrap();
    let width = usize::from(decoder.width());
    let mut shown = vec![255; 3 * width * usize::from(decoder.height())];
    for figure in frames() {
        let frame = decoder.read_next_frame().unwrap().unwrap();
        let (left, top) = (usize::from(frame.left), usize::from(frame.top));
        for (k, pixel) in frame.buffer.chunks_exact(4).enumerate() {
            let (x, y) = (k % usize::from(frame.width), k / usize::from(frame.width));
            let at = 3 * ((top + y) * width + left + x);
            shown[at..at + 3].copy_from_slice(&pixel[..3]);
        }
        shows(&shown, &figure, 24);
    }
    assert!(decoder.read_next_frame().unwrap().is_none());
}

#[test]
fn apng_shows_every_frame_without_loss() {
    let file = encoded(AnimationFormat::Apng);
    let mut reader = png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
    assert_eq!(reader.info().animation_control().unwrap().num_frames, 3);
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let mut shown = vec![255; 3 * width * height];
    for figure in frames() {
        let mut part = vec![0; 3 * width * height];
        reader.next_frame(&mut part).unwrap();
        let frame = *reader.info().frame_control().unwrap();
        let (left, w) = (frame.x_offset as usize, frame.width as usize);
        let rows = part.chunks_exact(3 * w).take(frame.height as usize);
        for (y, row) in rows.enumerate() {
            let at = 3 * ((frame.y_offset as usize + y) * width + left);
            shown[at..at + row.len()].copy_from_slice(row);
        }
        shows(&shown, &figure, 0);
    }
}

#[test]
fn what_cannot_move_is_refused() {
    assert!(Animation::new(Vec::new()).is_err());
    let one = Animation::new(frames()).unwrap();
    for dpi in [10.0, f64::NAN, 2401.0] {
        assert!(one.encode(AnimationFormat::Gif, dpi).is_err(), "{dpi}");
    }
}
