//! The boot plans of the image, checked before they are packed.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use omnibus_boot_plan::{self as boot_plan, FOLDER, SUFFIX};

use crate::nested::Binary;

/// The plans in `folder`, sorted by name: each under its name in the archive.
///
/// # Errors
/// If one has a fault, which is told with its line, or names a file that is none of `programs`.
pub(crate) fn all(folder: &Path, programs: &[Binary]) -> Result<Vec<(String, String)>> {
    let cannot_list = || format!("cannot list {}", folder.display());
    let mut plans = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot_list)? {
        let path = entry.with_context(cannot_list)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(name) = name.filter(|name| name.ends_with(SUFFIX)) else {
            bail!("{}: not a plan, NAME{SUFFIX}", path.display());
        };
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        check(&text, programs).map_err(|fault| anyhow!("{}:{fault}", path.display()))?;
        plans.push((format!("{FOLDER}{name}"), text));
    }
    plans.sort();
    Ok(plans)
}

fn check(text: &str, programs: &[Binary]) -> Result<()> {
    for program in boot_plan::parse(text)?.programs {
        if !programs.iter().any(|known| known.name == program.file) {
            let boot_plan::Program { line, file, .. } = program;
            bail!("{line}: the image has no program \"{file}\"");
        }
    }
    Ok(())
}
