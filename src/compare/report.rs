//! The report: one HTML file with everything in it, drawings included.

use std::fmt::Write;

/// A report being written.
#[derive(Debug)]
pub(super) struct Report {
    html: String,
}

const HEAD: &str = "\
<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Omnibus and Linux</title><style>
body{font-family:sans-serif;max-width:60em;margin:2em auto;padding:0 1em;line-height:1.4}
table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}td,th{border:1px solid #bbb;padding:.2em .6em;text-align:right}
td.text,th.text{text-align:left}svg{max-width:100%;height:auto}h2{margin-top:2em}
</style></head><body>
";

impl Report {
    /// A report with a title and what stands under it.
    pub(super) fn new(title: &str, paragraphs: &[String]) -> Self {
        let mut report = Self {
            html: HEAD.to_owned(),
        };
        report.element("h1", title);
        for paragraph in paragraphs {
            report.paragraph(paragraph);
        }
        report
    }

    /// A section.
    pub(super) fn heading(&mut self, text: &str) {
        self.element("h2", text);
    }

    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        self.element("p", text);
    }

    /// A table: the first rows are its head. Cells that hold no number stand to the left.
    pub(super) fn table(&mut self, n_head_rows: usize, rows: &[Vec<String>]) {
        self.html.push_str("<table>");
        for (index, row) in rows.iter().enumerate() {
            self.html.push_str("<tr>");
            for cell in row {
                let tag = if index < n_head_rows { "th" } else { "td" };
                let is_number = cell
                    .chars()
                    .all(|c| c.is_ascii_digit() || ",.-".contains(c));
                let class = if is_number { "" } else { " class=\"text\"" };
                let cell = escaped(cell);
                // Writing to a string does not fail.
                let _ = write!(self.html, "<{tag}{class}>{cell}</{tag}>");
            }
            self.html.push_str("</tr>\n");
        }
        self.html.push_str("</table>\n");
    }

    /// A drawing.
    pub(super) fn drawing(&mut self, svg: &str) {
        // Inside a document there is no place for what introduces a file.
        let start = svg.find("<svg").unwrap_or(0);
        self.html.push_str(&svg[start..]);
        self.html.push('\n');
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> String {
        self.html.push_str("</body></html>\n");
        self.html
    }

    fn element(&mut self, tag: &str, text: &str) {
        let _ = writeln!(self.html, "<{tag}>{}</{tag}>", escaped(text));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a guest said cannot become markup, drawings are inside, and nothing refers to another file.
    #[test]
    fn a_report_is_one_file() {
        let mut report = Report::new("a", &["1 < 2 & 3".to_owned()]);
        report.table(1, &[vec!["x".to_owned()], vec!["<b>".to_owned()]]);
        report.drawing("<?xml version=\"1.0\"?>\n<svg width=\"1\"></svg>");
        let html = report.finish();
        assert!(html.contains("1 &lt; 2 &amp; 3"));
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>"));
        assert!(html.contains("<svg width") && !html.contains("<?xml"));
        assert!(!html.contains("src=") && !html.contains("href="));
    }
}
