/// A number in four significant digits, for words and tables.
///
/// ```
/// use landscape_core::short;
///
/// assert_eq!(short(0.69314718), "0.6931");
/// assert_eq!(short(1234.5), "1234");
/// assert_eq!(short(2.5e-7), "2.500e-7");
/// assert_eq!(short(f64::NAN), "NaN");
/// ```
pub fn short(value: f64) -> String {
    match value.abs() {
        _ if !value.is_finite() => value.to_string(),
        0.0 => "0".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.3e}"),
        size => {
            let digits = (4 - size.log10().floor() as i32 - 1).clamp(0, 6) as usize;
            format!("{value:.digits$}")
        }
    }
}
