//! The output of `cargo test` as outcomes: which crate is running, and how each of its tests ended.

/// Reads the output line by line.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The crate whose tests are running, as its name is written in Rust.
    crate_name: String,
}

/// A test's end, as libtest prints it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ended {
    /// `crate::module::function`, or, of an example in the documentation, `crate::file - item (line N)`.
    pub(crate) id: String,
    /// Why it does not count as passed.
    pub(crate) failure: Option<&'static str>,
}

/// What a line is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A test ended.
    Test(Ended),
    /// A heading or a summary, of no interest.
    Frame,
    /// Anything else: the compiler's progress, a failed test's output.
    Other,
}

impl Reader {
    /// Takes one line.
    pub(crate) fn take(&mut self, line: &str) -> Line {
        let trimmed = line.trim_start();
        if let Some(name) = running_crate(trimmed) {
            self.crate_name = name;
            return Line::Frame;
        }
        if line.is_empty() || line.starts_with("running ") || line.starts_with("test result: ok") {
            return Line::Frame;
        }
        let Some((name, result)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.rsplit_once(" ... "))
        else {
            return Line::Other;
        };
        let failure = match result {
            "ok" => None,
            "FAILED" => Some("failed; its output follows"),
            result if result.starts_with("ignored") => {
                Some("ignored, and a test that does not run shows nothing")
            }
            _ => return Line::Other,
        };
        let name = name.strip_suffix(" - should panic").unwrap_or(name);
        Line::Test(Ended {
            id: format!("{}::{name}", self.crate_name),
            failure,
        })
    }
}

/// The crate that cargo says it runs now: `Running unittests src/lib.rs (target/debug/deps/NAME-HASH)`, `Running
/// tests/cli.rs (target/debug/deps/cli-HASH)` or `Doc-tests NAME`.
fn running_crate(line: &str) -> Option<String> {
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(name.to_owned());
    }
    let path = line
        .strip_prefix("Running ")?
        .strip_suffix(')')?
        .rsplit_once(" (")?
        .1;
    let file = path.rsplit('/').next()?;
    Some(file.rsplit_once('-')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(id: &str, failure: Option<&'static str>) -> Line {
        Line::Test(Ended {
            id: id.to_owned(),
            failure,
        })
    }

    /// Results carry the crate that cargo announced before them, for unit, integration and documentation tests.
    #[test]
    fn names_the_crate() {
        let mut reader = Reader::default();
        assert_eq!(
            reader.take("     Running unittests src/lib.rs (target/debug/deps/omnibus_abi-0a1b)"),
            Line::Frame
        );
        assert_eq!(reader.take("running 2 tests"), Line::Frame);
        assert_eq!(
            reader.take("test a::tests::b ... ok"),
            ended("omnibus_abi::a::tests::b", None)
        );
        assert_eq!(
            reader.take("test result: ok. 1 passed; 0 failed"),
            Line::Frame
        );
        reader.take("     Running tests/cli.rs (target/debug/deps/cli-ff00)");
        assert_eq!(
            reader.take("test x - should panic ... ok"),
            ended("cli::x", None)
        );
        reader.take("   Doc-tests omnibus_abi");
        assert_eq!(
            reader.take("test abi/src/lib.rs - items (line 3) ... ok"),
            ended("omnibus_abi::abi/src/lib.rs - items (line 3)", None)
        );
    }

    /// Failed and ignored tests are failures; everything else on the output is not a test.
    #[test]
    fn only_ok_is_passed() {
        let mut reader = Reader::default();
        assert!(matches!(
            reader.take("test a ... FAILED"),
            Line::Test(Ended {
                failure: Some(_),
                ..
            })
        ));
        assert!(matches!(
            reader.take("test a ... ignored, slow"),
            Line::Test(Ended {
                failure: Some(_),
                ..
            })
        ));
        for other in [
            "   Compiling x v1.0",
            "test a has been running for over 60 seconds",
            "test result: FAILED. 0",
        ] {
            assert_eq!(reader.take(other), Line::Other, "{other}");
        }
    }
}
