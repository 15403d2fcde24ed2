//! Settings in the text form of what has some.

/// Settings `key=value,key=value`, each given once; the error is the reason.
pub(crate) fn settings(text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for setting in text.split(',').filter(|_| !text.is_empty()) {
        let Some((key, value)) = setting.split_once('=') else {
            return Err(format!(
                "`{setting}` is not a setting of the form key=value"
            ));
        };
        if all.iter().any(|(known, _)| *known == key) {
            return Err(format!("`{key}` is given twice"));
        }
        all.push((key, value));
    }
    Ok(all)
}
