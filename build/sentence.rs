//! The sentence that a program's source opens with.

/// What a line of the comment at the top begins with: in Rust, and in C.
const PREFIXES: [&str; 3] = ["//!", "/*", " *"];

/// The first sentence of the comment at the top of `source`, on one line; `None` if there is none.
pub(crate) fn of_program(source: &str) -> Option<String> {
    let paragraph = source
        .lines()
        .map_while(|line| PREFIXES.iter().find_map(|prefix| line.strip_prefix(prefix)))
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let sentence = match paragraph.find(". ") {
        Some(end) => &paragraph[..=end],
        None => &paragraph,
    };
    (!sentence.is_empty()).then(|| sentence.to_owned())
}
